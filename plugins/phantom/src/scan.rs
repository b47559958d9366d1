//! Effects of the scanner on a slice: the blur of the reconstruction kernel, streaks, noise, the
//! round field of view, and rounding to whole HU.

use crate::exam::Exam;
use crate::geometry::{Tube, at, ramp};
use crate::lookalike::{LookalikeKind, Shape};
use crate::paint::Plane;
use crate::plan::Storage;
use crate::render::Frame;
use crate::seed::{Stream, TexturePlane};

/// The range of HU that 12 bits with an intercept of −1024 can hold.
pub(crate) const LEAST_HU: f32 = -1024.0;
const MOST_HU: f32 = 3071.0;

/// Scans a painted slice: `[row, col]` in whole HU, −1024 outside the field of view.
pub(crate) fn scan(exam: &Exam, slice_idx: usize, frame: &Frame) -> Vec<i16> {
    let plan = &exam.plan;
    let size = plan.size;
    let sharp = plan.scan.sharpness;
    let mut hu = blur(&frame.hu, size, 0.8 - 0.3 * sharp);
    if sharp > 0.0 {
        // A sharp kernel overshoots at edges.
        let soft = blur(&hu, size, 1.1);
        hu.iter_mut()
            .zip(&soft)
            .for_each(|(hu, soft)| *hu += 0.55 * (*hu - soft));
    }
    let plane = Plane::new(exam, plan.up_mm(slice_idx), 0.0);
    streaks(exam, &plane, &mut hu);
    noise(exam, slice_idx, &plane, &mut hu);
    if plan.scan.storage != Storage::Signed16 {
        for (pixels, row) in hu.chunks_exact_mut(size).zip(0..) {
            for (hu, col) in pixels.iter_mut().zip(0..) {
                *hu = if in_view(row, col, size) {
                    *hu
                } else {
                    LEAST_HU
                };
            }
        }
    }
    hu.iter()
        .map(|hu| whole(hu.clamp(LEAST_HU, MOST_HU)))
        .collect()
}

/// Rounds to the nearest integer, halves away from zero. `round` would be a call into the C library on
/// the oldest x86-64.
#[inline]
fn whole(hu: f32) -> i16 {
    let toward_zero = hu as i32;
    let rest = hu - toward_zero as f32;
    (toward_zero + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)) as i16
}

/// Returns whether a pixel lies in the circle of the scanner's field of view.
#[inline]
pub(crate) fn in_view(row: usize, col: usize, size: usize) -> bool {
    let off = |idx: usize| idx as f32 - (size as f32 - 1.0) / 2.0;
    let (row, col) = (off(row), off(col));
    let radius = size as f32 / 2.0;
    row * row + col * col <= radius * radius
}

/// Adds rays around the superior vena cava, alternately brighter and darker, different on every slice.
fn streaks(exam: &Exam, plane: &Plane, hu: &mut [f32]) {
    let band = exam
        .lookalikes
        .iter()
        .find(|one| one.kind == LookalikeKind::Streak);
    let Some(Shape::Band(low, high)) = band.map(|band| &band.shape) else {
        return;
    };
    let strength = exam.plan.timing.streak_hu
        * ramp(plane.up, *low, low + 12.0)
        * ramp(-plane.up, -high, 12.0 - high);
    if strength <= 0.0 {
        return;
    }
    // Course of the vena cava between the heights of the band.
    let cava = Tube {
        from: at(-25.0, -19.0, 50.0),
        to: at(-31.0, -20.0, -44.0),
        from_mm: 8.2,
        to_mm: 9.2,
    };
    let t = ((cava.from.up - plane.up) / (cava.from.up - cava.to.up)).clamp(0.0, 1.0);
    let middle = cava.from.towards(cava.to, t);
    let streaks = exam.textures.streaks;
    let streaks = TexturePlane::new(streaks, [-4.6, 4.6], [-4.6, 4.6], plane.up * 0.41);
    plane.near(middle.left, middle.back, 75.0, |pixel| {
        let (left, back) = (
            plane.left[pixel] - middle.left,
            plane.back[pixel] - middle.back,
        );
        let away = (left * left + back * back).sqrt();
        if away < 2.0 || hu[pixel] < -700.0 {
            return;
        }
        // Sampling the noise along a circle, not by angle, leaves no seam.
        let ray = streaks.at(left / away * 4.5, back / away * 4.5);
        let fall = ramp(away, 5.0, 10.0) * (1.0 - ramp(away, 18.0, 75.0));
        hu[pixel] += strength * 1.5 * ray * fall;
    });
}

/// Adds noise with the spectrum of a reconstruction: weak at the lowest and highest frequencies.
fn noise(exam: &Exam, slice_idx: usize, plane: &Plane, hu: &mut [f32]) {
    let scan = &exam.plan.scan;
    if scan.noise_hu <= 0.0 {
        return;
    }
    let size = exam.plan.size;
    let mut stream = Stream::new(exam.plan.seed, "noise", &[exam.plan.exam_idx, slice_idx]);
    let white = white(&mut stream, size * size);
    let (narrow, wide) = (0.85 - 0.35 * scan.sharpness, 2.2 - 0.6 * scan.sharpness);
    let field = band_pass(&white, size, narrow, wide);
    // Few photons pass the shoulders: the noise there is stronger, and stretched from side to side.
    let shoulders = ramp(plane.up, 55.0, 100.0);
    let long = (shoulders > 0.0).then(|| {
        let rows = convolve(&field, size, &[1.0 / 13.0; 13], true);
        rows.iter().map(|value| value * 2.6).collect::<Vec<f32>>()
    });
    let field = match &long {
        None => field,
        Some(long) => {
            let both = field.iter().zip(long);
            both.map(|(value, long)| value * (1.0 + 0.3 * shoulders) + long * 1.1 * shoulders)
                .collect()
        }
    };
    let places = plane.left.iter().zip(&plane.back);
    for ((hu, value), (left, back)) in hu.iter_mut().zip(&field).zip(places) {
        let (left, back) = (left / 165.0, back / 110.0);
        let off = left * left + back * back;
        let depth = 0.55 + 0.45 / (1.0 + off * off);
        *hu += value * depth * scan.noise_hu;
    }
}

/// White noise of variance 1: sums of four 16-bit numbers, close enough to normal once blurred.
fn white(stream: &mut Stream, n: usize) -> Vec<f32> {
    let scale = 3f32.sqrt() / 65_536.0;
    (0..n)
        .map(|_| {
            let bits = stream.next_u64();
            let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
            (sum as f32 - 131_070.0) * scale
        })
        .collect()
}

/// Filters white noise by the difference of two blurs, scaled to variance 1.
fn band_pass(white: &[f32], size: usize, narrow: f32, wide: f32) -> Vec<f32> {
    const LOW_SHARE: f32 = 0.75;
    let (fine, coarse) = (gaussian(narrow), gaussian(wide));
    let energy = |one: &[f32], other: &[f32]| -> f32 {
        let (short, long) = if one.len() < other.len() {
            (one, other)
        } else {
            (other, one)
        };
        let skip = (long.len() - short.len()) / 2;
        let sum: f32 = short.iter().zip(&long[skip..]).map(|(a, b)| a * b).sum();
        sum * sum
    };
    let variance = energy(&fine, &fine) - 2.0 * LOW_SHARE * energy(&fine, &coarse)
        + LOW_SHARE * LOW_SHARE * energy(&coarse, &coarse);
    let scale = 1.0 / variance.sqrt();
    let mut field = blur_with(white, size, &fine);
    let low = blur_with(white, size, &coarse);
    field
        .iter_mut()
        .zip(&low)
        .for_each(|(value, low)| *value = (*value - LOW_SHARE * low) * scale);
    field
}

fn blur(image: &[f32], size: usize, sigma_px: f32) -> Vec<f32> {
    blur_with(image, size, &gaussian(sigma_px))
}

fn blur_with(image: &[f32], size: usize, kernel: &[f32]) -> Vec<f32> {
    convolve(&convolve(image, size, kernel, true), size, kernel, false)
}

fn gaussian(sigma_px: f32) -> Vec<f32> {
    let reach = (3.0 * sigma_px).ceil() as i32;
    let weights: Vec<f32> = (-reach..=reach)
        .map(|i| libm::expf(-(i * i) as f32 / (2.0 * sigma_px * sigma_px)))
        .collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Number of pixels summed at once: enough to fill the vector registers, few enough to stay in them.
const LANES: usize = 16;

/// Convolves along rows or columns; beyond the border the nearest pixel is repeated. Each sum runs over
/// the kernel in order, which keeps the result reproducible bit for bit.
fn convolve(image: &[f32], size: usize, kernel: &[f32], along_rows: bool) -> Vec<f32> {
    let reach = kernel.len() / 2;
    let mut out = vec![0.0; size * size];
    let mut padded = vec![0.0; size + 2 * reach];
    for (row, target) in out.chunks_exact_mut(size).enumerate() {
        if along_rows {
            pad(&mut padded, &image[row * size..(row + 1) * size]);
            weigh(target, kernel, |k| &padded[k..k + size]);
        } else {
            weigh(target, kernel, |k| {
                let from = (row + k).saturating_sub(reach).min(size - 1);
                &image[from * size..(from + 1) * size]
            });
        }
    }
    out
}

/// Copies `source` into the middle and repeats its first and last value on either side.
fn pad(padded: &mut [f32], source: &[f32]) {
    let (n, reach) = (source.len(), (padded.len() - source.len()) / 2);
    padded[..reach].fill(source[0]);
    padded[reach..reach + n].copy_from_slice(source);
    padded[reach + n..].fill(source[n - 1]);
}

/// Sets `target[i]` to the sum over `k` of `kernel[k] * source(k)[i]`.
#[inline(always)]
fn weigh<'a>(target: &mut [f32], kernel: &[f32], source: impl Fn(usize) -> &'a [f32]) {
    for (lane, target) in target.chunks_mut(LANES).enumerate() {
        let from = lane * LANES;
        let mut sums = [0.0; LANES];
        let n = target.len();
        for (k, &weight) in kernel.iter().enumerate() {
            let source = &source(k)[from..from + n];
            if let Ok(source) = <&[f32; LANES]>::try_from(source) {
                for (sum, source) in sums.iter_mut().zip(source) {
                    *sum += weight * source;
                }
            } else {
                for (sum, source) in sums.iter_mut().zip(source) {
                    *sum += weight * source;
                }
            }
        }
        target.copy_from_slice(&sums[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_a_flat_image_and_the_sum_of_a_point() {
        let flat = vec![3.0; 32 * 32];
        assert!(
            blur(&flat, 32, 1.1)
                .iter()
                .all(|value| (value - 3.0).abs() < 1e-4)
        );
        let mut point = vec![0.0; 32 * 32];
        point[16 * 32 + 16] = 1.0;
        let blurred = blur(&point, 32, 1.1);
        assert!((blurred.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!((blurred[16 * 32 + 15] - blurred[15 * 32 + 16]).abs() < 1e-7);
        assert!((blurred[16 * 32 + 15] - blurred[16 * 32 + 17]).abs() < 1e-7);
    }

    #[test]
    fn noise_has_variance_one_and_neighbours_that_resemble() {
        let mut stream = Stream::new(1, "noise", &[]);
        let field = band_pass(&white(&mut stream, 256 * 256), 256, 0.85, 2.2);
        let n = field.len() as f32;
        let variance = field.iter().map(|value| value * value).sum::<f32>() / n;
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
        let beside = field.windows(2).map(|pair| pair[0] * pair[1]).sum::<f32>() / n;
        assert!((0.2..0.8).contains(&beside), "{beside}");
    }

    #[test]
    fn whole_numbers_are_those_of_round() {
        for step in -40_000..40_000 {
            let hu = step as f32 * 0.025;
            assert_eq!(whole(hu), hu.round() as i16, "{hu}");
        }
        for hu in [0.499_999_97, -0.499_999_97, -1024.0, 3071.0] {
            assert_eq!(whole(hu), f32::round(hu) as i16, "{hu}");
        }
    }

    #[test]
    fn the_view_is_a_circle() {
        for (row, col, inside) in [
            (0, 0, false),
            (0, 31, true),
            (31, 0, true),
            (63, 63, false),
            (32, 32, true),
        ] {
            assert_eq!(in_view(row, col, 64), inside);
        }
    }
}
