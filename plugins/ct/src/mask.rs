use std::fmt;
use std::sync::Arc;

use ndarray::{ArcArray, Array3, ArrayView2, Axis, Ix3};

use crate::{CtError, MaskQuality, Spacing, Volume};

/// A set of voxels of one exam, `[slice, row, col]`: true for voxels inside.
///
/// Cheap to clone: the voxels are shared.
#[derive(Debug, Clone)]
pub struct Mask {
    voxels: ArcArray<bool, Ix3>,
    spacing: Spacing,
    recipe: Arc<str>,
    quality: Option<Arc<MaskQuality>>,
}

impl Mask {
    /// Creates a mask with the voxels' spacing and its `recipe`: the settings and the code version
    /// that made it, in words. Results made with the mask are keyed by the recipe.
    pub fn new(voxels: Array3<bool>, spacing: Spacing, recipe: &str) -> Self {
        Self {
            voxels: voxels.into_shared(),
            spacing,
            recipe: recipe.into(),
            quality: None,
        }
    }

    /// Returns the same mask with its quality.
    pub fn with_quality(self, quality: MaskQuality) -> Self {
        Self {
            quality: Some(Arc::new(quality)),
            ..self
        }
    }

    /// Quality of the lungs found when the mask was made; `None` for a mask of every voxel, or one
    /// that was not made from lungs.
    pub fn quality(&self) -> Option<&MaskQuality> {
        self.quality.as_deref()
    }

    /// The voxels, `[slice, row, col]`.
    pub fn voxels(&self) -> &ArcArray<bool, Ix3> {
        &self.voxels
    }

    /// The settings and the code version that made the mask.
    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Shape: slices, rows, cols.
    pub fn dim(&self) -> (usize, usize, usize) {
        self.voxels.dim()
    }

    /// One slice, `[row, col]`.
    ///
    /// # Panics
    /// When `slice_idx` is outside the mask.
    pub fn slice(&self, slice_idx: usize) -> ArrayView2<'_, bool> {
        self.voxels.index_axis(Axis(0), slice_idx)
    }

    /// Number of voxels inside, for each slice.
    pub fn voxels_per_slice(&self) -> Vec<usize> {
        self.voxels.outer_iter().map(count).collect()
    }

    /// The indices of the slices without a voxel inside.
    pub fn empty_slices(&self) -> Vec<usize> {
        let counts = self.voxels_per_slice();
        (0..counts.len())
            .filter(|&slice_idx| counts[slice_idx] == 0)
            .collect()
    }

    /// The volume inside, in ml.
    pub fn volume_ml(&self) -> f64 {
        self.voxels_per_slice().iter().sum::<usize>() as f64 * self.spacing.voxel_ml()
    }

    /// Checks that the mask has the shape of `volume`.
    ///
    /// # Errors
    /// [`CtError::Shape`] when it does not.
    pub fn check_fits(&self, volume: &Volume) -> Result<(), CtError> {
        let (expected, found) = (volume.dim(), self.dim());
        if expected == found {
            Ok(())
        } else {
            Err(CtError::Shape { expected, found })
        }
    }
}

fn count(slice: ArrayView2<bool>) -> usize {
    match slice.as_slice() {
        // 255 ones cannot overflow a byte, and the compiler can add many bytes at a time.
        Some(voxels) => voxels
            .chunks(255)
            .map(|chunk| usize::from(chunk.iter().map(|&inside| u8::from(inside)).sum::<u8>()))
            .sum(),
        None => slice.iter().filter(|inside| **inside).count(),
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (slices, rows, cols) = self.dim();
        let empty = self.empty_slices().len();
        write!(
            f,
            "mask {slices} × {rows} × {cols}, {:.0} ml, {empty} empty slices",
            self.volume_ml()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_counts_its_volume_and_its_empty_slices() {
        let spacing = Spacing {
            slice_mm: 5.0,
            row_mm: 2.0,
            col_mm: 1.0,
        };
        let mut voxels = Array3::from_elem((3, 2, 2), false);
        voxels[[1, 0, 0]] = true;
        voxels[[1, 1, 1]] = true;
        let mask = Mask::new(voxels, spacing, "test");
        assert_eq!(mask.voxels_per_slice(), [0, 2, 0]);
        assert_eq!(mask.empty_slices(), [0, 2]);
        assert_eq!(mask.volume_ml(), 0.02);
        assert_eq!(mask.to_string(), "mask 3 × 2 × 2, 0 ml, 2 empty slices");

        let volume = Volume::unnamed("test", spacing, Array3::zeros((2, 2, 2)));
        let error = mask
            .check_fits(&volume)
            .expect_err("another number of slices");
        assert_eq!(
            error,
            CtError::Shape {
                expected: (2, 2, 2),
                found: (3, 2, 2)
            }
        );
    }
}
