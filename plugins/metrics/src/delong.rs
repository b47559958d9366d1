use serde::{Deserialize, Serialize};

use crate::Estimate;
use crate::json_number;
use crate::normal::{two_sided_p, two_sided_z};

/// The area under the ROC curve with DeLong's variance (DeLong et al., Biometrics 44:837, 1988).
///
/// It assumes that samples are independent, but slices of one exam are not. At slice and slab level
/// its intervals are therefore too narrow; use the bootstrap over exams instead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Delong {
    /// The area; NaN for one class only.
    #[serde(with = "json_number")]
    pub auroc: f64,
    /// Its variance; NaN with fewer than two samples of either class.
    #[serde(with = "json_number")]
    pub variance: f64,
}

/// DeLong's test of two models on the same samples. The caution about [`Delong`] applies here too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DelongPair {
    /// The first model's area.
    pub a: Delong,
    /// The second model's area.
    pub b: Delong,
    /// The areas' covariance.
    #[serde(with = "json_number")]
    pub covariance: f64,
    /// The second area minus the first.
    #[serde(with = "json_number")]
    pub delta: f64,
    /// `delta` divided by its standard error. NaN if the standard error is 0: the models rank every
    /// pair of samples alike, or both have no variance.
    #[serde(with = "json_number")]
    pub z: f64,
    /// The two-sided p value of `z`.
    #[serde(with = "json_number")]
    pub p: f64,
}

impl Delong {
    /// Returns the interval of that confidence by the normal distribution, clipped to [0, 1].
    pub fn interval(&self, confidence: f64) -> Estimate {
        let half = two_sided_z(confidence) * self.variance.sqrt();
        // `f64::max` would turn an undefined end into a number; `clamp` keeps NaN.
        Estimate {
            value: self.auroc,
            low: (self.auroc - half).clamp(0.0, 1.0),
            high: (self.auroc + half).clamp(0.0, 1.0),
        }
    }
}

/// Computes the area under the ROC curve and its variance, by midranks in O(n log n) (Sun & Xu,
/// IEEE Signal Processing Letters 21:1389, 2014).
///
/// ```
/// use pe_metrics::delong;
/// let found = delong(&[false, false, true, true], &[0.1, 0.4, 0.4, 0.8]);
/// assert_eq!(found.auroc, 0.875);
/// assert!(delong(&[false, true], &[0.1, 0.4]).variance.is_nan()); // one of each says nothing
/// ```
///
/// # Panics
/// When there are not as many scores as labels.
pub fn delong(labels: &[bool], scores: &[f64]) -> Delong {
    Placements::new(labels, scores).area()
}

/// Compares two models' areas on the same samples.
///
/// ```
/// use pe_metrics::delong_pair;
/// let labels = [false, false, false, true, true, true];
/// let a = [0.1, 0.7, 0.3, 0.6, 0.2, 0.9];
/// let pair = delong_pair(&labels, &a, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
/// assert!(pair.delta > 0.0 && pair.p < 1.0);
/// assert!(delong_pair(&labels, &a, &a).p.is_nan()); // nothing differs
/// ```
///
/// # Panics
/// When there are not as many scores as labels.
pub fn delong_pair(labels: &[bool], a: &[f64], b: &[f64]) -> DelongPair {
    let (a, b) = (Placements::new(labels, a), Placements::new(labels, b));
    let delta = b.auroc - a.auroc;
    // The variance of the differences. Unlike var(a) + var(b) - 2 cov(a, b), rounding cannot make
    // it negative.
    let variance = variance(&differences(&a.positives, &b.positives)) / a.positives.len() as f64
        + variance(&differences(&a.negatives, &b.negatives)) / a.negatives.len() as f64;
    let z = match variance {
        0.0 => f64::NAN,
        _ => delta / variance.sqrt(),
    };
    DelongPair {
        a: a.area(),
        b: b.area(),
        covariance: covariance(&a.positives, &b.positives) / a.positives.len() as f64
            + covariance(&a.negatives, &b.negatives) / a.negatives.len() as f64,
        delta,
        z,
        p: two_sided_p(z),
    }
}

/// The placement of each sample among all samples of the other class: the share of negatives below
/// a positive, and the share of positives above a negative; ties count one half.
struct Placements {
    auroc: f64,
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Placements {
    fn new(labels: &[bool], scores: &[f64]) -> Self {
        assert_eq!(labels.len(), scores.len(), "one score for each label");
        let of = |class: bool| -> (Vec<usize>, Vec<f64>) {
            let samples = labels.iter().zip(scores).enumerate();
            samples
                .filter(|(_, (label, _))| **label == class)
                .map(|(sample, (_, score))| (sample, *score))
                .unzip()
        };
        let ((positives, positive_scores), (negatives, negative_scores)) = (of(true), of(false));
        let (n_positive, n_negative) = (positives.len() as f64, negatives.len() as f64);
        let among_all = midranks(scores);
        // A sample's rank among all samples, minus its rank in its own class, is the number of
        // samples of the other class below it.
        let below = |samples: &[usize], own: &[f64]| -> Vec<f64> {
            let ranks = samples.iter().zip(midranks(own));
            ranks
                .map(|(sample, own)| among_all[*sample] - own)
                .collect()
        };
        let positives: Vec<f64> = below(&positives, &positive_scores);
        let negatives: Vec<f64> = below(&negatives, &negative_scores);
        // The mean placement of the positives is the area.
        let auroc = positives.iter().sum::<f64>() / (n_positive * n_negative);
        Self {
            auroc,
            positives: positives.iter().map(|below| below / n_negative).collect(),
            negatives: negatives
                .iter()
                .map(|below| 1.0 - below / n_positive)
                .collect(),
        }
    }

    fn area(&self) -> Delong {
        Delong {
            auroc: self.auroc,
            variance: variance(&self.positives) / self.positives.len() as f64
                + variance(&self.negatives) / self.negatives.len() as f64,
        }
    }
}

/// Returns each value's rank, from 1. Tied values share the mean of their ranks.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for value in tied {
            ranks[*value] = rank;
        }
        before += tied.len();
    }
    ranks
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| b - a).collect()
}

fn variance(values: &[f64]) -> f64 {
    covariance(values, values)
}

/// Computes the unbiased covariance; NaN for fewer than two values.
fn covariance(a: &[f64], b: &[f64]) -> f64 {
    if a.len() < 2 {
        return f64::NAN;
    }
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let products = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b));
    products.sum::<f64>() / (n - 1.0)
}
