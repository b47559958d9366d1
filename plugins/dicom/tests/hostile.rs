//! Files made to take memory, the stack or the program down give an error.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

use std::fs;

use pe_dicom::{DicomError, FileFault, decode_file};

const PREFIX: &[u8] = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0";

fn fault(dataset: &[u8]) -> FileFault {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile");
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(PREFIX);
    bytes.extend(dataset);
    fs::write(&path, bytes).unwrap();
    match decode_file(&path) {
        Err(DicomError::File { fault, .. }) => fault,
        other => panic!("expected a fault of the file, found {other:?}"),
    }
}

fn check(dataset: &[u8], expected: &str) {
    let found = fault(dataset).to_string();
    assert!(
        found.contains(expected),
        "expected {expected:?}, found {found:?}"
    );
}

fn image(rows: u16, cols: u16, frames: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |element: u16, vr: &[u8; 2], value: &[u8]| {
        bytes.extend([0x28, 0]);
        bytes.extend(element.to_le_bytes());
        bytes.extend(vr);
        bytes.extend((value.len() as u16).to_le_bytes());
        bytes.extend(value);
    };
    put(0x0008, b"IS", frames.as_bytes());
    put(0x0010, b"US", &rows.to_le_bytes());
    put(0x0011, b"US", &cols.to_le_bytes());
    put(0x0100, b"US", &16_u16.to_le_bytes());
    bytes
}

#[test]
fn lengths_beyond_the_file_are_refused() {
    check(
        b"\x08\x00\x05\x00OB\0\0\xF0\xFF\xFF\xFF1234",
        "4294967280 bytes",
    );
    check(b"\x08\x00\x05\x00LO\xFF\xFF1234", "65535 bytes");
    let mut sequence = b"\x08\x00\x05\x00SQ\0\0\xFF\xFF\xFF\xFF".to_vec();
    sequence.extend(b"\xFE\xFF\x00\xE0\xF0\xFF\xFF\xFF");
    check(&sequence, "4294967280 bytes");
}

#[test]
fn deep_nesting_is_refused() {
    let mut nested = Vec::new();
    for _ in 0..100_000 {
        nested.extend(b"\x08\x00\x05\x00SQ\0\0\xFF\xFF\xFF\xFF");
        nested.extend(b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
    }
    check(&nested, "nested deeper than 64");
}

#[test]
fn sizes_beyond_the_caps_are_refused() {
    let pixels = b"\xE0\x7F\x10\x00OW\0\0\x04\0\0\x001234";
    let with_pixels = |mut header: Vec<u8>| {
        header.extend(pixels);
        header
    };
    check(&with_pixels(image(65_535, 65_535, "1 ")), "too large");
    check(&with_pixels(image(512, 512, "9999999999")), "too large");
    check(
        &with_pixels(image(512, 512, "1 ")),
        "expected 524288 bytes, found 4",
    );
    check(&with_pixels(image(2, 2, "-1")), "expected 8 bytes, found 4");
    check(&with_pixels(image(2, 2, "x ")), "NumberOfFrames");
    check(&image(2, 2, "1 "), "no pixel data");
}

#[test]
fn a_deflated_flood_is_cut_off() {
    // A stored zip bomb: 300 MB of zeros deflate to 300 kB.
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb");
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99");
    bytes.extend(encoder.finish().unwrap());
    fs::write(&path, bytes).unwrap();
    let error = decode_file(&path).unwrap_err().to_string();
    assert!(error.contains("too large"), "{error}");
}
