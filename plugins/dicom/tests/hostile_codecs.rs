//! Compressed streams that say more of themselves than the header does, and headers that say more
//! than the file holds, are refused before memory or time is spent on them.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

use std::fs::{self, File};

use pe_dicom::{DicomError, decode_file, in_memory};

const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const JPEG_EXTENDED: &str = "1.2.840.10008.1.2.4.51";
#[cfg(feature = "jpeg2000")]
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const RLE: &str = "1.2.840.10008.1.2.5";

/// An image of 16 × 16 pixels and `n_frames` frames with these fragments, after an offset table.
fn encapsulated(syntax: &str, n_frames: &str, table: &[u8], fragments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let mut put = |tag: [u8; 4], vr: &[u8; 2], value: &[u8]| {
        let n_bytes = value.len().next_multiple_of(2);
        bytes.extend(tag);
        bytes.extend(vr);
        bytes.extend((n_bytes as u16).to_le_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len() + n_bytes - value.len(), 0);
    };
    put([2, 0, 0x10, 0], b"UI", syntax.as_bytes());
    put([0x28, 0, 8, 0], b"IS", n_frames.as_bytes());
    put([0x28, 0, 0x10, 0], b"US", &[16, 0]);
    put([0x28, 0, 0x11, 0], b"US", &[16, 0]);
    put([0x28, 0, 0x00, 1], b"US", &[16, 0]);
    bytes.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF");
    for item in [&[table], fragments].concat() {
        bytes.extend(b"\xFE\xFF\x00\xE0");
        bytes.extend((item.len() as u32).to_le_bytes());
        bytes.extend(item);
    }
    bytes.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    bytes
}

fn check(bytes: &[u8], expected: &str) {
    let found = in_memory::decode(bytes).unwrap_err().to_string();
    assert!(
        found.contains(expected),
        "expected {expected:?}, found {found:?}"
    );
}

/// Start of image and a start of frame of this size and precision, one component.
fn jpeg(marker: u8, precision: u8, rows: u16, cols: u16) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, marker, 0, 11, precision];
    bytes.extend(rows.to_be_bytes());
    bytes.extend(cols.to_be_bytes());
    bytes.extend([1, 1, 0x11, 0]);
    bytes
}

#[test]
fn a_jpeg_larger_than_the_header_says_is_refused() {
    for (syntax, precision) in [(JPEG_BASELINE, 8), (JPEG_EXTENDED, 12)] {
        let stream = jpeg(0xC1, precision, 65_500, 65_500);
        check(
            &encapsulated(syntax, "1", &[], &[&stream]),
            "expected 16 × 16 pixels of 1 samples, found 65500 × 65500",
        );
    }
}

#[test]
fn a_second_larger_frame_in_a_jpeg_is_refused() {
    let mut stream = jpeg(0xC1, 12, 16, 16);
    stream.extend(&jpeg(0xC1, 12, 65_500, 65_500)[2..]);
    check(
        &encapsulated(JPEG_EXTENDED, "1", &[], &[&stream]),
        "found 65500 × 65500",
    );
    let mut stream = jpeg(0xC0, 8, 16, 16);
    stream.extend(&jpeg(0xC0, 8, 65_500, 65_500)[2..]);
    check(
        &encapsulated(JPEG_BASELINE, "1", &[], &[&stream]),
        "unsupported JPEG feature",
    );
}

#[test]
fn a_jpeg_of_endless_scans_is_refused() {
    // Each scan of a progressive stream visits every block, whether it has data or not.
    let mut stream = jpeg(0xC2, 8, 16, 16);
    for _ in 0..600_000 {
        stream.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0]);
    }
    check(
        &encapsulated(JPEG_BASELINE, "1", &[], &[&stream]),
        "expected at most 524288 scans, found 600000",
    );
}

/// Start of codestream and a SIZ segment.
#[cfg(feature = "jpeg2000")]
fn jpeg2000(rows: u32, cols: u32, tile: u32) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
    for number in [cols, rows, 0, 0, tile, tile, 0, 0] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend([0, 1, 15, 1, 1]);
    bytes
}

#[cfg(feature = "jpeg2000")]
#[test]
fn a_jpeg_2000_stream_that_asks_for_memory_is_refused() {
    let image = |stream: &[u8]| encapsulated(JPEG_2000, "1", &[], &[stream]);
    check(
        &image(&jpeg2000(1 << 31, 1 << 31, 1 << 31)),
        "expected 16 × 16 pixels of 1 samples, found 2147483648 × 2147483648",
    );
    check(
        &image(&jpeg2000(16, 16, 1)),
        "expected at most 2 tiles, found 256",
    );
    check(&image(&jpeg2000(16, 16, 0)), "no SIZ segment");
    check(&image(&jpeg2000(16, 16, 16)[..40]), "no SIZ segment");
}

#[cfg(feature = "jpeg2000")]
#[test]
fn a_second_codestream_does_not_hide_behind_the_first() {
    // In a JP2 file, a decoder looks for the box of the codestream; the size that is checked must be
    // the one that it decodes.
    let boxed = |kind: &[u8; 4], content: &[u8]| {
        let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(content);
        bytes
    };
    let stream = [
        boxed(b"jP  ", &[0x0D, 0x0A, 0x87, 0x0A]),
        boxed(b"ftyp", b"jp2 \0\0\0\0jp2 "),
        boxed(b"free", &jpeg2000(16, 16, 16)),
        boxed(b"jp2c", &jpeg2000(30_000, 30_000, 30_000)),
    ]
    .concat();
    check(
        &encapsulated(JPEG_2000, "1", &[], &[&stream]),
        "broken JPEG 2000 stream",
    );
}

#[test]
fn an_rle_frame_that_ends_early_is_refused() {
    let mut stream = vec![0; 64];
    stream[..12].copy_from_slice(b"\x02\0\0\0\x40\0\0\0\xF0\xFF\xFF\xFF");
    check(
        &encapsulated(RLE, "1", &[], &[&stream]),
        "lies outside the frame",
    );
    check(&encapsulated(RLE, "1", &[], &[&[0; 63]]), "needs 64 bytes");
}

#[test]
fn a_long_offset_table_and_many_fragments_are_matched_in_no_time() {
    // 50,000 frames times 500,000 fragments would be 25 billion comparisons.
    let table = [0xFF; 4 * 50_000];
    let fragments = vec![&[][..]; 500_000];
    check(
        &encapsulated(RLE, "50000", &table, &fragments),
        "expected 50000 frames, found 1 in 500000 fragments",
    );
}

#[test]
fn more_fragments_than_the_cap_are_refused() {
    let fragments = vec![&[][..]; (1 << 20) + 1];
    let bytes = encapsulated(RLE, "1", &[], &fragments);
    check(&bytes, "expected at most 1048576 fragments");
    let found = in_memory::scan(&bytes).unwrap_err().to_string();
    assert!(
        found.contains("expected at most 1048576 fragments"),
        "{found}"
    );
}

#[test]
fn facts_of_more_frames_than_the_cap_are_refused() {
    // An empty item has 8 bytes, and the facts of a frame some hundred.
    let n_items = 70_000_u32;
    let mut bytes = b"\x00\x52\x30\x92SQ\0\0".to_vec();
    bytes.extend((8 * n_items).to_le_bytes());
    for _ in 0..n_items {
        bytes.extend(b"\xFE\xFF\x00\xE0\0\0\0\0");
    }
    let mut file = vec![0; 128];
    file.extend(b"DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0");
    file.extend(bytes);
    check(&file, "expected at most 65536 frames, found facts of 70000");
}

#[test]
fn an_exam_that_its_file_is_too_small_for_is_refused() {
    // 63 frames of 4096 × 4096 are 2 GB in HU; no coding makes them of 2 kB.
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    let mut put = |tag: [u8; 4], vr: &[u8; 2], value: &[u8]| {
        file.extend(tag);
        file.extend(vr);
        file.extend((value.len() as u16).to_le_bytes());
        file.extend(value);
    };
    put([2, 0, 0x10, 0], b"UI", b"1.2.840.10008.1.2.5\0");
    put([8, 0, 0x60, 0], b"CS", b"CT");
    put([0x18, 0, 0x50, 0], b"DS", b"1 ");
    put([0x20, 0, 0x0D, 0], b"UI", b"1.2\0");
    put([0x20, 0, 0x0E, 0], b"UI", b"1.2.3\0");
    put([0x28, 0, 8, 0], b"IS", b"63");
    put([0x28, 0, 0x10, 0], b"US", &[0, 16]);
    put([0x28, 0, 0x11, 0], b"US", &[0, 16]);
    put([0x28, 0, 0x30, 0], b"DS", b"1\\1 ");
    put([0x28, 0, 0x00, 1], b"US", &[16, 0]);
    // Each frame says where it lies.
    let mut items = Vec::new();
    for frame in 0..63 {
        let position = format!("0\\0\\{frame:02} ");
        let mut attribute = b"\x20\0\x32\0DS".to_vec();
        attribute.extend((position.len() as u16).to_le_bytes());
        attribute.extend(position.as_bytes());
        let wrap = |content: &[u8]| {
            let mut bytes = b"\xFE\xFF\x00\xE0".to_vec();
            bytes.extend((content.len() as u32).to_le_bytes());
            bytes.extend(content);
            bytes
        };
        let inner = wrap(&attribute);
        let mut group = b"\x20\0\x13\x91SQ\0\0".to_vec();
        group.extend((inner.len() as u32).to_le_bytes());
        group.extend(inner);
        items.extend(wrap(&group));
    }
    file.extend(b"\x00\x52\x30\x92SQ\0\0");
    file.extend((items.len() as u32).to_le_bytes());
    file.extend(items);
    file.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0");
    file.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    let found = in_memory::load(&file).unwrap_err();
    assert!(
        matches!(
            &found,
            in_memory::Refused::Error(DicomError::ExamSize { .. })
        ),
        "{found:?}"
    );
}

#[test]
fn a_file_beyond_the_cap_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse");
    // The file takes no room: nothing is written to it.
    File::create(&path).unwrap().set_len(3 << 30).unwrap();
    let found = decode_file(&path).unwrap_err().to_string();
    assert!(found.contains("too large"), "{found}");
    fs::remove_file(path).unwrap();
}
