//! Cleans streams of JPEG (ISO 10918-1 annex B) and JPEG-LS (ISO 14495-1 annex C).

use super::{be16, push, segment};

/// The two formats. Their markers and their bit stuffing differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Jpeg,
    JpegLs,
}

use Kind::{Jpeg, JpegLs};

const START_OF_IMAGE: [u8; 2] = [0xFF, 0xD8];
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;

/// Copies the stream from start to end of image, without comments, application data, fill bytes and
/// anything after the end. Application data concern colours and printing, and a CT image has one
/// component.
pub(super) fn clean(stream: &[u8], kind: Kind) -> Result<Vec<u8>, String> {
    if !stream.starts_with(&START_OF_IMAGE) {
        return Err("the stream does not begin with a start of image".into());
    }
    let mut out = START_OF_IMAGE.to_vec();
    let mut pos = 2;
    loop {
        let (marker, after) = marker(stream, pos)?;
        if marker == END_OF_IMAGE {
            out.extend([0xFF, marker]);
            return Ok(out);
        }
        let (content, next) = segment(stream, after)?;
        pos = next;
        if !is_left_out(marker) {
            let is_exact = length_of(kind, marker, content)
                .ok_or_else(|| format!("it has a marker FF{marker:02X}, which is not known"))?
                .contains(&content.len());
            if !is_exact {
                return Err(format!(
                    "marker FF{marker:02X} has another length than its own"
                ));
            }
            push(&mut out, marker, content);
        }
        if marker == START_OF_SCAN {
            pos += scan(&stream[pos..], kind, &mut out)?;
        }
    }
}

/// Reads the marker at `pos`, after any number of fill bytes (section B.1.1.2); returns its end too.
fn marker(stream: &[u8], pos: usize) -> Result<(u8, usize), String> {
    let rest = stream.get(pos..).unwrap_or_default();
    let n_fill = rest.iter().take_while(|byte| **byte == 0xFF).count();
    match rest.get(n_fill) {
        Some(&marker) if n_fill > 0 => Ok((marker, pos + n_fill + 1)),
        Some(_) => Err("something lies between two segments".into()),
        None => Err("the stream has no end of image".into()),
    }
}

/// Returns whether a marker begins a comment or application data.
fn is_left_out(marker: u8) -> bool {
    matches!(marker, 0xE0..=0xEF | 0xFE)
}

/// The lengths that a segment may have, given its contents; `None` for an unknown marker.
fn length_of(kind: Kind, marker: u8, content: &[u8]) -> Option<std::ops::RangeInclusive<usize>> {
    let byte = |at: usize| content.get(at).copied().map_or(0, usize::from);
    let length = match (kind, marker) {
        // Start of frame: baseline, extended, progressive, lossless; that of JPEG-LS.
        (Jpeg, 0xC0..=0xC3) | (JpegLs, 0xF7) => 6 + 3 * byte(5),
        (Jpeg, 0xC4) => huffman_tables(content),
        (Jpeg, 0xDB) => quantization_tables(content),
        (_, START_OF_SCAN) => 4 + 2 * byte(0),
        // Number of lines, restart interval.
        (_, 0xDC) | (Jpeg, 0xDD) => 2,
        (JpegLs, 0xDD) => return Some(2..=4),
        // Preset coding parameters. Other kinds of this segment are colour tables or extensions.
        (JpegLs, 0xF8) if byte(0) == 1 => 11,
        _ => return None,
    };
    Some(length..=length)
}

/// The length of whole Huffman tables (section B.2.4.2), including a last one that is cut off.
fn huffman_tables(content: &[u8]) -> usize {
    let mut length = 0;
    while let Some(counts) = content.get(length + 1..length + 17) {
        length += 17 + counts.iter().copied().map(usize::from).sum::<usize>();
    }
    length
}

/// The length of whole quantization tables (section B.2.4.1), including a last one that is cut off.
fn quantization_tables(content: &[u8]) -> usize {
    let mut length = 0;
    while let Some(head) = content.get(length) {
        length += 1 + 64 * if head >> 4 == 0 { 1 } else { 2 };
    }
    length
}

/// Appends the coded data after a start of scan, with restart markers; returns the number of bytes read.
/// After 0xFF, JPEG stuffs a zero byte and JPEG-LS a zero bit.
fn scan(data: &[u8], kind: Kind, out: &mut Vec<u8>) -> Result<usize, String> {
    let mut pos = 0;
    while let Some(pair) = be16(data, pos) {
        let [first, second] = (pair as u16).to_be_bytes();
        let is_stuffed = match kind {
            Jpeg => second == 0,
            JpegLs => second < 0x80,
        };
        match (first, second) {
            (0xFF, 0xD0..=0xD7) => {
                out.extend([first, second]);
                pos += 2;
            }
            (0xFF, _) if is_stuffed => {
                out.extend([first, second]);
                pos += 2;
            }
            // A fill byte: the next 0xFF may begin the marker.
            (0xFF, 0xFF) => pos += 1,
            (0xFF, _) => return Ok(pos),
            _ => {
                out.push(first);
                pos += 1;
            }
        }
    }
    Err("the stream has no end of image".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"\xFF\xC3\0\x0B\x0C\0\x08\0\x08\x01\x01\x11\0";
    const SCAN: &[u8] = b"\xFF\xDA\0\x08\x01\x01\0\x01\0\0\x12\xFF\0\x34\xFF\xD0\x56";
    const END: &[u8] = b"\xFF\xD9";

    fn jpeg(parts: &[&[u8]]) -> Result<Vec<u8>, String> {
        clean(&[&START_OF_IMAGE, &parts.concat()[..]].concat(), Jpeg)
    }

    #[test]
    fn only_the_image_is_kept() {
        let plain = [&START_OF_IMAGE, FRAME, SCAN, END].concat();
        let check = |parts: &[&[u8]]| assert_eq!(jpeg(parts).as_ref(), Ok(&plain), "{parts:?}");
        let comment = b"\xFF\xFE\0\x09ZARQUON";
        let named: &[u8] = b"\xFF\xE0\0\x0CJFIF\0QX_JA";
        check(&[FRAME, SCAN, END]);
        check(&[comment, FRAME, SCAN, END]);
        check(&[b"\xFF\xFF", comment, b"\xFF\xFF\xFF", FRAME, SCAN, END]);
        check(&[named, FRAME, b"\xFF\xE1\0\x06ABCD\xFF\xEF\0\x02", SCAN, END]);
        check(&[FRAME, SCAN, comment, END]);
        check(&[FRAME, SCAN, b"\xFF\xFF", END, b"ZARQUON", comment, END]);
        let two_scans = [&START_OF_IMAGE, FRAME, SCAN, SCAN, END].concat();
        assert_eq!(jpeg(&[FRAME, SCAN, comment, SCAN, END]), Ok(two_scans));
    }

    #[test]
    fn what_is_not_known_gives_up() {
        let check = |parts: &[&[u8]], expected: &str| {
            let found = jpeg(parts).unwrap_err();
            assert!(
                found.contains(expected),
                "expected {expected:?}, found {found:?}"
            );
        };
        check(&[FRAME, SCAN], "no end of image");
        check(&[FRAME, SCAN, b"\xFF"], "no end of image");
        check(&[FRAME], "no end of image");
        check(&[b"ZARQUON", FRAME, SCAN, END], "between two segments");
        check(
            &[b"\xFF\xF0\0\x04QX", FRAME, SCAN, END],
            "FFF0, which is not known",
        );
        check(&[b"\xFF\xFE\xFF\xFFtail"], "longer than the stream");
        check(&[b"\xFF\xFE\0\0"], "longer than the stream");
        check(&[b"\xFF\xDB\0\x04QX", FRAME, SCAN, END], "another length");
        check(
            &[b"\xFF\xDD\0\x06\0\x01QX", FRAME, SCAN, END],
            "another length",
        );
        let longer: &[u8] = b"\xFF\xC3\0\x0D\x0C\0\x08\0\x08\x01\x01\x11\0QX";
        check(&[longer, SCAN, END], "another length");
        let table = [&b"\xFF\xC4\0\x16\0\x01"[..], &[0; 15], b"\x05QX"].concat();
        check(&[&table, FRAME, SCAN, END], "another length");
        assert!(clean(b"ZARQUON", Jpeg).is_err());
        assert!(clean(b"", JpegLs).is_err());
    }

    #[test]
    fn jpeg_ls_stuffs_a_bit() {
        let frame = b"\xFF\xF7\0\x0B\x08\0\x08\0\x08\x01\x01\x11\0";
        let scan = b"\xFF\xDA\0\x08\x01\x01\0\0\0\0\x12\xFF\x7F\x34\xFF\x00";
        let plain = [&START_OF_IMAGE[..], frame, scan, END].concat();
        let comment = b"\xFF\xFE\0\x04QX\xFF\xE8\0\x04QX";
        let stream = [
            &START_OF_IMAGE[..],
            frame,
            comment,
            scan,
            comment,
            END,
            b"QX",
        ]
        .concat();
        assert_eq!(clean(&stream, JpegLs), Ok(plain));
        let colours = b"\xFF\xF8\0\x06\x02\x01\x01Q";
        let stream = [&START_OF_IMAGE[..], frame, colours, scan, END].concat();
        assert!(clean(&stream, JpegLs).unwrap_err().contains("FFF8"));
    }
}
