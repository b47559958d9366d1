use serde::{Deserialize, Serialize};

use crate::json_number;
use crate::steps::{Step, steps, totals};

/// An ROC curve: sensitivity against false positive rate, with one point for each threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// Descending. The first is infinite: nothing is called positive.
    #[serde(with = "json_number::list")]
    pub thresholds: Vec<f64>,
    /// False positives over negatives, ascending from 0 to 1; NaN without negatives.
    #[serde(with = "json_number::list")]
    pub false_positive_rate: Vec<f64>,
    /// True positives over positives, ascending from 0 to 1; NaN without positives.
    #[serde(with = "json_number::list")]
    pub sensitivity: Vec<f64>,
}

/// Computes the ROC curve of `scores`, as scikit-learn's `roc_curve`. With `drop_intermediate`,
/// points within a straight line are left out, which changes neither the picture nor the area.
///
/// ```
/// use pe_metrics::roc_curve;
/// let curve = roc_curve(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8], true);
/// assert_eq!(curve.thresholds, [f64::INFINITY, 0.8, 0.4, 0.35, 0.1]);
/// assert_eq!(curve.false_positive_rate, [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(curve.sensitivity, [0.0, 0.5, 0.5, 1.0, 1.0]);
/// ```
///
/// # Panics
/// When there are not as many scores as labels.
pub fn roc_curve(labels: &[bool], scores: &[f64], drop_intermediate: bool) -> RocCurve {
    let mut steps = steps(labels, scores);
    let (n_positive, n_negative) = totals(&steps);
    if drop_intermediate {
        steps = corners(&steps);
    }
    let nothing = Step {
        threshold: f64::INFINITY,
        true_positives: 0,
        false_positives: 0,
    };
    let points = || [nothing].into_iter().chain(steps.iter().copied());
    RocCurve {
        thresholds: points().map(|step| step.threshold).collect(),
        false_positive_rate: points()
            .map(|step| step.false_positives as f64 / n_negative as f64)
            .collect(),
        sensitivity: points()
            .map(|step| step.true_positives as f64 / n_positive as f64)
            .collect(),
    }
}

/// Drops the steps that lie midway between their neighbours. The ends stay, and the points where
/// the curve bends or its pace changes.
fn corners(steps: &[Step]) -> Vec<Step> {
    let bends = |place: usize| {
        let (before, at, after) = (steps[place - 1], steps[place], steps[place + 1]);
        before.true_positives + after.true_positives != 2 * at.true_positives
            || before.false_positives + after.false_positives != 2 * at.false_positives
    };
    let last = steps.len().saturating_sub(1);
    (0..steps.len())
        .filter(|&place| place == 0 || place == last || bends(place))
        .map(|place| steps[place])
        .collect()
}
