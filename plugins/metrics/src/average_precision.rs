use crate::steps::{steps, totals};

/// Computes the average precision: the sum over thresholds of precision times the gain in recall,
/// without interpolation. In [0, 1]; NaN without positive samples (scikit-learn gives 0 and a
/// warning).
///
/// ```
/// use pe_metrics::average_precision;
/// let found = average_precision(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8]);
/// assert!((found - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
/// assert!(average_precision(&[false], &[0.5]).is_nan());
/// ```
///
/// # Panics
/// When there are not as many scores as labels.
pub fn average_precision(labels: &[bool], scores: &[f64]) -> f64 {
    let steps = steps(labels, scores);
    let (n_positive, _) = totals(&steps);
    let mut sum = 0.0;
    let mut before = 0;
    for step in &steps {
        let found = step.true_positives as f64;
        let predicted = (step.true_positives + step.false_positives) as f64;
        sum += (step.true_positives - before) as f64 * found / predicted;
        before = step.true_positives;
    }
    sum / n_positive as f64
}
