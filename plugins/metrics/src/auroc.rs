use crate::steps::{Step, steps, totals};

/// Computes the area under the ROC curve: the probability that a positive sample scores higher than
/// a negative one, where a tie counts one half. In [0, 1]; NaN for one class only, and for no
/// samples.
///
/// Exact: counts are summed as integers and divided once.
///
/// ```
/// use pe_metrics::auroc;
/// let labels = [false, false, true, true];
/// assert_eq!(auroc(&labels, &[0.1, 0.4, 0.4, 0.8]), 0.875);
/// assert_eq!(auroc(&labels, &[0.5; 4]), 0.5);
/// assert!(auroc(&[true], &[0.5]).is_nan());
/// ```
///
/// # Panics
/// When there are not as many scores as labels.
pub fn auroc(labels: &[bool], scores: &[f64]) -> f64 {
    area(&steps(labels, scores))
}

/// Computes the area beneath the steps, by trapezoids.
pub(crate) fn area(steps: &[Step]) -> f64 {
    let (n_positive, n_negative) = totals(steps);
    // A trapezoid is width × (left + right height) / 2, so sum up twice the area in integers.
    let mut twice = 0_u128;
    let mut before = (0, 0);
    for step in steps {
        let width = step.false_positives - before.1;
        twice += width as u128 * (step.true_positives + before.0) as u128;
        before = (step.true_positives, step.false_positives);
    }
    twice as f64 / (2 * n_positive as u128 * n_negative as u128) as f64
}
