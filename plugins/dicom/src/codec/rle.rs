//! RLE Lossless (DICOM PS3.5 annex G): one PackBits segment for each byte of each sample, the most
//! significant byte first.

use crate::layout::Layout;

pub(super) fn decode(data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    let header = data
        .first_chunk::<64>()
        .ok_or("the RLE header needs 64 bytes")?;
    let mut numbers = header
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| u32::from_le_bytes(*b) as usize);
    let n_segments = numbers.next().unwrap_or(0);
    let bytes_per_sample = (layout.bits_allocated as usize).div_ceil(8);
    let expected = bytes_per_sample * layout.samples;
    if n_segments != expected || n_segments > 15 {
        return Err(format!(
            "expected {expected} RLE segments, found {n_segments}"
        ));
    }
    let mut offsets: Vec<usize> = numbers.take(n_segments).collect();
    offsets.push(data.len());
    let mut words = vec![0; layout.frame_samples()];
    for segment_idx in 0..n_segments {
        let segment = data
            .get(offsets[segment_idx]..offsets[segment_idx + 1])
            .ok_or_else(|| format!("RLE segment {} lies outside the frame", segment_idx + 1))?;
        let sample = segment_idx / bytes_per_sample;
        let shift = 8 * (bytes_per_sample - 1 - segment_idx % bytes_per_sample);
        let pixels = words.iter_mut().skip(sample).step_by(layout.samples);
        unpack(segment, shift, pixels)
            .ok_or_else(|| format!("RLE segment {} ends early", segment_idx + 1))?;
    }
    Ok(words)
}

/// Unpacks PackBits (PS3.5 section G.3.2) into bits `shift` and up of each word. `None` if the segment
/// ends before the words do.
fn unpack<'a>(
    segment: &[u8],
    shift: usize,
    mut words: impl ExactSizeIterator<Item = &'a mut u32>,
) -> Option<()> {
    let mut bytes = segment.iter().copied();
    while words.len() > 0 {
        let control = bytes.next()? as i8;
        if control >= 0 {
            for word in words.by_ref().take(control as usize + 1) {
                *word |= u32::from(bytes.next()?) << shift;
            }
        // −128 is a control byte without data.
        } else if control != i8::MIN {
            let value = u32::from(bytes.next()?) << shift;
            for word in words.by_ref().take(1 + usize::from(control.unsigned_abs())) {
                *word |= value;
            }
        }
    }
    Some(())
}

/// Encodes the words of a frame of at most 15 segments.
pub(crate) fn encode(words: &[u32], layout: &Layout) -> Vec<u8> {
    let bytes_per_sample = (layout.bits_allocated as usize).div_ceil(8);
    let n_segments = bytes_per_sample * layout.samples;
    let mut header = [0_u32; 16];
    header[0] = n_segments as u32;
    let mut segments = Vec::new();
    for (segment_idx, offset) in header[1..].iter_mut().take(n_segments).enumerate() {
        *offset = 64 + segments.len() as u32;
        let sample = segment_idx / bytes_per_sample;
        let shift = 8 * (bytes_per_sample - 1 - segment_idx % bytes_per_sample);
        // Each row is coded separately (section G.3.1).
        for row in words.chunks(layout.cols * layout.samples) {
            let bytes = row.iter().skip(sample).step_by(layout.samples);
            let bytes: Vec<u8> = bytes.map(|word| (word >> shift) as u8).collect();
            pack(&bytes, &mut segments);
        }
        if !segments.len().is_multiple_of(2) {
            segments.push(0);
        }
    }
    let header = header.iter().flat_map(|number| number.to_le_bytes());
    header.chain(segments).collect()
}

/// Appends bytes in PackBits (section G.3.1): three or more equal ones as a run, others literally.
fn pack(mut bytes: &[u8], out: &mut Vec<u8>) {
    const MOST: usize = 128;
    let is_run = |rest: &[u8]| matches!(rest, [a, b, c, ..] if a == b && b == c);
    while let Some(&first) = bytes.first() {
        let length = if is_run(bytes) {
            let length = bytes.iter().take(MOST).take_while(|b| **b == first).count();
            out.extend([(1 - length as i16) as u8, first]);
            length
        } else {
            let until_run = (0..bytes.len()).find(|at| is_run(&bytes[*at..]));
            let length = until_run.unwrap_or(bytes.len()).min(MOST);
            out.push(length as u8 - 1);
            out.extend(&bytes[..length]);
            length
        };
        bytes = &bytes[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_coded_is_decoded() {
        let check = |bits_allocated: u32, samples: usize, word: fn(u32) -> u32| {
            let (rows, cols) = (3, 300);
            let layout = Layout {
                rows,
                cols,
                samples,
                bits_allocated,
                ..Layout::default()
            };
            let words: Vec<u32> = (0..(rows * cols * samples) as u32).map(word).collect();
            let coded = encode(&words, &layout);
            assert!(coded.len().is_multiple_of(2));
            assert_eq!(decode(&coded, &layout), Ok(words));
        };
        check(16, 1, |n| n.wrapping_mul(40_503) & 0xFFFF);
        check(16, 1, |_| 0x0102);
        check(16, 1, |n| n / 7);
        check(8, 1, |n| (n / 2) & 0xFF);
        check(8, 3, |n| (n / 5) & 0xFF);
        check(32, 1, |n| n.wrapping_mul(2_654_435_769));
    }
}
