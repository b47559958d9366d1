use std::io;
use std::path::{Path, PathBuf};

use pe_binding::{Explain, Interrupted};
use pe_ct::CtError;
use thiserror::Error;

/// Errors of writing results to disk and reading them back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused an action.
    #[error("cannot {action} {path}")]
    Io {
        /// Attempted action, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A stored file is not what its manifest says.
    #[error("{path} is damaged: expected {expected}, found {found}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Expected content, by the manifest.
        expected: String,
        /// Found content.
        found: String,
    },
    /// Another process writes to the store.
    #[error("{folder} is being written by {holder}")]
    Locked {
        /// The store's folder.
        folder: PathBuf,
        /// The process that holds the lock.
        holder: String,
    },
    /// The volume, the mask or the settings do not match.
    #[error(transparent)]
    Ct(#[from] CtError),
    /// A mask was made with other settings than the store's.
    #[error("the store expects a mask made by {expected}, found one made by {found}")]
    OtherMask {
        /// The recipe in the store's settings.
        expected: String,
        /// The mask's recipe.
        found: String,
    },
    /// A setting needs a mask, but the store has none.
    #[error("expected a mask with the setting `{option}`, found none")]
    NoMask {
        /// The setting.
        option: &'static str,
    },
    /// A volume without pixels cannot be stored.
    #[error(
        "exam {series_uid}: expected at least one slice of at least one pixel, found {found:?} (slice, row, col)"
    )]
    Empty {
        /// SeriesInstanceUID of the exam.
        series_uid: String,
        /// The volume's shape.
        found: (usize, usize, usize),
    },
    /// An exam or a slice is not stored.
    #[error(
        "expected slice {slice_idx} of exam {series_uid}, found {n_slices} stored slices of it"
    )]
    NoSlice {
        /// SeriesInstanceUID of the exam.
        series_uid: String,
        /// Index of the slice, from 0.
        slice_idx: i64,
        /// Number of the exam's stored slices.
        n_slices: usize,
    },
    /// The values are no whole number of rows of features.
    #[error("expected rows of {width} features, found {found} values")]
    Features {
        /// Values per row.
        width: usize,
        /// Number of given values.
        found: usize,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl StoreError {
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
}

impl Explain for StoreError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Io { .. } => "store.io",
            Self::Damaged { .. } => "store.damaged",
            Self::Locked { .. } => "store.locked",
            Self::OtherMask { .. } | Self::NoMask { .. } => "store.mask",
            Self::Empty { .. } => "store.empty",
            Self::NoSlice { .. } => "store.no_slice",
            Self::Features { .. } => "store.features",
            Self::Ct(error) => error.kind(),
            Self::Interrupted(_) => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(
                "free some space and run the same command again: it goes on where it stopped"
                    .into(),
            ),
            Self::Damaged { .. } => Some("put the exam again: the damaged file is replaced".into()),
            Self::Locked { .. } => {
                Some("wait for it to end, or give this run another folder".into())
            }
            Self::OtherMask { .. } => Some(
                "open the store with `mask: masking.recipe` of the masking that makes the masks"
                    .into(),
            ),
            Self::NoMask { .. } => Some(
                "give `mask: masking.recipe`; with `outside: \"keep\"` no voxel is blanked".into(),
            ),
            Self::Ct(error) => error.hint(),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted(_))
    }
}
