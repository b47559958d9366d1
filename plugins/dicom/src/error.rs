use std::io;
use std::path::{Path, PathBuf};

use pe_binding::{Explain, Interrupted};
use pe_ct::CtError;
use thiserror::Error;

/// An error on the way from a folder of files to a volume in HU.
///
/// No variant holds a value of an attribute that could tell who the patient is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DicomError {
    /// An error of the file system.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The action that failed.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// One file cannot be used.
    #[error("{}: {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        fault: FileFault,
    },
    /// The label table cannot be read, or is not a label table.
    #[error("{}: expected a label table, {reason}", path.display())]
    LabelTable {
        /// The table.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The option `columns` names a column that no label table has.
    #[error("expected names of columns in `columns`, found `{found}`")]
    LabelColumn {
        /// The given name.
        found: String,
        /// The known column with the most similar name.
        near: Option<&'static str>,
        /// All known columns.
        known: Vec<&'static str>,
    },
    /// The exam is too large to be loaded.
    #[error("expected an exam of at most {limit} voxels, found {found}")]
    ExamSize {
        /// Maximum number of voxels that can be loaded.
        limit: usize,
        /// Number of voxels of the exam.
        found: usize,
    },
    /// The folders of originals and of de-identified files lie one within the other.
    #[error("{}: expected a folder apart from {}, found one within the other", out.display(), folder.display())]
    DeidentifyOutput {
        /// The folder with the originals.
        folder: PathBuf,
        /// The folder for the de-identified files.
        out: PathBuf,
    },
    /// The folder holds de-identified files of another key, and no key is given to continue them.
    #[error("{}: expected a folder without copies, because no key is given, found some", out.display())]
    DeidentifyAgain {
        /// The folder for the de-identified files.
        out: PathBuf,
    },
    /// The key of a de-identification is so short that it could be guessed.
    #[error("expected a key of at least {expected} characters, found {found}")]
    DeidentifyKey {
        /// Minimum number of characters of a key.
        expected: usize,
        /// Number of characters of the given one.
        found: usize,
    },
    /// Two keys are given for a de-identification.
    #[error("expected one key, found both `key` and `key_file`")]
    DeidentifyTwoKeys,
    /// The system gave no random numbers for a key.
    #[error("the system gave no random numbers to make a key of")]
    NoRandomness,
    /// The volume's description does not fit its voxels.
    #[error(transparent)]
    Ct(#[from] CtError),
    /// The user's interrupt.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// The reason why one file cannot be used, without the file's name.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum FileFault {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// An error of the file system, with its own text.
    #[error("cannot read the file: {0}")]
    Io(String),
    /// Neither the DICM prefix nor a plausible first element.
    #[error("not a DICOM file: {0}")]
    NotDicom(String),
    /// The element structure is broken.
    #[error("broken DICOM structure: {0}")]
    Malformed(String),
    /// A DICOM object without an image.
    #[error("no image in it: {0}")]
    NoImage(String),
    /// An image of a kind that is not supported.
    #[error("unsupported: {what}")]
    Unsupported {
        /// A description of it.
        what: String,
        /// The cargo feature that supports it, if there is one.
        feature: Option<&'static str>,
    },
    /// Less pixel data than rows × columns × frames need.
    #[error("truncated pixel data: expected {expected} bytes, found {found}")]
    Truncated {
        /// Bytes that the header asks for.
        expected: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// The pixel data cannot be decoded.
    #[error("cannot decode the pixel data: {0}")]
    Pixels(String),
    /// A size above the limits that keep a hostile file from exhausting memory.
    #[error("too large: {0}")]
    TooLarge(String),
    /// A value in HU that 16 bits cannot hold.
    #[error(
        "expected at most 32767 HU, found a stored value of {stored} (slope {slope}, intercept {intercept})"
    )]
    HuRange {
        /// The stored value.
        stored: i64,
        /// RescaleSlope.
        slope: f64,
        /// RescaleIntercept.
        intercept: f64,
    },
    /// The file has changed since it was scanned.
    #[error("the file changed since it was scanned: {0}")]
    Changed(&'static str),
}

impl DicomError {
    pub(crate) fn file(path: &Path, fault: FileFault) -> Self {
        Self::File {
            path: path.to_owned(),
            fault,
        }
    }
}

impl Explain for DicomError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Io { .. } => "dicom.io",
            Self::File { fault, .. } => fault.kind(),
            Self::LabelTable { .. } => "dicom.label_table",
            Self::LabelColumn { .. } => "options.invalid",
            Self::ExamSize { .. } => "dicom.too_large",
            Self::DeidentifyOutput { .. } | Self::DeidentifyAgain { .. } => "dicom.output",
            Self::DeidentifyKey { .. } | Self::DeidentifyTwoKeys => "dicom.key",
            Self::NoRandomness => "dicom.no_randomness",
            Self::Ct(error) => error.kind(),
            Self::Interrupted(_) => "interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space and run the same command again".into())
            }
            Self::File {
                fault: FileFault::Unsupported { feature, .. },
                ..
            } => feature.map(|name| format!("build with the feature `{name}` of pe-dicom")),
            Self::File {
                fault: FileFault::Changed(_),
                ..
            } => Some("scan the folder again".into()),
            Self::LabelColumn { near, known, .. } => Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the columns are {}", known.join(", ")),
            }),
            Self::DeidentifyOutput { .. } => Some(
                "write to a folder that neither holds the originals nor lies among them".into(),
            ),
            Self::DeidentifyAgain { .. } => Some(
                "write to another folder or remove this one; to add to copies, make them with `key_file`"
                    .into(),
            ),
            Self::DeidentifyKey { .. } => {
                Some("`openssl rand -hex 32 > FILE` makes a key for `key_file`".into())
            }
            Self::NoRandomness => Some("give a key of your own, in `key_file`".into()),
            Self::Ct(error) => error.hint(),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted(_))
    }
}

impl FileFault {
    /// A short stable name of the class of fault.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "dicom.empty",
            Self::Io(_) => "dicom.io",
            Self::NotDicom(_) => "dicom.not_dicom",
            Self::Malformed(_) => "dicom.malformed",
            Self::NoImage(_) => "dicom.no_image",
            Self::Unsupported { .. } => "dicom.unsupported",
            Self::Truncated { .. } => "dicom.truncated",
            Self::Pixels(_) => "dicom.pixels",
            Self::TooLarge(_) => "dicom.too_large",
            Self::HuRange { .. } => "dicom.hu_range",
            Self::Changed(_) => "dicom.changed",
        }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported {
            what: what.into(),
            feature: None,
        }
    }
}
