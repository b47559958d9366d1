use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Level, MetricsError, Operating, Samples, Scores, youden};

/// Where an evaluation's threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdFrom {
    /// The scores brought it: it was chosen elsewhere, such as on a validation part.
    Validation,
    /// The Youden index of the very samples that it is judged on, which is optimistic.
    SameSamples,
    /// It is 0.5, because the scores brought none and samples of one class allow no choice.
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

/// The threshold with the greatest Youden index on the samples of `level`, see [`youden`]; for
/// [`Scores::with_threshold_at`] of other exams.
///
/// ```
/// use pe_metrics::{ExamScores, Level, Scores, choose_threshold};
/// let exam = ExamScores {
///     exam: "1.2.3".into(),
///     positive: Some(true),
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
/// For no labelled sample.
pub fn choose_threshold(scores: &Scores, level: Level) -> Result<Operating, MetricsError> {
    let samples = labelled(scores, level)?;
    Ok(youden(&samples.labels, &samples.probabilities))
}

/// The threshold for the samples of `level`, and where it comes from.
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

/// The samples of a level, at least one.
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
