//! Counts at each threshold, in descending order. Every metric of rank starts from them.

/// The counts of the samples at or above one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub threshold: f64,
    pub true_positives: usize,
    pub false_positives: usize,
}

/// Returns sample indices by descending score. Equal scores keep their order.
pub(crate) fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order
}

/// Returns one step for each distinct score, from the greatest to the least; the last one counts
/// all samples. scikit-learn's `confusion_matrix_at_thresholds`.
pub(crate) fn steps(labels: &[bool], scores: &[f64]) -> Vec<Step> {
    assert_eq!(labels.len(), scores.len(), "one score for each label");
    let order = descending(scores);
    let mut count = Step {
        threshold: f64::INFINITY,
        true_positives: 0,
        false_positives: 0,
    };
    order
        .chunk_by(|a, b| scores[*a] == scores[*b])
        .map(|tied| {
            let positives = tied.iter().filter(|sample| labels[**sample]).count();
            count.threshold = scores[tied[0]];
            count.true_positives += positives;
            count.false_positives += tied.len() - positives;
            count
        })
        .collect()
}

/// Returns the numbers of positive and negative samples.
pub(crate) fn totals(steps: &[Step]) -> (usize, usize) {
    steps
        .last()
        .map_or((0, 0), |all| (all.true_positives, all.false_positives))
}
