//! An AUROC that a slice's height alone cannot raise.
//!
//! PE lies where the arteries are, and those lie at much the same height in every exam. So a score
//! that ignores the image and only knows how far up a slice lies has a high AUROC among slices. A
//! network's AUROC therefore does not show what the network has seen. Here each PE slice is
//! compared only with slices at its own height, of exams without PE.
//!
//! The definition is our own. It is a matched form of the Mann-Whitney count, like a concordance
//! within strata of a confounder, with strata that move along with the PE slice.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::options::check_height_tolerance;
use crate::words::counted;
use crate::{Estimate, ExamScores, MetricsError, Scores};

/// The area under the ROC curve among slices at the same height, see [`same_height_auroc`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SameHeight {
    /// The area, with its interval from a bootstrap over exams.
    #[serde(flatten)]
    pub auroc: Estimate,
    /// Number of PE slices that were compared with at least one slice.
    pub n_compared: usize,
    /// Number of PE slices that are left out, because no exam without PE has a labelled slice at
    /// their height.
    pub n_left_out: usize,
}

/// Returns how far up in its exam the middle of a slice lies: 0 is the lower end, 1 the upper, as
/// slices ascend. It knows no anatomy: an exam that covers more of the body has other heights.
///
/// ```
/// use pe_metrics::relative_height;
/// assert_eq!(relative_height(0, 1), 0.5);
/// assert_eq!(relative_height(3, 4), 0.875);
/// ```
pub fn relative_height(slice_idx: usize, n_slices: usize) -> f64 {
    (slice_idx as f64 + 0.5) / n_slices.max(1) as f64
}

/// Computes the probability that a PE slice scores higher than a slice at the same height of an
/// exam without PE, where a tie counts one half. In [0, 1]; a blind score gets 0.5.
///
/// Two slices are at the same height if their [`relative_height`]s differ by at most `tolerance`.
/// For each PE slice we take the share of such pairs in which it scores higher; the result is the
/// mean of these shares. So each PE slice weighs the same, as in the plain AUROC, however many
/// slices there are at its height. (Pooling the pairs would give PE slices near the ends of an
/// exam, where the window is cut off, less weight.) A PE slice without such a pair is left out; NaN
/// if none is left. With a tolerance of 1 this is the AUROC of PE slices against all slices of
/// exams without PE.
///
/// An exam is without PE if none of its slices is labelled PE and the exam itself is not labelled
/// positive. Indeterminate exams that count as positive are therefore not among them. The other
/// slices of exams with PE are left out: beside a clot, the right answer depends on where the label
/// ends.
///
/// A score that depends on the height alone gets 0.5, apart from its changes within the tolerance.
/// If it rises or falls, the pairs above and below the PE slice cancel. At its peak, the PE slice
/// wins on both sides: a score with one peak is above 0.5 by a quarter of the share of PE slices
/// that lie within half the tolerance of the peak, some 0.03 to 0.06 for 4 %. So compare with the
/// same number of a score of height, and not only with 0.5. Within the tolerance of an exam's ends
/// one side is cut off, and a score that falls towards the end gets less than 0.5 there.
///
/// ```
/// use pe_metrics::{ExamScores, Scores, same_height_auroc};
/// let exam = |name: &str, pe: bool, probabilities: [f64; 4]| ExamScores {
///     exam: name.into(),
///     positive: Some(pe),
///     probability: None,
///     labels: vec![Some(false), Some(false), Some(pe), Some(false)],
///     probabilities: probabilities.to_vec(),
/// };
/// let height = [0.1, 0.2, 0.6, 0.3]; // the height alone: the third slice scores best everywhere
/// let blind = Scores::new("height", vec![exam("1.2.3", true, height), exam("1.2.4", false, height)])?;
/// assert_eq!(same_height_auroc(&blind, 0.04)?, 0.5);
/// assert_eq!(same_height_auroc(&blind, 1.0)?, 0.875); // the plain AUROC is fooled
/// let alone = Scores::new("height", vec![exam("1.2.3", true, height)])?;
/// assert!(same_height_auroc(&alone, 0.04)?.is_nan()); // nothing to compare with
/// # Ok::<(), pe_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// [`MetricsError::Option`] for a tolerance that is not above 0 and at most 1.
pub fn same_height_auroc(scores: &Scores, tolerance: f64) -> Result<f64, MetricsError> {
    check_height_tolerance(tolerance)?;
    let pairs = HeightPairs::new(scores, tolerance, |_, _| true);
    Ok(pairs.auroc_of_all())
}

/// The pairs of PE slices and slices at their height, counted once for all resamples: for each PE
/// slice with each exam without PE.
pub(crate) struct HeightPairs {
    /// The exam of each PE slice.
    exams: Vec<u32>,
    /// The numbers of the exams without PE.
    negatives: Vec<u32>,
    /// For each PE slice, one after another, its count with each exam without PE.
    counts: Vec<PairCount>,
    /// Number of exams with labelled slices, which are numbered as the bootstrap draws them.
    n_exams: usize,
}

/// Count of a PE slice against the slices of one exam at its height.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct PairCount {
    /// Two for each pair in which the PE slice scores higher, one for each tie.
    twice_won: u32,
    /// Number of pairs.
    all: u32,
}

/// The labelled slices of an exam without PE, by height.
#[derive(Default)]
struct Negative {
    heights: Vec<f64>,
    probabilities: Vec<f64>,
}

/// Allowance for rounding. A tolerance is a decimal: slices that differ by exactly 4 % are within
/// it, whatever rounding does to the heights. In exams of up to 2,000 slices no other pair is so
/// near to 4 %.
const ROUNDING: f64 = 1e-9;

impl HeightPairs {
    /// Counts the pairs of those PE slices that `keep` wants, given the exam's index and the
    /// slice's.
    pub fn new(scores: &Scores, tolerance: f64, keep: impl Fn(usize, usize) -> bool) -> Self {
        let reach = tolerance + ROUNDING;
        let labelled = |exam: &&ExamScores| exam.labels.iter().any(Option::is_some);
        let numbered = || {
            let exams = scores.exams().iter().enumerate();
            exams.filter(move |(_, exam)| labelled(exam)).zip(0_u32..)
        };
        let (negatives, slices): (Vec<u32>, Vec<Negative>) = numbered()
            .filter(|((_, exam), _)| without_pe(exam))
            .map(|((_, exam), number)| (number, Negative::of(exam)))
            .unzip();
        let pe_slices: Vec<(u32, f64, f64)> = numbered()
            .flat_map(|((exam_idx, exam), number)| {
                let kept = pe_slices(exam).filter({
                    let keep = &keep;
                    move |(slice_idx, ..)| keep(exam_idx, *slice_idx)
                });
                kept.map(move |(_, height, probability)| (number, height, probability))
            })
            .collect();
        let counts = pe_slices
            .par_iter()
            .flat_map_iter(|(_, height, probability)| {
                let count = move |negative: &Negative| negative.count(*height, *probability, reach);
                slices.iter().map(count)
            });
        Self {
            counts: counts.collect(),
            exams: pe_slices.iter().map(|(exam, ..)| *exam).collect(),
            negatives,
            n_exams: numbered().count(),
        }
    }

    /// Computes the area if exam `i` counts `times[i]` times; NaN if no pair was drawn.
    pub fn auroc(&self, times: &[u32]) -> f64 {
        let negatives: Vec<u32> = self
            .negatives
            .iter()
            .map(|exam| times[*exam as usize])
            .collect();
        let (mut sum, mut n_compared) = (0.0, 0_u64);
        for (exam, counts) in self.exams.iter().zip(self.rows()) {
            let times = times[*exam as usize];
            if times == 0 {
                continue;
            }
            let (mut twice_won, mut all) = (0_u64, 0_u64);
            for (count, times) in counts.iter().zip(&negatives) {
                twice_won += u64::from(*times) * u64::from(count.twice_won);
                all += u64::from(*times) * u64::from(count.all);
            }
            // An exam drawn twice counts twice: its negatives in the share, its PE slices in the
            // mean.
            if all > 0 {
                sum += f64::from(times) * twice_won as f64 / (2 * all) as f64;
                n_compared += u64::from(times);
            }
        }
        sum / n_compared as f64
    }

    /// Computes the area with each exam counted once.
    pub fn auroc_of_all(&self) -> f64 {
        self.auroc(&vec![1; self.n_exams])
    }

    /// Number of PE slices.
    pub fn n_pe_slices(&self) -> usize {
        self.exams.len()
    }

    /// Number of PE slices with at least one pair.
    pub fn n_compared(&self) -> usize {
        let paired = |counts: &&[PairCount]| counts.iter().any(|count| count.all > 0);
        self.rows().filter(paired).count()
    }

    /// Returns reasons why the area or its interval is undefined or weak, from the areas of the
    /// resamples.
    pub fn warnings(&self, resamples: impl Iterator<Item = f64>) -> Vec<String> {
        let (n_pe_slices, n_compared) = (self.n_pe_slices(), self.n_compared());
        if n_pe_slices == 0 {
            return Vec::new();
        }
        if self.negatives.is_empty() {
            return vec!["no exam is without PE: the same-height AUROC is undefined".to_owned()];
        }
        let n_left_out = n_pe_slices - n_compared;
        let left_out = (n_left_out > 0).then(|| {
            format!(
                "{n_left_out} of {} left out of the same-height AUROC: no exam without PE has a \
                 labelled slice at that height",
                counted(n_pe_slices, "PE slice")
            )
        });
        left_out
            .into_iter()
            .chain(undefined_resamples(resamples))
            .collect()
    }

    /// Returns the result, with the interval from the areas of the resamples.
    pub fn result(&self, (low, high): (f64, f64)) -> SameHeight {
        let n_compared = self.n_compared();
        SameHeight {
            auroc: Estimate {
                value: self.auroc_of_all(),
                low,
                high,
            },
            n_compared,
            n_left_out: self.n_pe_slices() - n_compared,
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[PairCount]> {
        // Without a negative exam there are no counts, and so no rows; `max` avoids chunks of 0.
        self.counts.chunks_exact(self.negatives.len().max(1))
    }
}

impl Negative {
    fn of(exam: &ExamScores) -> Self {
        let mut slices = Self::default();
        for (slice_idx, label) in exam.labels.iter().enumerate() {
            if label.is_some() {
                let height = relative_height(slice_idx, exam.labels.len());
                slices.heights.push(height);
                slices.probabilities.push(exam.probabilities[slice_idx]);
            }
        }
        slices
    }

    fn count(&self, height: f64, probability: f64, reach: f64) -> PairCount {
        // Heights ascend, so the slices within reach are one range.
        let first = self
            .heights
            .partition_point(|other| *other < height - reach);
        let end = self
            .heights
            .partition_point(|other| *other <= height + reach);
        let twice =
            |other: &f64| 2 * u32::from(probability > *other) + u32::from(probability == *other);
        PairCount {
            twice_won: self.probabilities[first..end].iter().map(twice).sum(),
            all: (end - first) as u32,
        }
    }
}

/// Returns whether neither the exam nor any of its slices is labelled PE.
pub(crate) fn without_pe(exam: &ExamScores) -> bool {
    exam.positive != Some(true) && !exam.labels.contains(&Some(true))
}

/// Iterates over the index, height and probability of an exam's PE slices.
fn pe_slices(exam: &ExamScores) -> impl Iterator<Item = (usize, f64, f64)> + '_ {
    let n_slices = exam.labels.len();
    let labels = exam.labels.iter().zip(&exam.probabilities).enumerate();
    let labels = labels.filter(|(_, (label, _))| **label == Some(true));
    labels.map(move |(slice_idx, (_, probability))| {
        (
            slice_idx,
            relative_height(slice_idx, n_slices),
            *probability,
        )
    })
}

/// Returns a warning if some resamples have no pair.
fn undefined_resamples(areas: impl Iterator<Item = f64>) -> Option<String> {
    let (mut undefined, mut all) = (0, 0);
    for area in areas {
        undefined += usize::from(area.is_nan());
        all += 1;
    }
    (undefined > 0).then(|| {
        format!(
            "{undefined} of {all} resamples hold no two slices to compare at one height and are \
             left out of the same-height AUROC's interval"
        )
    })
}
