//! The three-channel slice that a network is fed: each HU window scaled to [0, 1], masked, and
//! resized to a square by area averaging.
//!
//! Order of the steps (paper section 3.2, figure 2): window, then mask (0 outside), then resize.
//! Area averaging weighs every source pixel by its overlap with the target pixel, which is what
//! OpenCV calls `INTER_AREA` for shrinking; enlarging repeats pixels with fractional borders.

use ndarray::{Array3, ArrayView2};

use crate::{CtError, HuWindow};

/// The largest side of a channel slice, pixels.
pub const MAX_SIDE: usize = 4096;

/// Version of what this module computes; part of the key of everything made with it. Raise it
/// whenever a pixel can come out differently.
pub const VERSION: u32 = 1;

/// Channel slices of one size and one set of windows.
#[derive(Debug, Clone)]
pub struct Channels {
    windows: Vec<HuWindow>,
    side: usize,
}

/// Renders slices of one shape; holds the overlaps and buffers that they share, one a thread.
#[derive(Debug, Clone)]
pub struct Renderer {
    windows: Vec<HuWindow>,
    side: usize,
    shape: (usize, usize),
    row_overlaps: Vec<Overlap>,
    col_overlaps: Vec<Overlap>,
    inside: Vec<f32>,
    /// The rows under one target row, blended: `[channel, col]`.
    blended: Vec<f32>,
}

/// Overlap of one target pixel with the source pixels `first..first + weights.len()`; the weights
/// sum to 1.
#[derive(Debug, Clone)]
struct Overlap {
    first: usize,
    weights: Vec<f32>,
}

impl Channels {
    /// Channels of `side` × `side` pixels, one a window.
    ///
    /// # Errors
    /// [`CtError::Size`] when `side` is 0 or above [`MAX_SIDE`].
    pub fn new(windows: &[HuWindow], side: usize) -> Result<Self, CtError> {
        if (1..=MAX_SIDE).contains(&side) {
            Ok(Self {
                windows: windows.to_vec(),
                side,
            })
        } else {
            Err(CtError::Size {
                limit: MAX_SIDE,
                found: side,
            })
        }
    }

    /// Values in one rendered slice: channels × side × side.
    pub fn len(&self) -> usize {
        self.windows.len() * self.side * self.side
    }

    /// Whether there is no channel.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// A renderer for slices of `rows` × `cols` pixels.
    pub fn renderer(&self, rows: usize, cols: usize) -> Renderer {
        Renderer {
            windows: self.windows.clone(),
            side: self.side,
            shape: (rows, cols),
            row_overlaps: overlaps(rows, self.side),
            col_overlaps: overlaps(cols, self.side),
            inside: vec![1.0; cols],
            blended: vec![0.0; cols * self.windows.len()],
        }
    }

    /// One slice in HU, `[row, col]`, as `[channel, row, col]` in [0, 1]; without a mask every
    /// pixel is kept.
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
        let mut out = Array3::zeros((self.windows.len(), self.side, self.side));
        let (rows, cols) = hu.dim();
        let values = out.as_slice_mut().unwrap_or_default();
        self.renderer(rows, cols)
            .render_with(hu, mask, values, |value| value);
        out
    }
}

impl Renderer {
    /// Renders one slice into `out`, `[channel, row, col]`, each value in [0, 1] passed through
    /// `store` (a quantisation, say).
    ///
    /// # Panics
    /// When the slice or the mask has not the renderer's shape, or `out` not its length.
    pub fn render_with<T>(
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
        assert_eq!(out.len(), self.windows.len() * self.side * self.side);
        let (side, cols) = (self.side, self.shape.1);
        for target_row in 0..side {
            self.blend(target_row, hu, mask);
            for channel in 0..self.windows.len() {
                let source = &self.blended[channel * cols..][..cols];
                let target = &mut out[(channel * side + target_row) * side..][..side];
                for (pixel, overlap) in target.iter_mut().zip(&self.col_overlaps) {
                    let under = &source[overlap.first..][..overlap.weights.len()];
                    let sum: f32 = under
                        .iter()
                        .zip(&overlap.weights)
                        .map(|(value, weight)| value * weight)
                        .sum();
                    *pixel = store(sum);
                }
            }
        }
    }

    /// Windows, masks and blends the source rows under `target_row` into `self.blended`.
    fn blend(&mut self, target_row: usize, hu: ArrayView2<i16>, mask: Option<ArrayView2<bool>>) {
        let overlap = &self.row_overlaps[target_row];
        self.blended.fill(0.0);
        for (offset, weight) in overlap.weights.iter().enumerate() {
            let row = overlap.first + offset;
            if let Some(mask) = mask
                && !copy_row(mask.row(row), &mut self.inside)
            {
                continue;
            }
            let values = hu.row(row);
            for (window, sums) in self
                .windows
                .iter()
                .zip(self.blended.chunks_exact_mut(self.shape.1))
            {
                match values.as_slice() {
                    Some(values) => accumulate(sums, values.iter(), &self.inside, *window, *weight),
                    None => accumulate(sums, values.iter(), &self.inside, *window, *weight),
                }
            }
        }
    }
}

/// Copies a mask's row as 0 and 1; false when nothing of it is inside.
fn copy_row(row: ndarray::ArrayView1<bool>, inside: &mut [f32]) -> bool {
    let mut any = false;
    for (target, &source) in inside.iter_mut().zip(row) {
        any |= source;
        *target = f32::from(u8::from(source));
    }
    any
}

/// Adds one windowed and masked row to `sums`, weighted.
#[inline]
fn accumulate<'a>(
    sums: &mut [f32],
    values: impl Iterator<Item = &'a i16>,
    inside: &[f32],
    window: HuWindow,
    weight: f32,
) {
    let (lower, per_hu) = (window.lower_hu(), 1.0 / window.width());
    for ((sum, &hu), &inside) in sums.iter_mut().zip(values).zip(inside) {
        let scaled = ((f32::from(hu) - lower) * per_hu).clamp(0.0, 1.0);
        *sum += weight * inside * scaled;
    }
}

/// A value in [0, 1] as a byte: `round(255 × value)`.
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

/// For each of `target` pixels laid over `source` pixels, the share of each source pixel.
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
