use pe_binding::{Explain, Interrupted};
use pe_ct::CtError;
use thiserror::Error;

/// Errors of a request for statistics.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ExampleError {
    /// The range of HU that counts is empty or reversed.
    #[error("expected lower_hu below upper_hu, found {lower_hu} and {upper_hu}")]
    Range {
        /// The least HU that counts.
        lower_hu: i16,
        /// The greatest HU that counts.
        upper_hu: i16,
    },
    /// No voxel counts, so there is no mean and no percentile.
    #[error("expected voxels from {lower_hu} to {upper_hu} HU inside the mask, found none")]
    NoVoxels {
        /// The least HU that counts.
        lower_hu: i16,
        /// The greatest HU that counts.
        upper_hu: i16,
    },
    /// A percentile is not between 0 and 100.
    #[error("expected a percentile from 0 to 100, found {found}")]
    Percentile {
        /// The percentile that was asked for.
        found: f64,
    },
    /// The mask is of another volume.
    #[error(transparent)]
    Ct(#[from] CtError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Explain for ExampleError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Range { .. } => "example.options",
            Self::NoVoxels { .. } => "example.no_voxels",
            Self::Percentile { .. } => "example.percentile",
            Self::Ct(error) => error.kind(),
            Self::Interrupted(_) => "example.interrupted",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoVoxels { .. } => Some(
                "look at the mask's `volume_ml` and the volume's `hu_range`; widen `lower_hu` and \
                 `upper_hu`"
                    .into(),
            ),
            Self::Percentile { .. } => Some("the median is `percentile(50)`".into()),
            Self::Ct(error) => error.hint(),
            _ => None,
        }
    }

    fn is_interrupt(&self) -> bool {
        matches!(self, Self::Interrupted(_))
    }
}
