use std::path::PathBuf;

use pe_binding::Explain;
use thiserror::Error;

/// Errors of a volume, a mask or a window.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum CtError {
    /// Two things that must have the same number of slices do not.
    #[error("expected {expected} {what}, one a slice, found {found}")]
    SliceCount {
        /// Name of the things, in the plural.
        what: &'static str,
        /// Number of slices of the volume.
        expected: usize,
        /// Number of things found.
        found: usize,
    },
    /// A mask and a volume, or two masks, differ in shape.
    #[error("expected a mask of {expected:?} (slice, row, col), found {found:?}")]
    Shape {
        /// Shape of the volume.
        expected: (usize, usize, usize),
        /// Shape of the mask.
        found: (usize, usize, usize),
    },
    /// A single exam was asked for, but the path holds none or several.
    #[error("{}: expected exactly one exam, found {found}{}", root.display(), list(exams))]
    ExamCount {
        /// The path that was scanned.
        root: PathBuf,
        /// Number of exams found.
        found: usize,
        /// SeriesInstanceUID and slice count of each.
        exams: Vec<String>,
    },
    /// A window's width is not a positive number.
    #[error(
        "expected an HU window of positive width and finite level, found level {level}, width {width}"
    )]
    Window {
        /// Centre of the window, HU.
        level: f32,
        /// Width of the window, HU.
        width: f32,
    },
    /// A size in pixels is out of range.
    #[error("expected a slice of 1 to {limit} pixels a side, found {found}")]
    Size {
        /// The largest side.
        limit: usize,
        /// The side that was asked for.
        found: usize,
    },
    /// A slice index is outside the volume.
    #[error("expected a slice index below {n_slices}, found {found}")]
    SliceIndex {
        /// Number of slices in the volume.
        n_slices: usize,
        /// The index that was asked for.
        found: i64,
    },
    /// A slice does not have the three channels lung, PE, mediastinum.
    #[error("expected 3 channels of at least one pixel (channel, row, col), found {found:?}")]
    ChannelCount {
        /// Given shape.
        found: (usize, usize, usize),
    },
    /// A channel's value is outside [0, 1].
    #[error("expected channel values in [0, 1], found {found}")]
    ChannelValue {
        /// The first value outside.
        found: f32,
    },
}

fn list(exams: &[String]) -> String {
    const SHOWN: usize = 10;
    if exams.is_empty() {
        return String::new();
    }
    let more = exams.len().saturating_sub(SHOWN);
    let mut text = format!(" ({}", exams[..exams.len().min(SHOWN)].join("; "));
    if more > 0 {
        text += &format!("; and {more} more");
    }
    text + ")"
}

impl Explain for CtError {
    fn kind(&self) -> &'static str {
        match self {
            Self::SliceCount { .. } | Self::Shape { .. } => "ct.shape",
            Self::ExamCount { .. } => "ct.exam_count",
            Self::Window { .. } => "ct.window",
            Self::Size { .. } => "ct.size",
            Self::SliceIndex { .. } => "ct.index",
            Self::ChannelCount { .. } | Self::ChannelValue { .. } => "ct.channels",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Shape { .. } => Some("make the mask from this same volume".into()),
            Self::ExamCount { found: 0, .. } => {
                Some("scan the path: `.findings` says why each file was left out".into())
            }
            Self::ExamCount { .. } => Some("scan the path: `.exams` holds them all".into()),
            Self::Window { .. } => {
                Some("a window is (level, width), as in `ct::window(100, 700)`".into())
            }
            _ => None,
        }
    }
}
