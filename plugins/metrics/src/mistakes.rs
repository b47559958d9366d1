use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::threshold::{labelled, threshold};
use crate::{Level, MetricsError, Scores};

/// Kind of mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MistakeKind {
    /// A negative slice at or above the threshold.
    FalsePositive,
    /// A positive slice below the threshold.
    FalseNegative,
}

/// One slice that was called wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The exam's SeriesInstanceUID.
    pub exam: String,
    /// Index of the slice.
    pub slice_idx: usize,
    /// Its probability.
    pub probability: f64,
    /// Its label.
    pub label: bool,
    /// Kind of mistake.
    pub kind: MistakeKind,
}

impl fmt::Display for MistakeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FalsePositive => "false positive",
            Self::FalseNegative => "false negative",
        })
    }
}

/// Returns the `n` worst false positives, the most probable first, then the `n` worst false
/// negatives, the least probable first. Equal ones are in the order of exams and slices. The
/// threshold is the same as that of [`evaluate`](crate::evaluate) for slices.
///
/// ```
/// use pe_metrics::{ExamScores, MistakeKind, Scores, mistakes};
/// let exam = ExamScores {
///     exam: "1.2.3".into(),
///     positive: None,
///     probability: None,
///     labels: vec![Some(false), Some(true), Some(false)],
///     probabilities: vec![0.7, 0.5, 0.9],
/// };
/// let scores = Scores::new("effnet", vec![exam])?.with_threshold(0.6);
/// let found = mistakes(&scores, 1)?;
/// assert_eq!((found[0].slice_idx, found[0].kind), (2, MistakeKind::FalsePositive));
/// assert_eq!((found[1].slice_idx, found[1].kind), (1, MistakeKind::FalseNegative));
/// # Ok::<(), pe_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// When there is no labelled slice, or the threshold is not finite.
pub fn mistakes(scores: &Scores, n: usize) -> Result<Vec<Mistake>, MetricsError> {
    let samples = labelled(scores, Level::Slice)?;
    let (threshold, _) = threshold(scores, Level::Slice, &samples)?;
    let mut found = all(scores, threshold);
    found.sort_by(worst_first);
    let n_false_positives = found.partition_point(|mistake| !mistake.label);
    let false_negatives = found.split_off(n_false_positives);
    found.truncate(n);
    found.extend(false_negatives.into_iter().take(n));
    Ok(found)
}

fn all(scores: &Scores, threshold: f64) -> Vec<Mistake> {
    let of = |exam_idx: usize, slice_idx: usize| {
        let exam = &scores.exams()[exam_idx];
        let (label, probability) = (exam.labels[slice_idx]?, exam.probabilities[slice_idx]);
        let kind = match (label, probability >= threshold) {
            (false, true) => MistakeKind::FalsePositive,
            (true, false) => MistakeKind::FalseNegative,
            _ => return None,
        };
        Some(Mistake {
            exam: exam.exam.clone(),
            slice_idx,
            probability,
            label,
            kind,
        })
    };
    let exams = scores.exams().iter().enumerate();
    exams
        .flat_map(|(exam_idx, exam)| {
            (0..exam.labels.len()).filter_map(move |slice_idx| of(exam_idx, slice_idx))
        })
        .collect()
}

/// Orders negatives from the most probable down, then positives from the least probable up.
fn worst_first(a: &Mistake, b: &Mistake) -> Ordering {
    let by_probability = a.probability.total_cmp(&b.probability);
    a.label.cmp(&b.label).then(if a.label {
        by_probability
    } else {
        by_probability.reverse()
    })
}
