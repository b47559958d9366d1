//! Makes the three-channel slices that networks take as input: each HU window is scaled to [0, 1],
//! masked, and resized to a square by area averaging.
//!
//! Order of the steps (paper section 3.2, figure 2): window, then mask (0 outside), then resize.
//! Area averaging weighs every source pixel by its overlap with the target pixel. OpenCV calls this
//! `INTER_AREA` for shrinking; enlarging repeats pixels with fractional borders.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array3, ArrayView1, ArrayView2};

use crate::{CtError, HuWindow};

/// The largest side of a channel slice, pixels.
pub const MAX_SIDE: usize = 4096;

/// Version of this module's results, a part of the key of everything made with it. Raise it
/// whenever a pixel can come out differently.
pub const VERSION: u32 = 1;

/// Number of windows that are computed together: the width of the vectors that every processor has.
const LANES: usize = 4;

/// Lookup table of a group of windows: the scaled values for each HU. A slice has some 2,000
/// different HU, which stay in the nearest cache.
type Scaled = Arc<[[f32; LANES]]>;

/// Number of values of a 16-bit HU.
const N_HU: usize = 1 << 16;

/// Makes channel slices of one size and one set of windows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Channels {
    n_windows: usize,
    side: usize,
    groups: Vec<Scaled>,
}

/// Renders slices of one shape. It holds the buffers, so each thread has its own.
#[derive(Debug, Clone)]
pub struct Renderer {
    channels: Channels,
    shape: (usize, usize),
    row_overlaps: Vec<Overlap>,
    col_overlaps: Vec<Overlap>,
    /// The source rows under one target row, blended, `[col]`.
    blended: Vec<[f32; LANES]>,
    /// The target row, `[col]`.
    resized: Vec<[f32; LANES]>,
}

/// Overlap of one target pixel with the source pixels `first..first + weights.len()`; the weights
/// sum to 1.
#[derive(Debug, Clone)]
struct Overlap {
    first: usize,
    weights: Vec<f32>,
}

impl Overlap {
    fn range(&self) -> Range<usize> {
        self.first..self.first + self.weights.len()
    }
}

impl Channels {
    /// Creates channels of `side` × `side` pixels, one per window.
    ///
    /// # Errors
    /// [`CtError::Size`] when `side` is 0 or above [`MAX_SIDE`].
    pub fn new(windows: &[HuWindow], side: usize) -> Result<Self, CtError> {
        if !(1..=MAX_SIDE).contains(&side) {
            return Err(CtError::Size {
                limit: MAX_SIDE,
                found: side,
            });
        }
        let groups = windows.chunks(LANES).map(scaled).collect();
        Ok(Self {
            n_windows: windows.len(),
            side,
            groups,
        })
    }

    /// Number of values in one rendered slice: channels × side × side.
    pub fn len(&self) -> usize {
        self.n_windows * self.side * self.side
    }

    /// Returns whether there is no channel.
    pub fn is_empty(&self) -> bool {
        self.n_windows == 0
    }

    /// Creates a renderer for slices of `rows` × `cols` pixels.
    pub fn renderer(&self, rows: usize, cols: usize) -> Renderer {
        Renderer {
            channels: self.clone(),
            shape: (rows, cols),
            row_overlaps: overlaps(rows, self.side),
            col_overlaps: overlaps(cols, self.side),
            blended: vec![[0.0; LANES]; cols],
            resized: vec![[0.0; LANES]; self.side],
        }
    }

    /// Renders one slice in HU, `[row, col]`, as `[channel, row, col]` in [0, 1]. Without a mask
    /// every pixel is kept.
    ///
    /// ```
    /// use ndarray::array;
    /// use pe_ct::{HuWindow, channels::Channels};
    /// let hu = array![[-250_i16, 450], [450, -250]];
    /// let mask = array![[true, true], [false, true]];
    /// let channels = Channels::new(&[HuWindow::PE], 1)?;
    /// assert_eq!(channels.render(hu.view(), Some(mask.view()))[[0, 0, 0]], 0.25);
    /// # Ok::<(), pe_ct::CtError>(())
    /// ```
    ///
    /// # Panics
    /// When the mask has another shape than the slice.
    pub fn render(&self, hu: ArrayView2<i16>, mask: Option<ArrayView2<bool>>) -> Array3<f32> {
        let mut out = Array3::zeros((self.n_windows, self.side, self.side));
        let (rows, cols) = hu.dim();
        let values = out.as_slice_mut().unwrap_or_default();
        self.renderer(rows, cols)
            .render_with(hu, mask, values, |value| value);
        out
    }
}

/// Makes the table of scaled values for up to [`LANES`] windows. The entry of HU `hu` is at `hu as
/// u16`.
fn scaled(windows: &[HuWindow]) -> Scaled {
    let mut table = vec![[0.0; LANES]; N_HU];
    for hu in i16::MIN..=i16::MAX {
        for (value, window) in table[usize::from(hu as u16)].iter_mut().zip(windows) {
            *value = window.scale(hu);
        }
    }
    table.into()
}

impl Renderer {
    /// Renders one slice into `out`, `[channel, row, col]`. Each value in [0, 1] is passed through
    /// `store`, for example to quantise it.
    ///
    /// # Panics
    /// When the slice or the mask does not have the renderer's shape, or `out` its length.
    pub fn render_with<T: Copy>(
        &mut self,
        hu: ArrayView2<i16>,
        mask: Option<ArrayView2<bool>>,
        out: &mut [T],
        store: impl Fn(f32) -> T,
    ) {
        assert_eq!(
            hu.dim(),
            self.shape,
            "a slice of another shape than the renderer's"
        );
        assert!(
            mask.is_none_or(|mask| mask.dim() == self.shape),
            "a mask of another shape than its slice"
        );
        assert_eq!(out.len(), self.channels.len());
        let side = self.channels.side;
        out.fill(store(0.0));
        for (group, planes) in out.chunks_mut(LANES * side * side).enumerate() {
            for target_row in 0..side {
                let touched = self.blend(group, target_row, hu, mask);
                self.resize_row(touched, target_row, planes, &store);
            }
        }
    }

    /// Windows, masks and blends the source rows under `target_row` into `self.blended`; returns
    /// the range of columns that are not all zero.
    fn blend(
        &mut self,
        group: usize,
        target_row: usize,
        hu: ArrayView2<i16>,
        mask: Option<ArrayView2<bool>>,
    ) -> Range<usize> {
        let table = &*self.channels.groups[group];
        let overlap = &self.row_overlaps[target_row];
        self.blended.fill([0.0; LANES]);
        // An empty range, which the runs below extend.
        let mut touched = self.shape.1..0;
        for (row, &weight) in overlap.range().zip(&overlap.weights) {
            let values = contiguous(hu.row(row));
            let Some(mask) = mask else {
                touched = 0..values.len();
                add_scaled(&mut self.blended, table, &values, weight);
                continue;
            };
            let kept = contiguous(mask.row(row));
            for run in runs(&kept) {
                touched = touched.start.min(run.start)..touched.end.max(run.end);
                add_scaled(&mut self.blended[run.clone()], table, &values[run], weight);
            }
        }
        touched
    }

    /// Resizes the blended row, only along the columns that are not all zero.
    fn resize_row<T>(
        &mut self,
        touched: Range<usize>,
        target_row: usize,
        planes: &mut [T],
        store: &impl Fn(f32) -> T,
    ) {
        let side = self.channels.side;
        let first = self
            .col_overlaps
            .partition_point(|overlap| overlap.range().end <= touched.start);
        let end = self
            .col_overlaps
            .partition_point(|overlap| overlap.first < touched.end);
        if first >= end {
            return;
        }
        let resized = &mut self.resized[first..end];
        for (sum, overlap) in resized.iter_mut().zip(&self.col_overlaps[first..end]) {
            *sum = [0.0; LANES];
            let values = &self.blended[overlap.range()];
            for (value, weight) in values.iter().zip(&overlap.weights) {
                for (sum, value) in sum.iter_mut().zip(value) {
                    *sum += value * weight;
                }
            }
        }
        for (lane, plane) in planes.chunks_exact_mut(side * side).enumerate() {
            let row = &mut plane[target_row * side..][first..end];
            for (out, sum) in row.iter_mut().zip(&*resized) {
                *out = store(sum[lane]);
            }
        }
    }
}

/// Adds a row in HU to `sums`, scaled to the windows and weighted.
fn add_scaled(sums: &mut [[f32; LANES]], table: &[[f32; LANES]], values: &[i16], weight: f32) {
    for (sum, &hu) in sums.iter_mut().zip(values) {
        let scaled = &table[usize::from(hu as u16)];
        for (sum, scaled) in sum.iter_mut().zip(scaled) {
            *sum += weight * scaled;
        }
    }
}

/// Returns the row as a slice, copied only if it is not contiguous in memory.
fn contiguous<T: Copy>(row: ArrayView1<'_, T>) -> Cow<'_, [T]> {
    match row.to_slice() {
        Some(values) => values.into(),
        None => row.to_vec().into(),
    }
}

/// Iterates over the runs of pixels that the mask keeps, from left to right.
fn runs(kept: &[bool]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + kept[from..].iter().position(|inside| *inside)?;
        let length = kept[start..].iter().position(|inside| !inside);
        from = length.map_or(kept.len(), |length| start + length);
        Some(start..from)
    })
}

/// Converts a value in [0, 1] to a byte: `round(255 × value)`.
///
/// ```
/// use pe_ct::channels::to_byte;
/// assert_eq!((to_byte(0.0), to_byte(0.5), to_byte(1.0)), (0, 128, 255));
/// ```
#[inline]
pub fn to_byte(value: f32) -> u8 {
    // A float-to-int cast saturates, so the two ends need no clamp.
    (value * 255.0 + 0.5) as u8
}

/// Computes, for each of `target` pixels laid over `source` pixels, its overlap with them.
fn overlaps(source: usize, target: usize) -> Vec<Overlap> {
    let scale = source as f64 / target as f64;
    (0..target)
        .map(|pixel| {
            let (start, end) = (
                pixel as f64 * scale,
                ((pixel + 1) as f64 * scale).min(source as f64),
            );
            let first = start as usize;
            let last = (end.ceil() as usize).clamp(first + 1, source);
            let share =
                |source: usize| (end.min((source + 1) as f64) - start.max(source as f64)).max(0.0);
            let total: f64 = (first..last).map(share).sum();
            Overlap {
                first,
                weights: (first..last)
                    .map(|source| (share(source) / total) as f32)
                    .collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis};

    /// Renders a ramp along the columns, in units of source pixels.
    fn check(source: usize, target: usize, expected: &[f32]) {
        let hu = Array2::from_shape_fn((source, source), |(_, col)| col as i16);
        let window = HuWindow::new(source as f32 / 2.0, source as f32).expect("a positive width");
        let channels = Channels::new(&[window], target).expect("a small side");
        let rendered = channels.render(hu.view(), None);
        let found = rendered
            .index_axis(Axis(0), 0)
            .row(target - 1)
            .map(|value| value * source as f32);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }

    #[test]
    fn area_averages_weigh_by_overlap() {
        check(4, 4, &[0.0, 1.0, 2.0, 3.0]);
        check(4, 2, &[0.5, 2.5]);
        check(3, 2, &[1.0 / 3.0, 5.0 / 3.0]);
        check(4, 1, &[1.5]);
        check(2, 4, &[0.0, 0.0, 1.0, 1.0]);
        check(1, 3, &[0.0, 0.0, 0.0]);
    }

    #[test]
    fn rows_are_resized_like_columns() {
        let hu = Array2::from_shape_fn((7, 7), |(row, col)| (row * 31 + col * 17) as i16);
        let channels = Channels::new(&HuWindow::CHANNELS, 3).expect("a small side");
        let straight = channels.render(hu.view(), None);
        let turned = channels.render(hu.t(), None);
        for (channel, turned) in straight.outer_iter().zip(turned.outer_iter()) {
            let difference = (&channel.t() - &turned)
                .mapv(f32::abs)
                .fold(0.0_f32, |a, &b| a.max(b));
            assert!(difference < 1e-6, "{difference}");
        }
    }

    #[test]
    fn an_empty_mask_gives_zeros_and_a_full_one_changes_nothing() {
        let hu = Array2::from_shape_fn((9, 5), |(row, col)| (row * 100 + col * 50) as i16 - 300);
        let channels = Channels::new(&HuWindow::CHANNELS, 4).expect("a small side");
        let (none, all) = (
            Array2::from_elem((9, 5), false),
            Array2::from_elem((9, 5), true),
        );
        assert!(
            channels
                .render(hu.view(), Some(none.view()))
                .iter()
                .all(|value| *value == 0.0)
        );
        assert_eq!(
            channels.render(hu.view(), Some(all.view())),
            channels.render(hu.view(), None)
        );
    }

    #[test]
    fn a_side_of_zero_is_refused() {
        let error = Channels::new(&HuWindow::CHANNELS, 0).expect_err("no pixels");
        assert_eq!(
            error,
            CtError::Size {
                limit: MAX_SIDE,
                found: 0
            }
        );
    }
}
