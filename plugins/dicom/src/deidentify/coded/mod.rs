//! Copies a compressed frame with nothing but the image in it. Each format is walked segment by segment.
//! Segments that the image needs are kept, and an unknown one is an error, so that nothing unknown gets
//! into a copy.
//!
//! The coded image itself is not examined: the numbers of tables, and the bits of a scan or a tile.

mod jpeg;
mod jpeg2000;

use crate::syntax::Coding;

/// Copies the stream of a frame, or returns the reason why that is not possible.
pub(super) fn clean(coding: Coding, stream: &[u8]) -> Result<Vec<u8>, String> {
    match coding {
        Coding::Jpeg => jpeg::clean(stream, jpeg::Kind::Jpeg),
        Coding::JpegLs => jpeg::clean(stream, jpeg::Kind::JpegLs),
        Coding::Jpeg2000 => jpeg2000::clean(stream),
        Coding::Native | Coding::Rle => Err("it has no stream of its own".into()),
    }
}

/// Reads a 16-bit number at a position.
fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes).into())
}

/// Returns the contents of the segment whose length is at `at`, and the start of the next segment.
fn segment(stream: &[u8], at: usize) -> Result<(&[u8], usize), String> {
    let length = be16(stream, at).filter(|length| *length >= 2);
    let found = length.and_then(|length| Some((stream.get(at + 2..at + length)?, at + length)));
    found.ok_or_else(|| "a segment is longer than the stream".to_owned())
}

/// Appends a marker and its segment.
fn push(out: &mut Vec<u8>, marker: u8, segment: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend((segment.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(segment);
}
