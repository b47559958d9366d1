//! How the images of an exam become a volume whose axes are the patient's: turned, exchanged, and
//! sheared where a tilted gantry is corrected.

use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, Axis};
use pe_ct::AIR_HU;

use crate::geometry::Axes;

/// The way from a stack of stored images to the volume.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid {
    pub axes: Axes,
    /// Images, and the rows and columns of a stored one.
    pub stored: [usize; 3],
    /// Where a tilt is corrected.
    pub shear: Option<Shear>,
}

/// Where each image lies in its plane, by which a stack of shifted images becomes upright.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shear {
    /// Rows and columns in which all images have room.
    pub shape: [usize; 2],
    /// Where the first pixel of each image lies in them, in rows and columns, from 0.
    pub offsets: Vec<[f64; 2]>,
}

impl Grid {
    /// Images, and the rows and columns of one after the shear.
    fn sheared(&self) -> [usize; 3] {
        let [rows, cols] = match &self.shear {
            Some(shear) => shear.shape,
            None => [self.stored[1], self.stored[2]],
        };
        [self.stored[0], rows, cols]
    }

    /// Slices, rows and columns of the volume.
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

    /// Whether images lie in the volume as they are decoded.
    pub fn is_plain(&self) -> bool {
        self.shear.is_none() && (self.axes.is_plain() || !self.axes.is_axial())
    }

    /// Lays an image as it is stored into its place.
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

    /// The volume of a stack that is not axial, whose axes can only be exchanged as a whole.
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
    /// An image where it belongs, by linear interpolation along rows and columns; air around it.
    fn image(&self, image_idx: usize, stored: ArrayView2<i16>) -> Array2<i16> {
        let [row, col] = self.offsets[image_idx];
        let down = shifted(stored, row, self.shape[0]);
        shifted(down.t(), col, self.shape[1]).reversed_axes()
    }
}

/// Moves the rows of an image down by a number that need not be whole, into `n_rows`. Beyond the
/// image is air.
fn shifted(image: ArrayView2<i16>, by: f64, n_rows: usize) -> Array2<i16> {
    let (found, n_cols) = image.dim();
    let mut moved = Array2::from_elem((n_rows, n_cols), AIR_HU);
    let (whole, share) = (by.floor() as usize, by.fract());
    for (row_idx, mut row) in moved.outer_iter_mut().enumerate() {
        let Some(below) = row_idx.checked_sub(whole) else {
            continue;
        };
        // A row between two of the image is `share` of the one above it and the rest of the other.
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
