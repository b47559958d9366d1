use std::io;
use std::path::{Path, PathBuf};

use pe_binding::{Explain, Interrupted};
use pe_metrics::MetricsError;
use pe_nn::NnError;
use pe_store::StoreError;
use tch::TchError;
use thiserror::Error;

/// Errors of splitting, training and prediction.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// An option is out of range.
    #[error("option `{option}`: expected {expected}, found {found}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// Allowed values.
        expected: String,
        /// Given value.
        found: String,
    },
    /// The data do not allow what was asked, for example with too few exams.
    #[error("{what}: expected {expected}, found {found}")]
    Data {
        /// The data concerned.
        what: String,
        /// Expected data.
        expected: String,
        /// Found data.
        found: String,
    },
    /// There is no trained model in a folder.
    #[error("expected the folder of a trained model, with model.json, found none in {}", folder.display())]
    NoModel {
        /// The folder.
        folder: PathBuf,
    },
    /// The loss, or the norm of the gradients, is not finite any more.
    #[error("the loss became {loss} in epoch {epoch}, step {step}, on {batch}")]
    NonFinite {
        /// The loss or the norm.
        loss: f64,
        /// Counted from 1.
        epoch: usize,
        /// Counted from 1, within the epoch.
        step: usize,
        /// The samples of the batch: series UIDs and slices.
        batch: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// Attempted action, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A file of training is damaged or has impossible values.
    #[error("{path} is damaged: expected {expected}, found {found}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Expected content.
        expected: String,
        /// Found content.
        found: String,
    },
    /// A model is used on other input than it was made for.
    #[error("model `{model}` expects {expected}, found {found}")]
    Mismatch {
        /// The model's name.
        model: String,
        /// Input that it takes.
        expected: String,
        /// Given input.
        found: String,
    },
    /// Error of the networks.
    #[error(transparent)]
    Nn(NnError),
    /// Error of libtorch.
    #[error("libtorch refused an operation")]
    Torch(#[from] TchError),
    /// Error of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Error of the metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<NnError> for TrainError {
    fn from(error: NnError) -> Self {
        match error {
            // A pass through a network is only abandoned after a stop request.
            NnError::Stopped => Self::Interrupted(Interrupted),
            other => Self::Nn(other),
        }
    }
}

impl TrainError {
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn option(
        option: &'static str,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> Self {
        Self::Option {
            option,
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

impl Explain for TrainError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Option { .. } => "options.invalid",
            Self::Data { .. } => "train.data",
            Self::NoModel { .. } => "train.no_model",
            Self::NonFinite { .. } => "train.non_finite",
            Self::Io { .. } => "train.io",
            Self::Damaged { .. } => "train.damaged",
            Self::Mismatch { .. } => "train.mismatch",
            Self::Nn(error) => error.kind(),
            Self::Torch(_) => "train.torch",
            Self::Store(error) => error.kind(),
            Self::Metrics(error) => error.kind(),
            Self::Interrupted(_) => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Data { .. } => Some(
                "look at the labels of the exams: a label table must name them, and both classes \
                 must be there"
                    .into(),
            ),
            Self::NoModel { .. } => Some(
                "models lie in `models/NAME-DIGEST` of the folder that `train::runs` was given; one \
                 whose training was stopped has no model.json yet: run its script again"
                    .into(),
            ),
            Self::NonFinite { .. } => Some(
                "lower the learning rate `lr`, clip gradients with `clip_norm: 1.0`, or train in \
                 `precision: \"f32\"`"
                    .into(),
            ),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(
                "free some space and run the same command again: it goes on where it stopped"
                    .into(),
            ),
            Self::Damaged { path, .. } => Some(format!(
                "remove {} and run again: what is missing is made anew",
                path.parent().unwrap_or(path).display()
            )),
            Self::Nn(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Metrics(error) => error.hint(),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        match self {
            Self::Interrupted(_) => true,
            Self::Store(error) => error.is_interrupt(),
            _ => false,
        }
    }
}
