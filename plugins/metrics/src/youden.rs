use serde::{Deserialize, Serialize};

use crate::json_number;
use crate::steps::{Step, steps, totals};

/// An operating point: a threshold and the numbers at it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Operating {
    /// A score equal to it or above is positive.
    #[serde(with = "json_number")]
    pub threshold: f64,
    /// The share of positives at or above the threshold, in [0, 1].
    #[serde(with = "json_number")]
    pub sensitivity: f64,
    /// The share of negatives below the threshold, in [0, 1].
    #[serde(with = "json_number")]
    pub specificity: f64,
    /// Youden's index, sensitivity + specificity − 1, in [−1, 1].
    #[serde(with = "json_number")]
    pub index: f64,
}

/// Finds the threshold with the greatest Youden index (Youden, Cancer 3:32, 1950), among the scores
/// that occur. The infinite threshold of the ROC curve, which calls nothing positive, is excluded.
///
/// Ties go to the higher sensitivity, which is the lower threshold; two thresholds that tie in both
/// are the same. Indices are compared as integers, so rounding decides nothing. All four numbers
/// are NaN for one class only, and for no samples.
///
/// ```
/// use pe_metrics::youden;
/// let labels = [false, false, true, true];
/// let point = youden(&labels, &[0.1, 0.4, 0.35, 0.8]); // 0.8 and 0.35 both give 0.5
/// assert_eq!((point.threshold, point.sensitivity, point.specificity), (0.35, 1.0, 0.5));
/// assert!(youden(&[true], &[0.5]).threshold.is_nan());
/// ```
///
/// # Panics
/// When there are not as many scores as labels.
pub fn youden(labels: &[bool], scores: &[f64]) -> Operating {
    let steps = steps(labels, scores);
    let (n_positive, n_negative) = totals(&steps);
    // The index times both class sizes: an integer with the same order as the index.
    let scaled = |step: &Step| {
        step.true_positives as i128 * n_negative as i128
            - step.false_positives as i128 * n_positive as i128
    };
    // `max_by_key` takes the last of equals, which has the lowest threshold.
    let best = steps.iter().max_by_key(|step| scaled(step));
    let best = best.filter(|_| n_positive > 0 && n_negative > 0);
    let Some(best) = best else {
        return Operating {
            threshold: f64::NAN,
            sensitivity: f64::NAN,
            specificity: f64::NAN,
            index: f64::NAN,
        };
    };
    Operating {
        threshold: best.threshold,
        sensitivity: best.true_positives as f64 / n_positive as f64,
        specificity: (n_negative - best.false_positives) as f64 / n_negative as f64,
        index: scaled(best) as f64 / (n_positive as f64 * n_negative as f64),
    }
}
