//! JPEG-LS (ISO 14495-1) by CharLS.

use charls::CharLS;

use super::check_size;
use super::jpeg::start_of_frame;
use crate::layout::Layout;

pub(super) fn decode(data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    let start = start_of_frame(data).ok_or("no start of frame in the JPEG-LS stream")?;
    check_size(layout, start.rows, start.cols, start.components)?;
    let bytes = CharLS::default()
        .decode(data)
        .map_err(|_| "broken JPEG-LS stream")?;
    let words: Vec<u32> = if start.precision > 8 {
        let words = bytes.as_chunks::<2>().0.iter();
        words
            .map(|word| u32::from(u16::from_ne_bytes(*word)))
            .collect()
    } else {
        bytes.into_iter().map(u32::from).collect()
    };
    Ok(words)
}
