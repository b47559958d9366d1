use std::io;
use std::path::PathBuf;

use pe_binding::{Explain, Interrupted};
use pe_ct::CtError;
use thiserror::Error;

/// What can go wrong between a result and its picture.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A picture would be larger than anything can show.
    #[error("expected a picture of at most {limit} pixels a side, found {width} × {height}")]
    TooLarge {
        /// The largest side.
        limit: u32,
        /// Width that was asked for.
        width: u64,
        /// Height that was asked for.
        height: u64,
    },
    /// An option is outside its range.
    #[error("option `{option}`: expected {expected}, found {found}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A table's row has not as many cells as there are columns.
    #[error("expected a row of {expected} cells, one a column, found {found}")]
    Row {
        /// The number of columns.
        expected: usize,
        /// The number of cells.
        found: usize,
    },
    /// A file name without the ending that says what to write.
    #[error("expected a file name that ends in {expected}, found {found}")]
    Ending {
        /// The endings that can be written.
        expected: &'static str,
        /// The file that was asked for.
        found: PathBuf,
    },
    /// The volume and the mask do not go together.
    #[error(transparent)]
    Ct(#[from] CtError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Explain for ReportError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Io { .. } => "report.io",
            Self::TooLarge { .. } => "report.size",
            Self::Option { .. } => "options.invalid",
            Self::Row { .. } => "report.table",
            Self::Ending { .. } => "report.path",
            Self::Ct(error) => error.kind(),
            Self::Interrupted(_) => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => {
                Some("show fewer slices (`n_slices`) or smaller ones (`tile`)".into())
            }
            Self::Io { .. } => Some("check that the folder exists and may be written to".into()),
            Self::Ct(error) => error.hint(),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted(_))
    }
}
