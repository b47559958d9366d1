use pe_binding::{Explain, Interrupted};
use thiserror::Error;

use crate::{MAX_CLOSE_MM, MAX_MIN_AREA, MAX_RADIUS, MaskMode};

/// Errors of a request for a mask.
#[derive(Debug, Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum LungError {
    /// The threshold is outside the HU scale.
    #[error(
        "expected threshold_hu from {} to {}, found {found}",
        i16::MIN,
        i16::MAX
    )]
    Threshold {
        /// The threshold that was asked for, HU.
        found: f64,
    },
    /// A disk is too large.
    #[error("expected {option} from 0 to {MAX_RADIUS} pixels, found {found}")]
    Radius {
        /// The option's name.
        option: &'static str,
        /// The radius that was asked for, pixels.
        found: u32,
    },
    /// The closing of the lungs is too wide.
    #[error("expected close_mm from 0 to {MAX_CLOSE_MM} mm, found {found}")]
    CloseMm {
        /// The radius that was asked for, mm.
        found: f64,
    },
    /// An option that the mode does not use is set.
    #[error("{option} is an option of mode {modes}, found mode {}", found.name())]
    OtherMode {
        /// The option's name.
        option: &'static str,
        /// The modes that use it.
        modes: &'static str,
        /// The mode that was asked for.
        found: MaskMode,
    },
    /// The least area is larger than a slice.
    #[error("expected min_area from 0 to {MAX_MIN_AREA} pixels, found {found}")]
    MinArea {
        /// The area that was asked for, pixels.
        found: u32,
    },
    /// Pixels have four or eight neighbours.
    #[error("expected connectivity 4 or 8, found {found}")]
    Connectivity {
        /// The number of neighbours that was asked for.
        found: u8,
    },
    /// A text is not a recipe of this version.
    #[error("expected the recipe of a mask, version {expected}, found {found}")]
    Recipe {
        /// The version of the code.
        expected: u32,
        /// Description of the text.
        found: String,
    },
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Explain for LungError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Interrupted(_) => "lung.interrupted",
            Self::Recipe { .. } => "lung.recipe",
            _ => "lung.options",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Threshold { .. } => Some("lung is below -400 HU, soft tissue above -100".into()),
            Self::Radius { .. } => {
                Some("radii are in pixels of a slice of 512 rows; 0 leaves the step out".into())
            }
            Self::CloseMm { .. } => Some("0 leaves the closing out".into()),
            Self::OtherMode { modes, .. } => {
                Some(format!("leave the option out, or set mode to {modes}"))
            }
            Self::MinArea { .. } => {
                Some("areas are in pixels of a slice of 512 rows; 0 keeps every component".into())
            }
            Self::Recipe { .. } => Some(
                "masks would differ from those that the slices were made with: make the slices and \
                 train the model again with this version"
                    .into(),
            ),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted(_))
    }
}
