//! Decoders of one compressed frame. Each one compares the size in the stream with the header's before
//! it allocates memory. Samples are returned as words, `[row, col, sample]`, without colour conversion.

mod huffman;
mod jpeg;
mod jpeg12;
#[cfg(feature = "jpeg2000")]
mod jpeg2000;
mod jpeg_ls;
mod rle;

pub(crate) use rle::encode as encode_rle;

use crate::layout::Layout;
use crate::syntax::Coding;

/// Decodes one frame.
pub(crate) fn decode(coding: Coding, data: &[u8], layout: &Layout) -> Result<Vec<u32>, String> {
    match coding {
        Coding::Rle => rle::decode(data, layout),
        Coding::Jpeg => jpeg::decode(data, layout),
        #[cfg(feature = "jpeg2000")]
        Coding::Jpeg2000 => jpeg2000::decode(data, layout),
        Coding::JpegLs => jpeg_ls::decode(data, layout),
        _ => Err("no decoder for this coding in this build".into()),
    }
}

/// Checks the rows, columns and samples in a stream against the header's.
fn check_size(layout: &Layout, rows: usize, cols: usize, samples: usize) -> Result<(), String> {
    if (rows, cols, samples) == (layout.rows, layout.cols, layout.samples) {
        return Ok(());
    }
    Err(format!(
        "expected {} × {} pixels of {} samples, found {rows} × {cols} of {samples} in the compressed stream",
        layout.rows, layout.cols, layout.samples
    ))
}
