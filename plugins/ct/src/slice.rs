use std::fmt;
use std::sync::Arc;

use ndarray::{Array3, ArrayView3};

use crate::channels::Channels;
use crate::{CtError, HuWindow, Volume};

/// One slice as input of a network: `[channel, row, col]` in [0, 1], with the channels lung, PE,
/// mediastinum ([`HuWindow::CHANNELS`]).
///
/// Cheap to clone: the pixels are shared.
#[derive(Debug, Clone)]
pub struct ChannelSlice {
    channels: Arc<Array3<f32>>,
}

impl ChannelSlice {
    /// Creates a slice from its pixels, `[channel, row, col]`.
    ///
    /// ```
    /// use ndarray::Array3;
    /// use pe_ct::ChannelSlice;
    /// assert!(ChannelSlice::new(Array3::zeros((3, 8, 8))).is_ok());
    /// assert!(ChannelSlice::new(Array3::zeros((1, 8, 8))).is_err(), "one channel is no slice");
    /// ```
    ///
    /// # Errors
    /// [`CtError::ChannelCount`] unless there are three channels of at least one pixel;
    /// [`CtError::ChannelValue`] for a value outside [0, 1].
    pub fn new(channels: Array3<f32>) -> Result<Self, CtError> {
        let shape = channels.dim();
        if shape.0 != HuWindow::CHANNELS.len() || channels.is_empty() {
            return Err(CtError::ChannelCount { found: shape });
        }
        match channels.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            Some(&found) => Err(CtError::ChannelValue { found }),
            None => Ok(Self {
                channels: Arc::new(channels),
            }),
        }
    }

    /// Renders one slice of a volume in the three windows, unmasked, `side` × `side` pixels.
    ///
    /// # Errors
    /// [`CtError::SliceIndex`]; [`CtError::Size`] when `side` is out of range.
    pub fn of(volume: &Volume, slice_idx: usize, side: usize) -> Result<Self, CtError> {
        if slice_idx >= volume.n_slices() {
            return Err(CtError::SliceIndex {
                n_slices: volume.n_slices(),
                found: slice_idx as i64,
            });
        }
        let channels = Channels::new(&HuWindow::CHANNELS, side)?;
        // Rounding in the weighted sums can leave a value just above 1.
        let pixels = channels.render(volume.slice(slice_idx), None);
        Self::new(pixels.mapv_into(|value| value.min(1.0)))
    }

    /// The pixels, `[channel, row, col]` in [0, 1].
    pub fn channels(&self) -> ArrayView3<'_, f32> {
        self.channels.view()
    }
}

impl fmt::Display for ChannelSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (channels, rows, cols) = self.channels.dim();
        write!(f, "slice of {channels} channels, {rows} × {cols} pixels")
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::Spacing;

    #[test]
    fn channels_and_values_are_checked() {
        let check = |shape, value, expected| {
            let found = ChannelSlice::new(Array3::from_elem(shape, value)).err();
            assert_eq!(found, expected, "{shape:?} of {value}");
        };
        check((3, 2, 2), 1.0, None);
        let count = |found| Some(CtError::ChannelCount { found });
        check((1, 2, 2), 0.5, count((1, 2, 2)));
        check((3, 0, 2), 0.5, count((3, 0, 2)));
        check((3, 1, 1), 1.5, Some(CtError::ChannelValue { found: 1.5 }));
        check((3, 1, 1), -0.5, Some(CtError::ChannelValue { found: -0.5 }));
        assert!(
            ChannelSlice::new(Array3::from_elem((3, 1, 1), f32::NAN)).is_err(),
            "NaN is no pixel"
        );
    }

    #[test]
    fn a_slice_of_a_volume_is_in_the_three_windows() {
        let spacing = Spacing {
            slice_mm: 1.0,
            row_mm: 1.0,
            col_mm: 1.0,
        };
        let volume = Volume::unnamed("flat", spacing, Array3::from_elem((2, 7, 7), 100_i16));
        let slice = ChannelSlice::of(&volume, 1, 3).expect("a slice of the volume");
        for (channel, window) in slice.channels().outer_iter().zip(HuWindow::CHANNELS) {
            let wrong = channel
                .iter()
                .find(|value| (**value - window.scale(100)).abs() > 1e-6);
            assert_eq!(wrong, None, "{window}");
        }
        assert!(ChannelSlice::of(&volume, 2, 3).is_err());
    }
}
