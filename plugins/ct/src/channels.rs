//! The three-channel slice that a network is fed: each HU window scaled to [0, 1], masked, and
//! resized to a square by area averaging.
//!
//! Order of the steps (paper section 3.2, figure 2): window, then mask (0 outside), then resize.
//! Area averaging weighs every source pixel by its overlap with the target pixel, which is what
//! OpenCV calls `INTER_AREA` for shrinking; enlarging repeats pixels with fractional borders.

use ndarray::{Array2, Array3, ArrayView2};

use crate::{CtError, HuWindow};

/// The largest side of a channel slice, pixels.
pub const MAX_SIDE: usize = 4096;

/// Makes channel slices of one size and one set of windows; keeps what every slice shares.
#[derive(Debug, Clone)]
pub struct Channels {
    windows: Vec<HuWindow>,
    side: usize,
}

/// Overlap of one target pixel with the source pixels `first..first + weights.len()`; the weights
/// sum to 1.
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

    /// The side of a channel slice, pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// One slice in HU, `[row, col]`, as `[channel, row, col]` in [0, 1]; without a mask every
    /// pixel is kept.
    ///
    /// # Panics
    /// When the mask has another shape than the slice, or the slice has no pixels.
    pub fn render(&self, hu: ArrayView2<i16>, mask: Option<ArrayView2<bool>>) -> Array3<f32> {
        let (rows, cols) = hu.dim();
        let mut out = Array3::zeros((self.windows.len(), self.side, self.side));
        let row_overlaps = overlaps(rows, self.side);
        let col_overlaps = overlaps(cols, self.side);
        for (window, mut channel) in self.windows.iter().zip(out.outer_iter_mut()) {
            let windowed = windowed(hu, mask, *window);
            for (mut target, overlap) in channel.outer_iter_mut().zip(&row_overlaps) {
                let mut blended = vec![0.0; cols];
                for (row, weight) in windowed
                    .outer_iter()
                    .skip(overlap.first)
                    .zip(&overlap.weights)
                {
                    for (sum, value) in blended.iter_mut().zip(row) {
                        *sum += weight * value;
                    }
                }
                for (pixel, overlap) in target.iter_mut().zip(&col_overlaps) {
                    let source = &blended[overlap.first..];
                    *pixel = source
                        .iter()
                        .zip(&overlap.weights)
                        .map(|(value, weight)| value * weight)
                        .sum();
                }
            }
        }
        out
    }
}

fn windowed(hu: ArrayView2<i16>, mask: Option<ArrayView2<bool>>, window: HuWindow) -> Array2<f32> {
    match mask {
        None => hu.map(|&hu| window.scale(hu)),
        Some(mask) => {
            let mut scaled = hu.map(|&hu| window.scale(hu));
            scaled.zip_mut_with(&mask, |value, &inside| {
                *value *= f32::from(u8::from(inside))
            });
            scaled
        }
    }
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

    fn check(source: usize, target: usize, expected: &[f32]) {
        let hu = Array2::from_shape_fn((source, source), |(_, col)| col as i16);
        let window = HuWindow::new(source as f32 / 2.0, source as f32).expect("a positive width");
        let channels = Channels::new(&[window], target).expect("a small side");
        let found: Vec<f32> = channels.render(hu.view(), None).row_of_first_channel();
        let scaled: Vec<f32> = expected.iter().map(|value| value / source as f32).collect();
        for (found, expected) in found.iter().zip(&scaled) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{found:?} is not {expected:?}"
            );
        }
        assert_eq!(found.len(), expected.len());
    }

    trait FirstRow {
        fn row_of_first_channel(&self) -> Vec<f32>;
    }

    impl FirstRow for Array3<f32> {
        fn row_of_first_channel(&self) -> Vec<f32> {
            self.index_axis(ndarray::Axis(0), 0).row(0).to_vec()
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
    fn the_mask_is_applied_after_the_window() {
        let hu = Array2::from_elem((2, 2), 450_i16);
        let mut mask = Array2::from_elem((2, 2), false);
        mask[[0, 0]] = true;
        let channels = Channels::new(&[HuWindow::PE], 1).expect("a small side");
        let found = channels.render(hu.view(), Some(mask.view()));
        assert_eq!(found.as_slice(), Some([0.25_f32].as_slice()));
    }
}
