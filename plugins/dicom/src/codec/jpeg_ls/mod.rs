//! JPEG-LS (ISO 14495-1 = ITU-T T.87), lossless and near-lossless, with 2 to 16 bits, and with all three
//! ways to interleave colours.
//!
//! Names are those of the standard: `near` is the greatest error; `a`, `b`, `c`, `n` are a context's
//! counters.

mod bits;
mod coder;

use bits::Bits;
use coder::{Coder, Line};

use super::check_size;
use super::jpeg::start_of_frame;
use crate::layout::Layout;

const BROKEN: &str = "broken JPEG-LS stream";

/// The order of the components in a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interleave {
    /// One component in each scan.
    None,
    Line,
    Sample,
}

/// Parameters from the segments before a scan.
#[derive(Debug, Clone, Default)]
struct Parameters {
    precision: u32,
    max_value: Option<i32>,
    thresholds: [i32; 3],
    reset: i32,
    /// Number of lines after which a scan restarts; 0 for never.
    restart_lines: usize,
}

pub(super) fn decode(data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    let start = start_of_frame(data).ok_or("no start of frame in the JPEG-LS stream")?;
    check_size(layout, start.rows, start.cols, start.components)?;
    if start.marker != 0xF7 || !(2..=16).contains(&start.precision) {
        return Err(BROKEN.into());
    }
    let mut parameters = Parameters {
        precision: start.precision.into(),
        ..Parameters::default()
    };
    let mut words = vec![0; layout.frame_samples()];
    let mut is_done = vec![false; layout.samples];
    let mut pos = 2;
    while !is_done.iter().all(|done| *done) {
        let (marker, segment) = next_segment(data, &mut pos)?;
        match marker {
            0xF8 => parameters.preset(segment)?,
            0xDD => parameters.restart_lines = number(segment)?,
            0xE8 if segment.starts_with(b"mrfx") && segment.get(4) != Some(&0) => {
                return Err("unsupported JPEG-LS feature: a colour transformation".into());
            }
            0xDA => {
                let first = is_done.iter().position(|done| !done).unwrap_or_default();
                let scan = Scan::of(segment, layout.samples, &parameters)?;
                for done in is_done.iter_mut().skip(first).take(scan.n_components) {
                    *done = true;
                }
                pos += scan.decode(&data[pos..], layout, first, &mut words)?;
            }
            0xD9 => return Err(BROKEN.into()),
            _ => {}
        }
    }
    Ok(words)
}

/// Reads the next marker that has a segment, and the segment; `pos` moves past it.
fn next_segment<'a>(data: &'a [u8], pos: &mut usize) -> Result<(u8, &'a [u8]), String> {
    while data.get(*pos..*pos + 2) == Some(&[0xFF, 0xFF]) {
        *pos += 1;
    }
    let head = data.get(*pos..).and_then(|rest| rest.first_chunk::<4>());
    let Some(&[0xFF, marker, l0, l1]) = head else {
        return Err(BROKEN.into());
    };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let segment = data.get(*pos + 4..*pos + 2 + length).ok_or(BROKEN)?;
    *pos += 2 + length;
    Ok((marker, segment))
}

fn number(bytes: &[u8]) -> Result<usize, String> {
    if !(2..=4).contains(&bytes.len()) {
        return Err(BROKEN.into());
    }
    Ok(bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)))
}

impl Parameters {
    /// Reads a segment LSE (clause C.2.4.1).
    fn preset(&mut self, segment: &[u8]) -> Result<(), String> {
        match segment.first() {
            Some(1) => {}
            Some(2 | 3) => return Err("unsupported JPEG-LS feature: a mapping table".into()),
            _ => return Err("unsupported JPEG-LS feature: an extension".into()),
        }
        let numbers = segment[1..].as_chunks::<2>().0;
        let &[max_value, t1, t2, t3, reset] = numbers else {
            return Err(BROKEN.into());
        };
        let number = |bytes| i32::from(u16::from_be_bytes(bytes));
        self.max_value = Some(number(max_value)).filter(|value| *value > 0);
        self.thresholds = [t1, t2, t3].map(number);
        self.reset = number(reset);
        Ok(())
    }
}

/// A scan's constants (clauses A.2.1 and C.2.4.1.1).
#[derive(Debug)]
struct Scan {
    n_components: usize,
    interleave: Interleave,
    restart_lines: usize,
    near: i32,
    max_value: i32,
    thresholds: [i32; 3],
    reset: i32,
    range: i32,
    /// Number of bits of a prediction error.
    error_bits: u32,
    /// Maximum length of a code, bits.
    limit: u32,
}

impl Scan {
    fn of(segment: &[u8], n_samples: usize, parameters: &Parameters) -> Result<Self, String> {
        let n_components = usize::from(*segment.first().ok_or(BROKEN)?);
        let (components, rest) = segment[1..]
            .split_at_checked(2 * n_components)
            .ok_or(BROKEN)?;
        if components.as_chunks::<2>().0.iter().any(|one| one[1] != 0) {
            return Err("unsupported JPEG-LS feature: a mapping table".into());
        }
        let &[near, interleave, transform] = rest else {
            return Err(BROKEN.into());
        };
        if transform != 0 {
            return Err("unsupported JPEG-LS feature: a point transformation".into());
        }
        let interleave = match (interleave, n_components) {
            (_, 1) => Interleave::None,
            (1, n) if n == n_samples => Interleave::Line,
            (2, n) if n == n_samples => Interleave::Sample,
            _ => return Err(BROKEN.into()),
        };
        let near = i32::from(near);
        let most = (1 << parameters.precision) - 1;
        let max_value = parameters.max_value.unwrap_or(most);
        if max_value > most || near > max_value / 2 {
            return Err(BROKEN.into());
        }
        let range = (max_value + 2 * near) / (2 * near + 1) + 1;
        let value_bits = bits(max_value + 1).max(2);
        Ok(Self {
            n_components,
            interleave,
            restart_lines: parameters.restart_lines,
            near,
            max_value,
            thresholds: thresholds(max_value, near, parameters.thresholds)?,
            reset: match parameters.reset {
                0 => 64,
                reset if reset >= 3 => reset,
                _ => return Err(BROKEN.into()),
            },
            range,
            error_bits: bits(range),
            limit: 2 * (value_bits + value_bits.max(8)),
        })
    }

    /// Decodes one scan into the components from `first` on; returns its length in bytes.
    fn decode(
        &self,
        data: &[u8],
        layout: &Layout,
        first: usize,
        words: &mut [u32],
    ) -> Result<usize, String> {
        // If samples are interleaved, all components share one line; otherwise each has its own.
        let n_lines = self.n_components * usize::from(self.interleave != Interleave::Sample)
            + usize::from(self.interleave == Interleave::Sample);
        let width = self.n_components / n_lines;
        let mut bits = Bits::new(data);
        let mut coder = Coder::new(self);
        let mut lines: Vec<Line> = Vec::new();
        for row in 0..layout.rows {
            if row == 0 || self.restart_lines > 0 && row % self.restart_lines == 0 {
                if row > 0 {
                    bits.restart().ok_or(BROKEN)?;
                }
                // A restart forgets all statistics and earlier lines.
                coder = Coder::new(self);
                lines = (0..n_lines)
                    .map(|_| Line::new(layout.cols, width))
                    .collect();
            }
            for (n, line) in lines.iter_mut().enumerate() {
                line.begin();
                coder.line(line, &mut bits).ok_or(BROKEN)?;
                let pixels = words[row * layout.cols * layout.samples..]
                    .chunks_exact_mut(layout.samples)
                    .zip(line.now[width..].chunks_exact(width));
                for (pixel, values) in pixels.take(layout.cols) {
                    for (word, value) in pixel[first + n..].iter_mut().zip(values) {
                        *word = *value as u32;
                    }
                }
            }
        }
        Ok(bits.end())
    }
}

/// The number of bits that can represent `n` different values.
fn bits(n: i32) -> u32 {
    (n - 1).max(0).checked_ilog2().map_or(0, |log| log + 1)
}

/// The thresholds of gradients, with defaults for those not given (clause C.2.4.1.1.1).
fn thresholds(max_value: i32, near: i32, given: [i32; 3]) -> Result<[i32; 3], String> {
    let clamp = |value: i32, least: i32| {
        if value > max_value || value < least {
            least
        } else {
            value
        }
    };
    let widened = |basic: [i32; 3]| [0, 1, 2].map(|n| basic[n] + [3, 5, 7][n] * near);
    let defaults = if max_value >= 128 {
        let factor = (max_value.min(4095) + 128) / 256;
        widened([factor + 2, factor * 4 + 3, factor * 17 + 4])
    } else {
        let factor = 256 / (max_value + 1);
        let wide = widened([3 / factor, 7 / factor, 21 / factor]);
        [0, 1, 2].map(|n| wide[n].max(n as i32 + 2))
    };
    let mut found = [0; 3];
    let mut least = near + 1;
    for n in 0..3 {
        let default = clamp(defaults[n], least);
        found[n] = if given[n] == 0 { default } else { given[n] };
        if found[n] < least || found[n] > max_value.max(least) {
            return Err(BROKEN.into());
        }
        least = found[n];
    }
    Ok(found)
}
