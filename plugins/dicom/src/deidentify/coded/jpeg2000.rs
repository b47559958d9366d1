//! Cleans JPEG 2000 codestreams (ISO 15444-1 annex A).

use super::{be16, push, segment};

/// Start of codestream and the size segment, which follows at once (section A.4.1).
const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
const SIZE: u8 = 0x51;
const START_OF_TILE: u8 = 0x90;
const START_OF_DATA: u8 = 0x93;
const END: u8 = 0xD9;
/// Length of a start-of-tile-part segment with its marker, and offset of the tile-part's length in it.
const TILE_BYTES: usize = 12;
const TILE_LENGTH: usize = 6;

/// Copies the codestream without comments and lists of lengths. The lists only help to read a stream out
/// of order, and would be wrong in the copy.
pub(super) fn clean(stream: &[u8]) -> Result<Vec<u8>, String> {
    if !stream.starts_with(&START) {
        return Err("the JPEG 2000 codestream lies in something, such as a JP2 file, whose boxes may hold text".into());
    }
    let mut out = stream[..2].to_vec();
    let mut pos = header(stream, 2, START_OF_TILE, &mut out)?;
    loop {
        match stream.get(pos..pos + 2) {
            Some(&[0xFF, START_OF_TILE]) => pos = tile_part(stream, pos, &mut out)?,
            Some(&[0xFF, END]) => break,
            // Some encoders omit the end marker. A zero byte may follow, to make the length even.
            None if stream[pos..].iter().all(|byte| *byte == 0) => break,
            _ => return Err("something else than a tile follows a tile".into()),
        }
    }
    out.extend([0xFF, END]);
    Ok(out)
}

/// Appends the segments from `pos` up to the marker `end`; returns the position of that marker.
fn header(stream: &[u8], mut pos: usize, end: u8, out: &mut Vec<u8>) -> Result<usize, String> {
    loop {
        let marker = match stream.get(pos..pos + 2) {
            Some(&[0xFF, marker]) => marker,
            Some(_) => return Err("something lies between two segments".into()),
            None => return Err("a header has no end".into()),
        };
        if marker == end {
            return Ok(pos);
        }
        let (content, next) = segment(stream, pos + 2)?;
        pos = next;
        let most = match marker {
            // Comment; lengths of tile-parts and packets; registration of components.
            0x64 | 0x55 | 0x57 | 0x58 | 0x63 => continue,
            SIZE => 36 + 3 * be16(content, 34).unwrap_or(0),
            // Coding style and quantization, for all components and for one, with at most 33
            // resolutions; region of interest; changes of order.
            0x52 => 10 + 33,
            0x53 => 9 + 33,
            0x5C => 1 + 2 * 97,
            0x5D => 3 + 2 * 97,
            0x5E => 4,
            0x5F => 9 * 32,
            // Packet headers are coded data.
            0x60 | 0x61 => usize::MAX,
            _ => {
                return Err(format!(
                    "it has a marker FF{marker:02X}, which is not known"
                ));
            }
        };
        if content.len() > most {
            return Err(format!("marker FF{marker:02X} is longer than it can be"));
        }
        push(out, marker, content);
    }
}

/// Appends a tile-part with its new length; returns its end in the old stream.
fn tile_part(stream: &[u8], start: usize, out: &mut Vec<u8>) -> Result<usize, String> {
    let cut_off = || "a tile ends beyond the stream".to_owned();
    let head = stream.get(start..start + TILE_BYTES).ok_or_else(cut_off)?;
    if be16(head, 2) != Some(10) {
        return Err("a tile's head has another length than its own".into());
    }
    let new_start = out.len();
    out.extend_from_slice(head);
    let length = be16(head, TILE_LENGTH).zip(be16(head, TILE_LENGTH + 2));
    let length = length.map_or(0, |(high, low)| high << 16 | low);
    let data = header(stream, start + TILE_BYTES, START_OF_DATA, out)?;
    let end = match length {
        // To the end of the stream: coded data hold no marker from 0xFF90 up (section B.10.1).
        0 => {
            data + stream[data..]
                .windows(2)
                .position(|two| two == [0xFF, END])
                .ok_or_else(cut_off)?
        }
        _ => start + length,
    };
    out.extend_from_slice(stream.get(data..end).ok_or_else(cut_off)?);
    let new_length = (out.len() - new_start) as u32;
    out[new_start + TILE_LENGTH..][..4].copy_from_slice(&new_length.to_be_bytes());
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMENT: &[u8] = b"\xFF\x64\0\x0B\0\x01ZARQUON";

    /// A size segment of one component.
    fn size() -> Vec<u8> {
        [&b"\xFF\x51\0\x29"[..], &[0; 34], b"\0\x01\x0F\x01\x01"].concat()
    }

    fn tile(length: u32, header: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\xFF\x90\0\x0A\0\0".to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend([0, 1]);
        [&bytes, header, b"\xFF\x93", data].concat()
    }

    fn stream(parts: &[&[u8]]) -> Vec<u8> {
        [&b"\xFF\x4F"[..], &size(), &parts.concat()].concat()
    }

    #[test]
    fn only_the_image_is_kept() {
        let plain = stream(&[
            &tile(18, b"", b"data"),
            &tile(18, b"", b"more"),
            b"\xFF\xD9",
        ]);
        let check = |parts: &[&[u8]]| {
            assert_eq!(clean(&stream(parts)).as_ref(), Ok(&plain), "{parts:?}");
        };
        let (one, two) = (tile(18, b"", b"data"), tile(18, b"", b"more"));
        check(&[&one, &two, b"\xFF\xD9"]);
        check(&[&one, &two]);
        check(&[&one, &two, b"\0"]);
        check(&[COMMENT, &one, &two, b"\xFF\xD9ZARQUON"]);
        check(&[b"\xFF\x55\0\x04QX", &one, &two, b"\xFF\xD9"]);
        check(&[&tile(31, COMMENT, b"data"), &two, b"\xFF\xD9"]);
        check(&[
            &one,
            &tile(0, b"\xFF\x58\0\x04QX", b"more"),
            b"\xFF\xD9",
            COMMENT,
        ]);
    }

    #[test]
    fn what_is_not_known_gives_up() {
        let check = |bytes: &[u8], expected: &str| {
            let found = clean(bytes).unwrap_err();
            assert!(
                found.contains(expected),
                "expected {expected:?}, found {found:?}"
            );
        };
        let one = tile(18, b"", b"data");
        check(
            &[b"\0\0\0\x0CjP  \r\n\x87\n", &stream(&[&one])[..]].concat(),
            "JP2 file",
        );
        check(b"", "JP2 file");
        check(&stream(&[]), "no end");
        check(&stream(&[COMMENT]), "no end");
        check(&stream(&[b"ZARQUON", &one]), "between two segments");
        check(
            &stream(&[b"\xFF\x7A\0\x04QX", &one]),
            "FF7A, which is not known",
        );
        check(&stream(&[&one, b"ZARQUON"]), "follows a tile");
        check(&stream(&[&one, b"Q"]), "follows a tile");
        check(&stream(&[&tile(19, b"", b"data")]), "beyond the stream");
        check(&stream(&[&tile(4, b"", b"data")]), "beyond the stream");
        check(&stream(&[&tile(0, b"", b"data")]), "beyond the stream");
        check(
            &stream(&[&tile(18, b"\xFF\x52\xFF\xFF", b"data")]),
            "longer than the stream",
        );
        let long = [&b"\xFF\x5E\0\x08"[..], b"ZARQUO"].concat();
        check(&stream(&[&long, &one]), "longer than it can be");
        let size = [
            &b"\xFF\x4F\xFF\x51\0\x2B"[..],
            &[0; 34],
            b"\0\x01\x0F\x01\x01QX",
        ]
        .concat();
        check(&[&size, &one[..]].concat(), "longer than it can be");
    }
}
