//! RLE Lossless (DICOM PS3.5 annex G): one PackBits segment for each byte of each sample, the most
//! significant byte first.

use crate::header::Layout;

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

/// PackBits (PS3.5 section G.3.2) into bits `shift` and up of each word; `None` when the segment
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
        } else if control != i8::MIN {
            let value = u32::from(bytes.next()?) << shift;
            for word in words.by_ref().take(1 + usize::from(control.unsigned_abs())) {
                *word |= value;
            }
        }
    }
    Some(())
}
