//! Turns a stored slice into a network's input: augments, normalises, and puts channels last.

use pe_nn::BackboneKind;
use pe_store::StoredExam;
use serde::{Deserialize, Serialize};

use crate::options::Augmentation;
use crate::random::Stream;

/// Channels of a stored slice.
pub(crate) const CHANNELS: usize = 3;

/// Mean and standard deviation of each channel: a value in [0, 1] becomes `(value - mean) / std`.
/// Stored with a model, so that inference repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Subtracted from the value.
    pub mean: [f32; CHANNELS],
    /// Divides the difference.
    pub std: [f32; CHANNELS],
}

impl Normalisation {
    /// Returns the normalisation that the network's published weights were trained with.
    pub fn of(network: BackboneKind) -> Self {
        match network {
            BackboneKind::EfficientNetB0 => Self::IMAGENET,
            BackboneKind::EfficientNetLite0 => Self::IMAGENET_LITE,
            BackboneKind::R3d18 => Self::KINETICS,
        }
    }

    /// Normalisation of torchvision's `EfficientNet_B0_Weights.IMAGENET1K_V1`.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
    /// Normalisation of TensorFlow's EfficientNet-Lite: (byte − 127) / 128, from its
    /// `efficientnet_lite_builder.py`.
    pub const IMAGENET_LITE: Self = Self {
        mean: [127.0 / 255.0; CHANNELS],
        std: [128.0 / 255.0; CHANNELS],
    };
    /// Normalisation of torchvision's `R3D_18_Weights.KINETICS400_V1`.
    pub const KINETICS: Self = Self {
        mean: [0.43216, 0.394_666, 0.37645],
        std: [0.22803, 0.22145, 0.216_989],
    };
}

/// The random parameters of one augmentation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Draw {
    /// Weights of the blur's middle and side taps; `None` does not blur.
    taps: Option<(f32, f32)>,
    flip: bool,
    angle_rad: f64,
    /// Magnification: 2 makes the image twice as large.
    zoom: f64,
    /// Shift down and to the right, as shares of the image's side.
    shift: [f64; 2],
    /// Values are multiplied by `contrast`, then `brightness` is added.
    contrast: f64,
    brightness: f64,
}

impl Draw {
    /// Draws the parameters of one sample in one epoch.
    pub(crate) fn new(options: &Augmentation, stream: &mut Stream) -> Self {
        let [low, high] = options.blur_sigma;
        let sigma = stream.uniform(low, high);
        // Weight of a pixel at distance 1, relative to that of the middle one.
        let side = (-0.5 / (sigma * sigma)).exp();
        Self {
            taps: (high > 0.0 && sigma > 0.0).then(|| {
                (
                    (1.0 / (1.0 + 2.0 * side)) as f32,
                    (side / (1.0 + 2.0 * side)) as f32,
                )
            }),
            flip: stream.uniform(0.0, 1.0) < options.flip,
            angle_rad: around(0.0, options.rotation_deg, stream).to_radians(),
            zoom: around(1.0, options.zoom, stream),
            shift: [(); 2].map(|()| around(0.0, options.shift, stream)),
            contrast: around(1.0, options.contrast, stream),
            brightness: around(0.0, options.brightness, stream),
        }
    }

    /// Returns whether pixels move.
    fn moves(&self) -> bool {
        self.flip || self.angle_rad != 0.0 || self.zoom != 1.0 || self.shift != [0.0, 0.0]
    }

    /// Returns whether values change.
    fn recolours(&self) -> bool {
        self.contrast != 1.0 || self.brightness != 0.0
    }
}

/// Draws uniformly from `middle - most` to `middle + most`.
fn around(middle: f64, most: f64, stream: &mut Stream) -> f64 {
    middle + stream.uniform(-most, most)
}

/// Makes network inputs from stored slices. It holds the buffers, so each thread has its own.
pub(crate) struct ImageMaker {
    normalisation: Normalisation,
    /// The normalised value of each stored byte, channel by channel.
    table: Vec<[f32; CHANNELS]>,
    image: Vec<f32>,
    other: Vec<f32>,
}

impl ImageMaker {
    pub(crate) fn new(normalisation: Normalisation) -> Self {
        let Normalisation { mean, std } = normalisation;
        let entry = |byte: u8| {
            std::array::from_fn(|channel| (f32::from(byte) / 255.0 - mean[channel]) / std[channel])
        };
        Self {
            normalisation,
            table: (0..=u8::MAX).map(entry).collect(),
            image: Vec::new(),
            other: Vec::new(),
        }
    }

    /// Writes a slice into `out`, `[row, col, channel]`.
    pub(crate) fn slice(
        &mut self,
        exam: &StoredExam,
        slice_idx: usize,
        draw: Option<&Draw>,
        out: &mut [f32],
    ) {
        match (draw, exam.slice_u8(slice_idx)) {
            // Bytes that are not augmented: a table of 256 values per channel is faster than
            // arithmetic.
            (None, Some(bytes)) => {
                let plane = out.len() / CHANNELS;
                let bytes = bytes.to_slice().unwrap_or(&[]);
                for (pixel, values) in out.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
                    for (channel, value) in values.iter_mut().enumerate() {
                        *value = self.table[usize::from(bytes[channel * plane + pixel])][channel];
                    }
                }
            }
            _ => {
                self.load(exam, slice_idx);
                let size = exam.manifest().shape[3];
                if let Some(draw) = draw {
                    self.augment(draw, size);
                }
                self.normalise(out);
            }
        }
    }

    /// Fills `out` with the normalised value of a slice of zeros, the padding of slabs.
    pub(crate) fn padding(&self, out: &mut [f32]) {
        for values in out.as_chunks_mut::<CHANNELS>().0 {
            *values = self.table[0];
        }
    }

    /// Loads a slice into `self.image`, turning channels first into channels last.
    fn load(&mut self, exam: &StoredExam, slice_idx: usize) {
        let values = exam.slice(slice_idx);
        let plane = values.len() / CHANNELS;
        let values = values.as_slice().unwrap_or(&[]);
        self.image.clear();
        self.image.reserve(values.len());
        for pixel in 0..plane {
            self.image
                .extend((0..CHANNELS).map(|channel| values[channel * plane + pixel]));
        }
    }

    fn augment(&mut self, draw: &Draw, size: usize) {
        self.other.resize(self.image.len(), 0.0);
        if let Some((middle, side)) = draw.taps {
            blur_cols(&self.image, &mut self.other, size, middle, side);
            blur_rows(&self.other, &mut self.image, size, middle, side);
        }
        if draw.moves() {
            turn(&self.image, &mut self.other, size, draw);
            std::mem::swap(&mut self.image, &mut self.other);
        }
        if draw.recolours() {
            let (contrast, brightness) = (draw.contrast as f32, draw.brightness as f32);
            for value in &mut self.image {
                *value = (*value * contrast + brightness).clamp(0.0, 1.0);
            }
        }
    }

    fn normalise(&self, out: &mut [f32]) {
        let Normalisation { mean, std } = self.normalisation;
        let scale = std.map(|std| 1.0 / std);
        let pixels = self.image.as_chunks::<CHANNELS>().0;
        for (values, pixel) in out.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(pixels) {
            for channel in 0..CHANNELS {
                values[channel] = (pixel[channel] - mean[channel]) * scale[channel];
            }
        }
    }
}

/// Returns the indices before and after `idx`, mirrored at the border without repeating it, as
/// PyTorch's padding `reflect` does.
fn neighbours(idx: usize, size: usize) -> (usize, usize) {
    let before = if idx == 0 { 1 } else { idx - 1 };
    let after = if idx + 1 == size {
        idx.saturating_sub(1)
    } else {
        idx + 1
    };
    (before.min(size - 1), after)
}

fn blur_cols(from: &[f32], to: &mut [f32], size: usize, middle: f32, side: f32) {
    let width = size * CHANNELS;
    for (from, to) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
        let tap = |before: usize, at: usize, after: usize| {
            middle * from[at] + side * (from[before] + from[after])
        };
        // All pixels that have both neighbours, in one loop; the first and the last column follow.
        let inner = CHANNELS..width.saturating_sub(CHANNELS);
        for (idx, to) in inner.clone().zip(&mut to[inner]) {
            *to = tap(idx - CHANNELS, idx, idx + CHANNELS);
        }
        for col in [0, size - 1] {
            let (before, after) = neighbours(col, size);
            for channel in 0..CHANNELS {
                let at = |col: usize| col * CHANNELS + channel;
                to[at(col)] = tap(at(before), at(col), at(after));
            }
        }
    }
}

fn blur_rows(from: &[f32], to: &mut [f32], size: usize, middle: f32, side: f32) {
    let width = size * CHANNELS;
    let row_of = |row: usize| &from[row * width..][..width];
    for (row, to) in to.chunks_exact_mut(width).enumerate() {
        let (before, after) = neighbours(row, size);
        let sides = row_of(before).iter().zip(row_of(after));
        for ((to, at), (before, after)) in to.iter_mut().zip(row_of(row)).zip(sides) {
            *to = middle * at + side * (before + after);
        }
    }
}

/// Flips, then rotates and enlarges about the middle, then moves. Interpolates bilinearly; zero
/// outside.
fn turn(from: &[f32], to: &mut [f32], size: usize, draw: &Draw) {
    let middle = (size as f64 - 1.0) / 2.0;
    let (sin, cos) = draw.angle_rad.sin_cos();
    let (sin, cos) = ((sin / draw.zoom) as f32, (cos / draw.zoom) as f32);
    let [down, right] = draw
        .shift
        .map(|share| (middle + share * size as f64) as f32);
    let (from_row, from_col, middle) = (down, right, middle as f32);
    // Go backwards: for each target pixel, undo these steps to find its place in the source.
    for (row, to) in to.chunks_exact_mut(size * CHANNELS).enumerate() {
        let down = row as f32 - from_row;
        for (col, to) in to.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
            let right = col as f32 - from_col;
            let source_col = cos * right - sin * down + middle;
            let source_row = sin * right + cos * down + middle;
            let source_col = if draw.flip {
                size as f32 - 1.0 - source_col
            } else {
                source_col
            };
            *to = bilinear(from, size, source_row, source_col);
        }
    }
}

#[inline]
fn bilinear(from: &[f32], size: usize, row: f32, col: f32) -> [f32; CHANNELS] {
    let (top, left) = (row.floor(), col.floor());
    let (down, right) = (row - top, col - left);
    let (top, left) = (top as isize, left as isize);
    let mut sum = [0.0; CHANNELS];
    let corners = [
        (top, left, (1.0 - down) * (1.0 - right)),
        (top, left + 1, (1.0 - down) * right),
        (top + 1, left, down * (1.0 - right)),
        (top + 1, left + 1, down * right),
    ];
    let inside = 0..size as isize;
    for (row, col, weight) in corners {
        if inside.contains(&row) && inside.contains(&col) {
            let at = (row as usize * size + col as usize) * CHANNELS;
            for (sum, value) in sum.iter_mut().zip(&from[at..at + CHANNELS]) {
                *sum += weight * value;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 5;

    fn image() -> Vec<f32> {
        (0..SIZE * SIZE * CHANNELS)
            .map(|n| (n * 37 % 101) as f32 / 101.0)
            .collect()
    }

    fn draw(taps: Option<(f32, f32)>, flip: bool, angle_deg: f64) -> Draw {
        Draw {
            taps,
            flip,
            angle_rad: angle_deg.to_radians(),
            zoom: 1.0,
            shift: [0.0, 0.0],
            contrast: 1.0,
            brightness: 0.0,
        }
    }

    fn turned(draw: &Draw) -> Vec<f32> {
        let mut out = vec![0.0; SIZE * SIZE * CHANNELS];
        turn(&image(), &mut out, SIZE, draw);
        out
    }

    fn at(image: &[f32], row: usize, col: usize) -> f32 {
        image[(row * SIZE + col) * CHANNELS + 1]
    }

    #[test]
    fn a_flip_mirrors_columns_and_a_right_angle_turns_rows_to_columns() {
        let (from, flipped) = (image(), turned(&draw(None, true, 0.0)));
        let quarter = turned(&draw(None, false, 90.0));
        for row in 0..SIZE {
            for col in 0..SIZE {
                assert_eq!(at(&flipped, row, col), at(&from, row, SIZE - 1 - col));
                let expected = at(&from, col, SIZE - 1 - row);
                assert!((at(&quarter, row, col) - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_shift_moves_pixels_and_a_zoom_keeps_the_middle() {
        let from = image();
        let moved = turned(&Draw {
            shift: [1.0 / SIZE as f64, -2.0 / SIZE as f64],
            ..draw(None, false, 0.0)
        });
        let twice = turned(&Draw {
            zoom: 2.0,
            ..draw(None, false, 0.0)
        });
        for row in 0..SIZE {
            for col in 0..SIZE {
                let expected = if row >= 1 && col + 2 < SIZE {
                    at(&from, row - 1, col + 2)
                } else {
                    0.0
                };
                assert!((at(&moved, row, col) - expected).abs() < 1e-5);
            }
        }
        assert_eq!(at(&twice, 2, 2), at(&from, 2, 2));
        let between = (at(&from, 2, 2) + at(&from, 2, 3)) / 2.0;
        assert!((at(&twice, 2, 3) - between).abs() < 1e-6);
        assert!((at(&twice, 0, 4) - at(&from, 1, 3)).abs() < 1e-6);
    }

    #[test]
    fn contrast_and_brightness_stay_between_0_and_1() {
        let mut maker = ImageMaker::new(Normalisation::IMAGENET);
        maker.image = vec![0.0, 0.25, 1.0];
        let lit = Draw {
            contrast: 1.5,
            brightness: -0.125,
            ..draw(None, false, 0.0)
        };
        maker.augment(&lit, 1);
        assert_eq!(maker.image, [0.0, 0.25, 1.0]);
        maker.augment(
            &Draw {
                brightness: 0.5,
                contrast: 0.5,
                ..lit
            },
            1,
        );
        assert_eq!(maker.image, [0.5, 0.625, 1.0]);
    }

    #[test]
    fn a_blur_keeps_a_constant_and_spreads_a_dot() {
        let mut out = vec![0.0; SIZE * SIZE * CHANNELS];
        blur_cols(&[0.5; SIZE * SIZE * CHANNELS], &mut out, SIZE, 0.6, 0.2);
        assert!(out.iter().all(|value| (value - 0.5).abs() < 1e-6));
        let mut dot = vec![0.0; SIZE * SIZE * CHANNELS];
        dot[(2 * SIZE + 2) * CHANNELS] = 1.0;
        let (mut cols, mut both) = (dot.clone(), dot.clone());
        blur_cols(&dot, &mut cols, SIZE, 0.6, 0.2);
        blur_rows(&cols, &mut both, SIZE, 0.6, 0.2);
        let value = |row: usize, col: usize| both[(row * SIZE + col) * CHANNELS];
        assert!((value(2, 2) - 0.36).abs() < 1e-6);
        assert!((value(1, 2) - 0.12).abs() < 1e-6);
        assert!((value(1, 1) - 0.04).abs() < 1e-6);
        assert_eq!(value(0, 2), 0.0);
    }

    #[test]
    fn borders_are_mirrored_without_repeating_them() {
        assert_eq!(neighbours(0, 5), (1, 1));
        assert_eq!(neighbours(4, 5), (3, 3));
        assert_eq!(neighbours(2, 5), (1, 3));
        assert_eq!(neighbours(0, 1), (0, 0));
    }

    #[test]
    fn a_draw_stays_within_the_options() {
        let options = Augmentation {
            zoom: 0.1,
            shift: 0.05,
            contrast: 0.2,
            brightness: 0.1,
            ..Augmentation::default()
        };
        let mut flips = 0;
        for sample in 0..400 {
            let draw = Draw::new(&options, &mut Stream::new(1, "augment", &[0, sample]));
            let (middle, side) = draw.taps.expect("every sample is blurred");
            assert!((middle + 2.0 * side - 1.0).abs() < 1e-6 && side <= middle);
            assert!(draw.angle_rad.abs() <= 15f64.to_radians());
            assert!((draw.zoom - 1.0).abs() <= 0.1 && (draw.contrast - 1.0).abs() <= 0.2);
            assert!(draw.shift.iter().all(|shift| shift.abs() <= 0.05));
            assert!(draw.brightness.abs() <= 0.1 && draw.moves() && draw.recolours());
            flips += usize::from(draw.flip);
        }
        assert!((160..240).contains(&flips), "{flips} of 400 flipped");
        let none = Augmentation {
            blur_sigma: [0.0, 0.0],
            flip: 0.0,
            rotation_deg: 0.0,
            ..Augmentation::default()
        };
        let still = Draw::new(&none, &mut Stream::new(1, "augment", &[0, 0]));
        assert_eq!(still, draw(None, false, 0.0));
    }
}
