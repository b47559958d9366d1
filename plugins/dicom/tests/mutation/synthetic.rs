//! Small files that are there on every machine: one of each shape that a reader branches on.

use std::io::Write;

/// Names and bytes.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    let pixels: Vec<u8> = (0..64_u16).flat_map(u16::to_le_bytes).collect();
    let native = [header(), element(0x7FE0, 0x0010, b"OW", &pixels)].concat();
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    deflate.write_all(&native).unwrap();
    vec![
        ("synthetic/native", file("1.2.840.10008.1.2.1", &native)),
        (
            "synthetic/deflated",
            file("1.2.840.10008.1.2.1.99", &deflate.finish().unwrap()),
        ),
        (
            "synthetic/rle",
            file(
                "1.2.840.10008.1.2.5",
                &[header(), encapsulated(&rle())].concat(),
            ),
        ),
        (
            "synthetic/nested",
            file("1.2.840.10008.1.2.1", &[nested(), native].concat()),
        ),
    ]
}

fn file(syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(0x0002, 0x0010, b"UI", &even(syntax)));
    bytes.extend(data_set);
    bytes
}

fn even(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn element(group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = group.to_le_bytes().to_vec();
    bytes.extend(number.to_le_bytes());
    bytes.extend(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ") {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

/// A CT slice of 8 × 8 at 16 bits.
fn header() -> Vec<u8> {
    let text = |group, number, vr: &[u8; 2], text: &str| element(group, number, vr, &even(text));
    let word = |number, value: u16| element(0x0028, number, b"US", &value.to_le_bytes());
    [
        text(0x0008, 0x0016, b"UI", "1.2.840.10008.5.1.4.1.1.2"),
        text(0x0008, 0x0018, b"UI", "1.2.3.4"),
        text(0x0008, 0x0060, b"CS", "CT"),
        text(0x0018, 0x0050, b"DS", "1.25"),
        text(0x0020, 0x000D, b"UI", "1.2"),
        text(0x0020, 0x000E, b"UI", "1.2.3"),
        text(0x0020, 0x0032, b"DS", "0\\0\\0"),
        text(0x0020, 0x0037, b"DS", "1\\0\\0\\0\\1\\0"),
        word(0x0002, 1),
        text(0x0028, 0x0004, b"CS", "MONOCHROME2"),
        text(0x0028, 0x0008, b"IS", "1"),
        word(0x0010, 8),
        word(0x0011, 8),
        text(0x0028, 0x0030, b"DS", "0.7\\0.7"),
        word(0x0100, 16),
        word(0x0101, 16),
        word(0x0102, 15),
        word(0x0103, 0),
        text(0x0028, 0x1052, b"DS", "-1024"),
        text(0x0028, 0x1053, b"DS", "1"),
    ]
    .concat()
}

/// Sequences of undefined length, ten deep.
fn nested() -> Vec<u8> {
    let depth = 10;
    let mut bytes = Vec::new();
    for _ in 0..depth {
        bytes.extend(b"\x08\x00\x05\x00SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
    }
    for _ in 0..depth {
        bytes.extend(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
    }
    bytes
}

/// Two segments, the high bytes all zero and the low ones all seven: 64 samples.
fn rle() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 2;
    bytes[4] = 64;
    bytes[8] = 66;
    // −63 repeats the next byte 64 times.
    bytes.extend([0xC1, 0, 0xC1, 7]);
    bytes
}

fn encapsulated(frame: &[u8]) -> Vec<u8> {
    let mut bytes = b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0".to_vec();
    bytes.extend(b"\xFE\xFF\x00\xE0");
    bytes.extend((frame.len() as u32).to_le_bytes());
    bytes.extend(frame);
    bytes.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    bytes
}
