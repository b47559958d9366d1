//! Pixel data as they are coded, without what a coded stream may hold beside the image.

use crate::FileFault;
use crate::frame;
use crate::header::Pixels;
use crate::source::Source;
use crate::syntax::Coding;

use super::encode::Value;

/// The pixel data of a file that was checked, bit for bit, but nothing beyond the image: bytes after
/// the last frame, an offset table that is none, and comments in coded streams.
pub(crate) fn of(source: &Source) -> Result<Value, FileFault> {
    let no_pixels = || FileFault::NoImage("it has no pixel data".into());
    let pixels = source.header.pixels.as_ref().ok_or_else(no_pixels)?;
    match pixels.declared {
        Some(declared) => native(source, pixels, declared),
        None => fragments(source, pixels),
    }
}

fn native(source: &Source, pixels: &Pixels, declared: usize) -> Result<Value, FileFault> {
    let expected = source.header.layout.native_bytes();
    let found = declared.min(pixels.available) as u64;
    let length = expected.next_multiple_of(2).min(found);
    let bytes = source
        .bytes()
        .get(pixels.start..pixels.start + length as usize);
    let bytes = bytes.ok_or(FileFault::Truncated { expected, found })?;
    let vr = if pixels.in_words { *b"OW" } else { *b"OB" };
    let mut bytes = bytes.to_vec();
    // The byte that makes an odd length even is no sample. A big-endian file swaps it with one.
    if expected < length && !source.syntax.encoding.big_endian {
        bytes[expected as usize] = 0;
    }
    Ok(Value::Long(vr, bytes))
}

fn fragments(source: &Source, pixels: &Pixels) -> Result<Value, FileFault> {
    let coding = source.syntax.decoded_coding()?;
    let bytes = source.bytes();
    let items = frame::items(bytes, pixels.start)?;
    let Some((table, coded)) = items.split_first() else {
        return Err(FileFault::Pixels("it has no fragments".into()));
    };
    let first_item = coded.first().map_or(0, |range| range.start - 8);
    let starts: Vec<usize> = coded.iter().map(|r| r.start - 8 - first_item).collect();
    let (offsets, rest) = bytes[table.clone()].as_chunks::<4>();
    let is_table = rest.is_empty()
        && (offsets.iter()).all(|o| starts.contains(&(u32::from_le_bytes(*o) as usize)));
    let mut out = vec![if is_table {
        bytes[table.clone()].to_vec()
    } else {
        Vec::new()
    }];
    for range in coded {
        let mut fragment = bytes[range.clone()].to_vec();
        blank_comments(&mut fragment, coding);
        out.push(fragment);
    }
    Ok(Value::Fragments(out))
}

/// Blanks the comments and applications' data of a stream that begins in this fragment, in their
/// place: no length and no coded sample changes.
fn blank_comments(stream: &mut [u8], coding: Coding) {
    let is_jpeg2000 = match (coding, stream.first_chunk::<2>()) {
        (Coding::Jpeg | Coding::JpegLs, Some([0xFF, 0xD8])) => false,
        (Coding::Jpeg2000, Some([0xFF, 0x4F])) => true,
        _ => return,
    };
    let mut pos = 2;
    while let Some(&[0xFF, marker, l0, l1]) =
        stream.get(pos..).and_then(|rest| rest.first_chunk::<4>())
    {
        let kept = match (is_jpeg2000, marker) {
            // The coded samples begin: start of scan, start of a tile's part.
            (false, 0xDA) | (true, 0x90) => return,
            // A comment's first word says whether it is text.
            (true, 0x64) => Some(2),
            // JFIF's and Adobe's own words are part of how the image is read.
            (false, 0xE0) => Some(14),
            (false, 0xEE) => Some(12),
            (false, 0xE1..=0xED | 0xEF | 0xFE) => Some(0),
            _ => None,
        };
        let end = pos + 2 + usize::from(u16::from_be_bytes([l0, l1])).max(2);
        if let Some(kept) = kept {
            let end = end.min(stream.len());
            stream[(pos + 4 + kept).min(end)..end].fill(0);
        }
        pos = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_coded_streams_are_blanked_in_their_place() {
        let check = |coding: Coding, before: &[u8], expected: &[u8]| {
            let mut found = before.to_vec();
            blank_comments(&mut found, coding);
            assert_eq!(found, expected);
        };
        check(
            Coding::Jpeg,
            b"\xFF\xD8\xFF\xFE\x00\x06JANE\xFF\xE1\x00\x04OE\xFF\xDB\x00\x04QT\xFF\xDA\x00\x04SS\xFF\xFE\x00\x04xx",
            b"\xFF\xD8\xFF\xFE\x00\x06\0\0\0\0\xFF\xE1\x00\x04\0\0\xFF\xDB\x00\x04QT\xFF\xDA\x00\x04SS\xFF\xFE\x00\x04xx",
        );
        check(
            Coding::Jpeg,
            b"\xFF\xD8\xFF\xE0\x00\x12JFIF\0\x01\x01\0\0\x01\0\x01\0\0DE\xFF\xFE\xFF\xFFtail",
            b"\xFF\xD8\xFF\xE0\x00\x12JFIF\0\x01\x01\0\0\x01\0\x01\0\0\0\0\xFF\xFE\xFF\xFF\0\0\0\0",
        );
        check(
            Coding::Jpeg2000,
            b"\xFF\x4F\xFF\x64\x00\x08\0\x01JANE\xFF\x90\x00\x0AJANE",
            b"\xFF\x4F\xFF\x64\x00\x08\0\x01\0\0\0\0\xFF\x90\x00\x0AJANE",
        );
        check(
            Coding::Rle,
            b"\xFF\xD8\xFF\xFE\x00\x04ab",
            b"\xFF\xD8\xFF\xFE\x00\x04ab",
        );
    }
}
