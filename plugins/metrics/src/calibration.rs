use serde::{Deserialize, Serialize};

/// The samples whose probabilities lie in one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// The bin's lower edge, which belongs to the bin below; 0 belongs to the first bin.
    pub lower: f64,
    /// The bin's upper edge, which belongs to the bin.
    pub upper: f64,
    /// Number of samples, at least 1.
    pub n_samples: usize,
    /// Their mean probability.
    pub mean_probability: f64,
    /// Share of the samples that are positive.
    pub positive_fraction: f64,
}

/// Groups samples by probability, in `n_bins` bins of equal width on [0, 1]. Bins without samples
/// are left out, as in scikit-learn's `calibration_curve`.
///
/// ```
/// use pe_metrics::calibration;
/// let bins = calibration(&[false, true], &[0.5, 0.9], 2);
/// assert_eq!((bins[0].upper, bins[0].positive_fraction), (0.5, 0.0)); // 0.5 lies in the lower bin
/// assert_eq!((bins[1].upper, bins[1].positive_fraction), (1.0, 1.0));
/// ```
///
/// # Panics
/// When there are not as many probabilities as labels, and for samples in 0 bins.
pub fn calibration(labels: &[bool], probabilities: &[f64], n_bins: usize) -> Vec<CalibrationBin> {
    assert_eq!(
        labels.len(),
        probabilities.len(),
        "one score for each label"
    );
    let width = 1.0 / n_bins as f64;
    let edges: Vec<f64> = (1..n_bins).map(|edge| edge as f64 * width).collect();
    let mut sums = vec![(0_usize, 0.0, 0_usize); n_bins];
    for (label, probability) in labels.iter().zip(probabilities) {
        let bin = edges.partition_point(|edge| edge < probability);
        let (n_samples, sum, n_positive) = &mut sums[bin];
        *n_samples += 1;
        *sum += probability;
        *n_positive += usize::from(*label);
    }
    let filled = sums.iter().enumerate().filter(|(_, sums)| sums.0 > 0);
    filled
        .map(|(bin, &(n_samples, sum, n_positive))| CalibrationBin {
            lower: bin.checked_sub(1).map_or(0.0, |edge| edges[edge]),
            upper: edges.get(bin).copied().unwrap_or(1.0),
            n_samples,
            mean_probability: sum / n_samples as f64,
            positive_fraction: n_positive as f64 / n_samples as f64,
        })
        .collect()
}

/// Computes the expected calibration error: the mean over samples of the difference between their
/// bin's share of positives and mean probability (Naeini et al., AAAI 2015). In [0, 1]; NaN without
/// bins.
///
/// ```
/// use pe_metrics::{calibration, calibration_error};
/// let bins = calibration(&[false, true], &[0.25, 0.75], 2);
/// assert_eq!(calibration_error(&bins), 0.25);
/// assert!(calibration_error(&[]).is_nan());
/// ```
pub fn calibration_error(bins: &[CalibrationBin]) -> f64 {
    let n_samples: usize = bins.iter().map(|bin| bin.n_samples).sum();
    let weighted = bins
        .iter()
        .map(|bin| bin.n_samples as f64 * (bin.positive_fraction - bin.mean_probability).abs());
    weighted.sum::<f64>() / n_samples as f64
}
