//! A baseline that predicts from a slice's position alone. PE lies where the arteries are, and
//! those lie at much the same height in every exam.

use pe_metrics::{ExamScores, Level, Scores, relative_height, youden};
use pe_store::StoredExam;

use crate::data::{exam_scores, labels};
use crate::{Split, TrainError};

/// Number of bins of relative height.
const BINS: usize = 40;
/// Standard deviation of the Gaussian that smooths the counts, in bins.
const SIGMA: f64 = 1.5;

/// Returns the scores of a baseline that sees no image, on the test part of `split`. A slice's
/// score is the smoothed share of PE among the training slices at the same relative height in the
/// exam. The threshold is the Youden threshold of the validation part.
///
/// A network has learnt to see emboli only as far as it does better than this.
///
/// # Errors
/// [`TrainError::Data`] when `exams` lack one of the split.
pub fn position_baseline(exams: &[StoredExam], split: &Split) -> Result<Scores, TrainError> {
    let share = shares(&Split::of(&split.train, exams)?);
    let score = |part| -> Result<Scores, TrainError> {
        let exams = Split::of(part, exams)?;
        let scores = exams
            .iter()
            .map(|exam| height_scores(exam, &share))
            .collect();
        Ok(Scores::new("position", scores)?)
    };
    let samples = score(&split.validation)?.samples(Level::Slice);
    let threshold = youden(&samples.labels, &samples.probabilities).threshold;
    let test = score(&split.test)?;
    Ok(if threshold.is_finite() {
        test.with_threshold(threshold)
    } else {
        test
    })
}

fn bin(slice_idx: usize, n_slices: usize) -> usize {
    (relative_height(slice_idx, n_slices) * BINS as f64) as usize
}

/// The smoothed share of PE slices at each height.
fn shares(exams: &[StoredExam]) -> [f64; BINS] {
    let (mut positive, mut all) = ([0.0; BINS], [0.0; BINS]);
    for exam in exams {
        let labels = labels(exam);
        for (slice_idx, label) in labels.iter().enumerate() {
            let bin = bin(slice_idx, labels.len());
            all[bin] += f64::from(u8::from(label.is_some()));
            positive[bin] += f64::from(u8::from(*label == Some(true)));
        }
    }
    let smooth = |counts: &[f64; BINS], at: usize| -> f64 {
        let weight = |bin: usize| (-0.5 * ((bin as f64 - at as f64) / SIGMA).powi(2)).exp();
        counts
            .iter()
            .enumerate()
            .map(|(bin, count)| weight(bin) * count)
            .sum()
    };
    // The smallest positive number avoids 0 / 0 if no training slice has a label.
    std::array::from_fn(|at| smooth(&positive, at) / smooth(&all, at).max(f64::MIN_POSITIVE))
}

fn height_scores(exam: &StoredExam, share: &[f64; BINS]) -> ExamScores {
    let n_slices = exam.n_slices();
    let probabilities = (0..n_slices).map(|idx| share[bin(idx, n_slices)]);
    exam_scores(exam, probabilities.collect())
}
