use std::ops::Range;

use ndarray::{ArrayView2, s};
use pe_ct::Mask;

use crate::Crop;

/// Margin around the mask on each side, as a share of its box. A reader also looks at the inner
/// side of the chest wall.
const MARGIN: f64 = 0.03;

/// Share of the square around the mask that [`Crop::Hila`] keeps along each axis: for lungs 280 mm
/// wide, 100 mm to either side of the middle.
const HILA: f64 = 0.7;

/// The part of an exam's slices that is stored, the same for every slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    rows: Range<usize>,
    cols: Range<usize>,
}

impl Frame {
    /// Finds the part that `crop` asks for, in slices of `rows` × `cols` pixels.
    pub(crate) fn new(crop: Crop, mask: Option<&Mask>, rows: usize, cols: usize) -> Self {
        let boxed = match (crop, mask) {
            (Crop::Mask | Crop::Hila, Some(mask)) => bounds(mask),
            _ => None,
        };
        let share = match crop {
            Crop::Hila => HILA,
            Crop::Mask | Crop::None => 1.0 + 2.0 * MARGIN,
        };
        let Some((row_range, col_range)) = boxed else {
            return Self {
                rows: 0..rows,
                cols: 0..cols,
            };
        };
        let side = row_range.len().max(col_range.len());
        let side = (side as f64 * share).ceil() as usize;
        Self {
            rows: centred(&row_range, side, rows),
            cols: centred(&col_range, side, cols),
        }
    }

    /// Number of rows and columns of the part.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.cols.len())
    }

    /// Returns this part of a slice.
    pub(crate) fn of<'a, T>(&self, slice: ArrayView2<'a, T>) -> ArrayView2<'a, T> {
        slice.slice_move(s![self.rows.clone(), self.cols.clone()])
    }
}

/// Returns a range of `side` pixels around the middle of `range`, moved to lie within `0..n`.
fn centred(range: &Range<usize>, side: usize, n: usize) -> Range<usize> {
    let side = side.min(n);
    let first = ((range.start + range.end) / 2)
        .saturating_sub(side / 2)
        .min(n - side);
    first..first + side
}

/// Returns the rows and columns that the mask touches on any slice; `None` for an empty mask.
fn bounds(mask: &Mask) -> Option<(Range<usize>, Range<usize>)> {
    let voxels = mask.voxels();
    let (_, rows, cols) = voxels.dim();
    let mut touched = (vec![false; rows], vec![false; cols]);
    for slice in voxels.outer_iter() {
        for (row, line) in slice.outer_iter().enumerate() {
            for (col, _) in line.iter().enumerate().filter(|(_, inside)| **inside) {
                touched.0[row] = true;
                touched.1[col] = true;
            }
        }
    }
    Some((extent(&touched.0)?, extent(&touched.1)?))
}

fn extent(touched: &[bool]) -> Option<Range<usize>> {
    let first = touched.iter().position(|touched| *touched)?;
    let last = touched.iter().rposition(|touched| *touched)?;
    Some(first..last + 1)
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;
    use pe_ct::Spacing;

    use super::*;

    fn frame(crop: Crop, rows: Range<usize>, cols: Range<usize>) -> Frame {
        let mut voxels = Array3::from_elem((2, 100, 120), false);
        voxels.slice_mut(s![1, rows, cols]).fill(true);
        let spacing = Spacing {
            slice_mm: 1.0,
            row_mm: 1.0,
            col_mm: 1.0,
        };
        let mask = Mask::new(voxels, spacing, "recipe");
        Frame::new(crop, Some(&mask), 100, 120)
    }

    #[test]
    fn a_square_around_the_mask_stays_within_the_slice() {
        let check =
            |rows: Range<usize>, cols: Range<usize>, expected: (Range<usize>, Range<usize>)| {
                let found = frame(Crop::Mask, rows.clone(), cols.clone());
                assert_eq!((found.rows, found.cols), expected, "{rows:?} {cols:?}");
            };
        // 50 pixels and 3 % on each side.
        check(30..70, 40..90, (24..77, 39..92));
        check(0..40, 70..120, (0..53, 67..120));
        check(5..100, 0..120, (0..100, 0..120));
        check(0..0, 0..0, (0..100, 0..120));
        let middle = frame(Crop::Hila, 30..70, 40..90);
        assert_eq!((middle.rows, middle.cols), (33..68, 48..83));
        let whole = frame(Crop::None, 30..70, 40..90);
        assert_eq!(whole.shape(), (100, 120));
    }
}
