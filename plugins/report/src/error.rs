use std::io;
use std::path::PathBuf;

use pe_binding::{Explain, Interrupted};
use pe_ct::CtError;
use pe_metrics::MetricsError;
use thiserror::Error;

/// Errors of making reports and pictures.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A picture would be larger than viewers can show.
    #[error("expected a picture of at most {limit} pixels a side, found {width} × {height}")]
    TooLarge {
        /// The largest side.
        limit: u32,
        /// Width that was asked for.
        width: u64,
        /// Height that was asked for.
        height: u64,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A file has other contents than expected.
    #[error("{path}: expected {expected}, found {found}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Expected contents.
        expected: &'static str,
        /// The problem, in words.
        found: String,
    },
    /// An option is outside its range.
    #[error("option `{option}`: expected {expected}, found {found}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// Allowed values.
        expected: &'static str,
        /// Given value.
        found: String,
    },
    /// A table's row does not have as many cells as there are columns.
    #[error("expected a row of {expected} cells, one a column, found {found}")]
    Row {
        /// The number of columns.
        expected: usize,
        /// The number of cells.
        found: usize,
    },
    /// A file name has no ending that can be written.
    #[error("expected a file name that ends in {expected}, found {found}")]
    Ending {
        /// The endings that can be written.
        expected: &'static str,
        /// The file that was asked for.
        found: PathBuf,
    },
    /// A model was added twice.
    #[error("expected each model once, found `{id}` twice")]
    DuplicateModel {
        /// The model.
        id: String,
    },
    /// An experiment can only have one baseline.
    #[error("expected one baseline, found `{id}` beside `{first}`")]
    SecondBaseline {
        /// The model.
        id: String,
        /// The experiment's baseline.
        first: String,
    },
    /// The experiment does not have a model.
    #[error("expected a model of the experiment, found `{id}`")]
    UnknownModel {
        /// The given id.
        id: String,
        /// The most similar of the experiment's models.
        nearest: Option<String>,
        /// The experiment's models.
        known: Vec<String>,
    },
    /// A model was scored on other exams than the first one.
    #[error("model `{id}` was not scored on the same exams as `{first}`: it has {difference}")]
    OtherExams {
        /// The model.
        id: String,
        /// The experiment's first model.
        first: String,
        /// The first difference.
        difference: String,
    },
    /// The scores do not have an exam.
    #[error("expected an exam that {model} scored, found {exam}")]
    UnknownExam {
        /// The given exam.
        exam: String,
        /// The model that the scores belong to.
        model: String,
    },
    /// The scores of an exam are of the exam alone, not of its slices.
    #[error("expected scores of slices, found a probability of exam {exam} alone by {model}")]
    NoSlices {
        /// The exam.
        exam: String,
        /// The model that the scores belong to.
        model: String,
    },
    /// An exam does not have a slice.
    #[error("expected a slice below {n_slices} of exam {exam}, found {found}")]
    UnknownSlice {
        /// The exam.
        exam: String,
        /// Number of its slices.
        n_slices: usize,
        /// The given index.
        found: usize,
    },
    /// The experiment has no model to evaluate.
    #[error("expected at least one model in the experiment, found none")]
    NoModels,
    /// The experiment's numbers were not computed yet.
    #[error("the experiment is not evaluated yet")]
    NotEvaluated,
    /// The scores cannot be evaluated.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The volume and the mask do not match.
    #[error(transparent)]
    Ct(#[from] CtError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Explain for ReportError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::Read { .. } => "report.io",
            Self::TooLarge { .. } => "report.size",
            Self::Damaged { .. } => "report.damaged",
            Self::Option { .. } => "options.invalid",
            Self::Row { .. } => "report.table",
            Self::Ending { .. } => "report.path",
            Self::DuplicateModel { .. }
            | Self::SecondBaseline { .. }
            | Self::UnknownModel { .. }
            | Self::NoModels => "report.model",
            Self::OtherExams { .. }
            | Self::UnknownExam { .. }
            | Self::NoSlices { .. }
            | Self::UnknownSlice { .. } => "report.exam",
            Self::NotEvaluated => "report.evaluate",
            Self::Metrics(error) => error.kind(),
            Self::Ct(error) => error.kind(),
            Self::Interrupted(_) => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => {
                Some("show fewer slices (`n_slices`) or smaller ones (`tile`)".into())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space and run the same command again".into())
            }
            Self::Io { .. } => Some("check that the folder exists and may be written to".into()),
            Self::Read { .. } | Self::Damaged { .. } => {
                Some("give a folder that `experiment.save(folder)` wrote".into())
            }
            Self::UnknownModel { nearest, known, .. } => Some(match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None if known.is_empty() => "add models first".into(),
                None => format!("the experiment's models are {}", known.join(", ")),
            }),
            Self::OtherExams { .. } => {
                Some("score every model on the same test part, in the same order".into())
            }
            Self::NoModels => Some("add one with `experiment.model(id, scores, history)`".into()),
            Self::NotEvaluated => Some(
                "call `experiment.evaluate()` after the last model and the last comparison".into(),
            ),
            Self::Metrics(error) => error.hint(),
            Self::Ct(error) => error.hint(),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        match self {
            Self::Interrupted(_) => true,
            Self::Metrics(error) => error.is_interrupt(),
            _ => false,
        }
    }
}
