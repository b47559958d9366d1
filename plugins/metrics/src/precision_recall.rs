use serde::{Deserialize, Serialize};

use crate::json_number;
use crate::steps::{Step, steps, totals};

/// A precision-recall curve, with one point for each threshold and the end point (recall 0,
/// precision 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrCurve {
    /// Ascending; one fewer than the points, because the end point has none.
    #[serde(with = "json_number::list")]
    pub thresholds: Vec<f64>,
    /// True positives over predicted positives.
    #[serde(with = "json_number::list")]
    pub precision: Vec<f64>,
    /// True positives over positives, which is the sensitivity; descending to 0. All 1 before the
    /// end point when there are no positives.
    #[serde(with = "json_number::list")]
    pub recall: Vec<f64>,
}

/// Computes the precision-recall curve of `scores`, as scikit-learn's `precision_recall_curve`.
/// With `drop_intermediate`, only the first and the last point of each recall are kept.
///
/// ```
/// use pe_metrics::precision_recall_curve;
/// let curve = precision_recall_curve(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8], false);
/// assert_eq!(curve.thresholds, [0.1, 0.35, 0.4, 0.8]);
/// assert_eq!(curve.precision, [0.5, 2.0 / 3.0, 0.5, 1.0, 1.0]);
/// assert_eq!(curve.recall, [1.0, 1.0, 0.5, 0.5, 0.0]);
/// ```
///
/// # Panics
/// When there are not as many scores as labels.
pub fn precision_recall_curve(labels: &[bool], scores: &[f64], drop_intermediate: bool) -> PrCurve {
    let mut steps = steps(labels, scores);
    let (n_positive, _) = totals(&steps);
    if drop_intermediate {
        steps = ends_of_levels(&steps);
    }
    steps.reverse();
    let precision = |step: &Step| {
        step.true_positives as f64 / (step.true_positives + step.false_positives) as f64
    };
    let recall = |step: &Step| match n_positive {
        0 => 1.0,
        _ => step.true_positives as f64 / n_positive as f64,
    };
    PrCurve {
        thresholds: steps.iter().map(|step| step.threshold).collect(),
        precision: steps.iter().map(precision).chain([1.0]).collect(),
        recall: steps.iter().map(recall).chain([0.0]).collect(),
    }
}

/// Drops the steps that have as many true positives as both neighbours.
fn ends_of_levels(steps: &[Step]) -> Vec<Step> {
    let changes = |place: usize| {
        let at = steps[place].true_positives;
        steps[place - 1].true_positives != at || steps[place + 1].true_positives != at
    };
    let last = steps.len().saturating_sub(1);
    (0..steps.len())
        .filter(|&place| place == 0 || place == last || changes(place))
        .map(|place| steps[place])
        .collect()
}
