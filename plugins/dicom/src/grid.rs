//! Converts the images of an exam to a volume with the patient's axes: axes are flipped and exchanged,
//! and images are sheared if a tilted gantry is corrected.

use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, Axis};
use pe_ct::AIR_HU;

use crate::geometry::Axes;

/// The conversion of a stack of stored images to the volume.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid {
    pub axes: Axes,
    /// Number of images, and rows and columns of a stored one.
    pub stored: [usize; 3],
    /// Present if a tilt is corrected.
    pub shear: Option<Shear>,
}

/// The position of each image in its plane, by which a stack of shifted images is straightened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shear {
    /// Rows and columns that have room for all images.
    pub shape: [usize; 2],
    /// Position of the first pixel of each image in that area, in rows and columns from 0.
    pub offsets: Vec<[f64; 2]>,
}

impl Grid {
    /// Number of images, and rows and columns of one after the shear.
    fn sheared(&self) -> [usize; 3] {
        let [rows, cols] = match &self.shear {
            Some(shear) => shear.shape,
            None => [self.stored[1], self.stored[2]],
        };
        [self.stored[0], rows, cols]
    }

    /// Number of slices, rows and columns of the volume.
    pub fn shape(&self) -> [usize; 3] {
        self.axes.of_volume(self.sheared())
    }

    /// The shape of the array that takes the images one by one, before [`Grid::settled`].
    pub fn loaded(&self) -> [usize; 3] {
        if self.axes.is_axial() {
            self.shape()
        } else {
            self.sheared()
        }
    }

    /// Returns whether decoded images can be stored in the array of [`Grid::loaded`] unchanged.
    pub fn is_plain(&self) -> bool {
        self.shear.is_none() && (self.axes.is_plain() || !self.axes.is_axial())
    }

    /// Stores an image in its place, after shear and, if axial, flips and exchange of its axes.
    pub fn place(&self, image_idx: usize, stored: ArrayView2<i16>, mut place: ArrayViewMut2<i16>) {
        let sheared = (self.shear.as_ref()).map(|shear| shear.image(image_idx, stored));
        let mut image = match &sheared {
            Some(sheared) => sheared.view(),
            None => stored.reborrow(),
        };
        if self.axes.is_axial() {
            if self.axes.from[1] == 2 {
                image.swap_axes(0, 1);
            }
            for axis in [0, 1] {
                if self.axes.turned[axis + 1] {
                    image.invert_axis(Axis(axis));
                }
            }
        }
        place.assign(&image);
    }

    /// Converts the loaded stack to the volume. Axes of a stack that is not axial are only exchanged
    /// here, since that needs the whole stack.
    pub fn settled(&self, stack: Array3<i16>) -> Array3<i16> {
        if self.axes.is_axial() {
            return stack;
        }
        let mut volume = stack.permuted_axes(self.axes.from);
        for axis in 0..3 {
            if self.axes.turned[axis] {
                volume.invert_axis(Axis(axis));
            }
        }
        volume.as_standard_layout().into_owned()
    }
}

impl Shear {
    /// Moves an image to its place, by linear interpolation along rows and columns, with air around it.
    fn image(&self, image_idx: usize, stored: ArrayView2<i16>) -> Array2<i16> {
        let [row, col] = self.offsets[image_idx];
        let down = shifted(stored, row, self.shape[0]);
        shifted(down.t(), col, self.shape[1]).reversed_axes()
    }
}

/// Moves the rows of an image down by a number that may be fractional, into `n_rows`. Beyond the image
/// is air.
fn shifted(image: ArrayView2<i16>, by: f64, n_rows: usize) -> Array2<i16> {
    let (found, n_cols) = image.dim();
    let mut moved = Array2::from_elem((n_rows, n_cols), AIR_HU);
    let (whole, share) = (by.floor() as usize, by.fract());
    for (row_idx, mut row) in moved.outer_iter_mut().enumerate() {
        let Some(below) = row_idx.checked_sub(whole) else {
            continue;
        };
        // A target row between two source rows is `share` of the upper and the rest of the lower one.
        let above = below.checked_sub(1).filter(|above| *above < found);
        for (col_idx, hu) in row.iter_mut().enumerate() {
            let at = |row: Option<usize>| row.map_or(AIR_HU, |row| image[[row, col_idx]]);
            let lower = f64::from(at(Some(below).filter(|below| *below < found)));
            let upper = f64::from(at(above));
            let mixed = if share > 0.0 {
                upper * share + lower * (1.0 - share)
            } else {
                lower
            };
            *hu = mixed.round() as i16;
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn rows_move_by_whole_and_by_broken_numbers() {
        let image = array![[100_i16, 0], [200, 0]];
        let first_column =
            |by: f64, n_rows: usize| shifted(image.view(), by, n_rows).column(0).to_vec();
        assert_eq!(first_column(0.0, 2), [100, 200]);
        assert_eq!(first_column(1.0, 3), [AIR_HU, 100, 200]);
        assert_eq!(first_column(0.5, 3), [-462, 150, -412]);
        // A quarter of the row above, three quarters of the row itself.
        assert_eq!(first_column(1.25, 4), [AIR_HU, -181, 175, -718]);
    }
}
