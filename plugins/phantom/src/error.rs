use std::io;
use std::path::{Path, PathBuf};

use pe_binding::{Explain, Interrupted};
use thiserror::Error;

/// The error of this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PhantomError {
    /// An option is outside its range.
    #[error("option `{option}`: expected {expected}, found {found}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// The allowed range, in words.
        expected: String,
        /// The given value.
        found: String,
    },
    /// The cohort has no exam of this index.
    #[error("expected an exam index below {n_exams}, found {found}")]
    ExamIndex {
        /// Exams in the cohort.
        n_exams: usize,
        /// The requested index.
        found: i64,
    },
    /// The folder holds a cohort made with other settings or by another version.
    #[error("{folder} holds another synthetic cohort: {difference}")]
    OtherCohort {
        /// The folder.
        folder: PathBuf,
        /// The difference, expected and found.
        difference: String,
    },
    /// The folder holds files that are no synthetic cohort.
    #[error("{folder} is not empty and holds no synthetic cohort (found `{entry}`)")]
    ForeignFolder {
        /// The folder.
        folder: PathBuf,
        /// The first entry found there, sorted by name.
        entry: String,
    },
    /// The folder holds no complete cohort.
    #[error("{folder} holds no complete synthetic cohort")]
    NoCohort {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// The failed action: `"write"`, `"read"`, `"create"`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A DICOM object could not be encoded.
    #[error("cannot encode {path} as DICOM")]
    Encode {
        /// The file.
        path: PathBuf,
    },
    /// The user asked to stop.
    #[error("interrupted; the same call goes on where this one stopped")]
    Interrupted,
}

impl PhantomError {
    /// Makes an error of a file, for `map_err` on an I/O result.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

impl From<Interrupted> for PhantomError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Explain for PhantomError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Option { .. } => "phantom.option",
            Self::ExamIndex { .. } => "phantom.index",
            Self::OtherCohort { .. } => "phantom.other_cohort",
            Self::ForeignFolder { .. } => "phantom.foreign_folder",
            Self::NoCohort { .. } => "phantom.no_cohort",
            Self::File { .. } => "phantom.file",
            Self::Encode { .. } => "phantom.encode",
            Self::Interrupted => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::OtherCohort { .. } => Some(
                "give another folder, or the settings that made this one; nothing was changed"
                    .into(),
            ),
            Self::ForeignFolder { .. } => {
                Some("give a new or an empty folder; nothing was changed".into())
            }
            Self::NoCohort { .. } => {
                Some("phantom::write makes one, and completes one that was stopped".into())
            }
            Self::File { .. } => Some("check that the folder can be written and has room".into()),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted)
    }
}
