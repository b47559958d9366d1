use pe_binding::nearest::nearest;
use pe_binding::{Explain, Interrupted};
use thiserror::Error;

use crate::level::LEVEL_NAMES;

/// Errors of evaluating probabilities.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// An exam has neither slices nor a probability of its own.
    #[error(
        "model {model:?}: expected at least one slice in exam {exam}, or a probability of the exam, found none"
    )]
    EmptyExam {
        /// The model.
        model: String,
        /// The exam.
        exam: String,
    },
    /// An exam has not as many probabilities as labels.
    #[error(
        "model {model:?}, exam {exam}: expected one probability for each of the {labels} labels, found {probabilities}"
    )]
    Lengths {
        /// The model.
        model: String,
        /// The exam.
        exam: String,
        /// The number of labels.
        labels: usize,
        /// The number of probabilities.
        probabilities: usize,
    },
    /// A probability is outside [0, 1], infinite, or not a number.
    #[error(
        "model {model:?}, exam {exam}, slice {slice_idx}: expected a probability in [0, 1], found {found}"
    )]
    Probability {
        /// The model.
        model: String,
        /// The exam.
        exam: String,
        /// Index of the slice.
        slice_idx: usize,
        /// The value found.
        found: f64,
    },
    /// The probability of an exam is outside [0, 1], infinite, or not a number.
    #[error("model {model:?}, exam {exam}: expected a probability in [0, 1], found {found}")]
    ExamProbability {
        /// The model.
        model: String,
        /// The exam.
        exam: String,
        /// The value found.
        found: f64,
    },
    /// An exam is there twice.
    #[error("model {model:?}: expected each exam once, found {exam} twice")]
    Duplicate {
        /// The model.
        model: String,
        /// The exam.
        exam: String,
    },
    /// No sample of the level has a label.
    #[error("model {model:?}: expected labelled samples at level {level}, found none")]
    NoSamples {
        /// The model.
        model: String,
        /// The level in words.
        level: String,
    },
    /// A threshold is not a finite number.
    #[error("model {model:?}: expected a finite threshold, found {found}")]
    Threshold {
        /// The model.
        model: String,
        /// Given value.
        found: f64,
    },
    /// An option is out of range.
    #[error("expected `{name}` {expected}, found {found}")]
    Option {
        /// The option.
        name: &'static str,
        /// Its range in words.
        expected: &'static str,
        /// Given value.
        found: String,
    },
    /// A level has an unknown name.
    #[error("expected a level, \"slice\", \"slab\" or \"exam\", found {found:?}")]
    Level {
        /// Given value.
        found: String,
    },
    /// Two models were not scored on the same exams with the same labels.
    #[error("models {a:?} and {b:?} cannot be compared: {difference}")]
    Different {
        /// The first model.
        a: String,
        /// The second model.
        b: String,
        /// The first difference, in words.
        difference: String,
    },
    /// A table of groups does not fit the scores.
    #[error("groups {name:?}: {problem}")]
    Groups {
        /// Name of the grouping.
        name: String,
        /// The problem, in words.
        problem: String,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Explain for MetricsError {
    fn kind(&self) -> &'static str {
        match self {
            Self::EmptyExam { .. } | Self::Lengths { .. } => "metrics.lengths",
            Self::Probability { .. } | Self::ExamProbability { .. } => "metrics.probability",
            Self::Duplicate { .. } => "metrics.duplicate",
            Self::NoSamples { .. } => "metrics.no_samples",
            Self::Threshold { .. } => "metrics.threshold",
            Self::Option { .. } | Self::Level { .. } => "options.invalid",
            Self::Different { .. } => "metrics.different",
            Self::Groups { .. } => "metrics.groups",
            Self::Interrupted(_) => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Probability { .. } | Self::ExamProbability { .. } => {
                Some("pass probabilities, the sigmoid of a network's logits".into())
            }
            Self::Threshold { .. } => {
                Some("choose it on exams of both classes, or evaluate without one".into())
            }
            Self::NoSamples { .. } => Some("evaluate exams that have labels".into()),
            Self::Level { found } => {
                nearest(found, LEVEL_NAMES).map(|name| format!("did you mean \"{name}\"?"))
            }
            Self::Different { .. } => {
                Some("score both models on the same exams of the same label table".into())
            }
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted(_))
    }
}
