use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Level, MetricsError, Operating, Samples, Scores, youden};

/// Source of an evaluation's threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdFrom {
    /// The scores had it: it was chosen elsewhere, for example on a validation part.
    Validation,
    /// It has the greatest Youden index on the same samples that it is judged on, which is
    /// optimistic.
    SameSamples,
    /// It is 0.5, because the scores had none, and samples of one class allow no choice.
    Half,
}

impl fmt::Display for ThresholdFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Validation => "validation",
            Self::SameSamples => "same_samples",
            Self::Half => "half",
        })
    }
}

/// Chooses the threshold with the greatest Youden index on the samples of `level`, see [`youden`].
/// Use it by [`Scores::with_threshold_at`] on other exams.
///
/// ```
/// use pe_metrics::{ExamScores, Level, Scores, choose_threshold};
/// let exam = ExamScores {
///     exam: "1.2.3".into(),
///     positive: Some(true),
///     probability: None,
///     labels: vec![Some(false), Some(true)],
///     probabilities: vec![0.1, 0.4],
/// };
/// let validation = Scores::new("effnet", vec![exam])?;
/// assert_eq!(choose_threshold(&validation, Level::Slice)?.threshold, 0.4);
/// assert!(choose_threshold(&validation, Level::Exam)?.threshold.is_nan()); // one class only
/// # Ok::<(), pe_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// When there is no labelled sample.
pub fn choose_threshold(scores: &Scores, level: Level) -> Result<Operating, MetricsError> {
    let samples = labelled(scores, level)?;
    Ok(youden(&samples.labels, &samples.probabilities))
}

/// Returns the threshold for the samples of `level`, and its source.
pub(crate) fn threshold(
    scores: &Scores,
    level: Level,
    samples: &Samples,
) -> Result<(f64, ThresholdFrom), MetricsError> {
    if let Some(found) = scores.threshold_at(level) {
        if found.is_finite() {
            return Ok((found, ThresholdFrom::Validation));
        }
        return Err(MetricsError::Threshold {
            model: scores.model().to_owned(),
            found,
        });
    }
    let chosen = youden(&samples.labels, &samples.probabilities).threshold;
    if chosen.is_nan() {
        return Ok((0.5, ThresholdFrom::Half));
    }
    Ok((chosen, ThresholdFrom::SameSamples))
}

/// Returns the samples of a level; an error if there are none.
pub(crate) fn labelled(scores: &Scores, level: Level) -> Result<Samples, MetricsError> {
    level.check()?;
    let samples = scores.samples(level);
    if samples.is_empty() {
        return Err(MetricsError::NoSamples {
            model: scores.model().to_owned(),
            level: level.to_string(),
        });
    }
    Ok(samples)
}
