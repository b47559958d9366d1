//! JPEG 2000 (ISO 15444-1) by `openjp2`.

use jpeg2k::Image;

use super::check_size;
use crate::header::Layout;

pub(super) fn decode(data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    let (rows, cols, samples) = size(data).ok_or("no SIZ segment in the JPEG 2000 stream")?;
    check_size(layout, rows, cols, samples)?;
    let image = Image::from_bytes(data).map_err(|_| "broken JPEG 2000 stream")?;
    let components = image.components();
    let n_pixels = layout.frame_pixels();
    if components.len() != layout.samples || components.iter().any(|c| c.data().len() != n_pixels) {
        return Err("the JPEG 2000 components differ in size".into());
    }
    let mut words = vec![0; layout.frame_samples()];
    for (sample, component) in components.iter().enumerate() {
        let pixels = words.iter_mut().skip(sample).step_by(layout.samples);
        for (word, &value) in pixels.zip(component.data()) {
            *word = value as u32;
        }
    }
    Ok(words)
}

/// Rows, columns and components of the SIZ segment (ISO 15444-1 section A.5.1), which follows the
/// start of the codestream; a JP2 file wraps that in boxes.
fn size(data: &[u8]) -> Option<(usize, usize, usize)> {
    const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
    let start = data.windows(4).position(|bytes| bytes == START)?;
    let number = |at: usize| {
        let bytes = data.get(start + at..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes) as usize)
    };
    let (right, bottom, left, top) = (number(8)?, number(12)?, number(16)?, number(20)?);
    let components = data.get(start + 40..)?.first_chunk::<2>()?;
    Some((
        bottom.checked_sub(top)?,
        right.checked_sub(left)?,
        u16::from_be_bytes(*components).into(),
    ))
}
