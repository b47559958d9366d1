//! What is planted in pixel data is in no copy, and the image is the same.

use std::fs;
use std::path::{Path, PathBuf};

use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, open_file};
use pe_dicom::{Deidentified, decode_file};
use tempfile::TempDir;

use crate::written::{Ct, slice};
use crate::{copies, data, exams, files, keyed, places};

/// The word that is planted.
const WORD: &str = "ZARQUON";
const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const RLE: &str = "1.2.840.10008.1.2.5";

/// A file whose pixel data are these fragments.
fn write_coded(ct: &Ct, folder: &Path, name: &str, syntax: &str, fragments: Vec<Vec<u8>>) {
    let path = ct.write(folder, name);
    recode(&path, syntax, fragments);
}

fn recode(path: &Path, syntax: &str, fragments: Vec<Vec<u8>>) {
    let mut object = open_file(path).unwrap().into_inner();
    let value = PixelFragmentSequence::new_fragments(fragments);
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, value));
    let sop = object.element(tags::SOP_INSTANCE_UID).unwrap();
    let sop = sop.to_str().unwrap().into_owned();
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.2")
        .media_storage_sop_instance_uid(sop)
        .transfer_syntax(syntax)
        .build()
        .unwrap();
    object.with_exact_meta(meta).write_to_file(path).unwrap();
}

/// The copy of the only file of a folder, of the same image, without the word.
fn only_copy(folder: &Path) -> (TempDir, PathBuf) {
    assert!(!places(folder, WORD).is_empty(), "it was not planted");
    let (out, done) = copies(folder, &keyed());
    assert_eq!(done.n_skipped, 0, "{:?}", done.findings);
    assert_eq!(places(out.path(), WORD), Vec::<PathBuf>::new());
    let (original, copy) = (files(folder).remove(0), files(out.path()).remove(0));
    assert_eq!(decode_file(&original).unwrap(), decode_file(&copy).unwrap());
    assert_eq!(exams(folder), exams(out.path()));
    (out, copy)
}

fn left_out(folder: &Path, expected: &str) -> Deidentified {
    let (out, done) = copies(folder, &keyed());
    assert_eq!(files(out.path()), Vec::<PathBuf>::new());
    let finding = done.findings[0].to_string();
    assert!(
        finding.contains(expected),
        "expected {expected:?}, found {finding:?}"
    );
    done
}

/// The parts of a lossless JPEG of 4 × 6 pixels of one value, 2 to the power of 15: start of image,
/// start of frame, a Huffman table of one code, which means no difference, one for each pixel.
fn jpeg() -> [Vec<u8>; 4] {
    let table = [&b"\xFF\xC4\0\x14\0\x01"[..], &[0; 15], &[0]].concat();
    [
        b"\xFF\xD8".to_vec(),
        [&b"\xFF\xC3\0\x0B\x10\0\x04\0\x06\x01\x01\x11\0"[..], &table].concat(),
        b"\xFF\xDA\0\x08\x01\x01\0\x01\0\0\0\0\0".to_vec(),
        b"\xFF\xD9".to_vec(),
    ]
}

fn even(mut fragment: Vec<u8>) -> Vec<u8> {
    fragment.resize(fragment.len().next_multiple_of(2), 0);
    fragment
}

#[test]
fn a_jpeg_keeps_its_image_alone() {
    let [start, frame, scan, end] = jpeg();
    let check = |fragments: &[&[&[u8]]]| {
        let folder = tempfile::tempdir().unwrap();
        let fragments = fragments.iter().map(|parts| even(parts.concat()));
        let fragments = fragments.collect();
        write_coded(&slice(0), folder.path(), "a", JPEG_LOSSLESS, fragments);
        only_copy(folder.path());
    };
    let comment = b"\xFF\xFE\0\x09ZARQUON";
    let app0 = b"\xFF\xE0\0\x10ZARQUON_JANE_4";
    let jfif = b"\xFF\xE0\0\x1CJFIF\0\x01\x01\0\0\x01\0\x01\0\0ZARQUON_JANE";
    let padding = [0xFF];
    check(&[&[&start, comment, &frame, &scan, &end]]);
    check(&[&[&start, &padding, comment, &frame, &scan, &end]]);
    check(&[&[&start, app0, jfif, &frame, &scan, &end]]);
    check(&[&[&start, &frame, &scan, comment, &end]]);
    check(&[&[&start, &frame, &scan, &end, WORD.as_bytes()]]);
    check(&[&[&start, &frame, &scan, &end], &[WORD.as_bytes()]]);
    // A comment's head ends one fragment, of an even length, and its text begins the next.
    let (head, text) = comment.split_at(3);
    check(&[&[&start, &frame, head], &[text, &scan, &end]]);
    let (head, text) = comment.split_at(4);
    check(&[&[&start, &padding, &frame, head], &[text, &scan, &end]]);
}

#[test]
fn frames_keep_their_images_alone() {
    let [start, frame, scan, end] = jpeg();
    let folder = tempfile::tempdir().unwrap();
    let path = slice(0).write(folder.path(), "a");
    let mut object = open_file(&path).unwrap().into_inner();
    let mut put = |tag: Tag, vr, text: &str| {
        object.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
    };
    put(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    put(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\AXIAL");
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.2.1")
        .transfer_syntax("1.2.840.10008.1.2.1");
    object
        .with_meta(meta)
        .unwrap()
        .write_to_file(&path)
        .unwrap();
    let whole = even([&start[..], &frame, &scan, &end].concat());
    let tail = even([&b"\xFF\xFE\0\x09ZARQUON"[..], &scan, &end].concat());
    let parts = vec![
        whole,
        [start, frame, vec![0xFF]].concat(),
        tail,
        WORD.into(),
    ];
    let parts = parts.into_iter().map(even).collect();
    recode(&path, JPEG_LOSSLESS, parts);
    let (out, done) = copies(folder.path(), &keyed());
    assert_eq!(done.n_skipped, 0, "{:?}", done.findings);
    assert_eq!(places(out.path(), WORD), Vec::<PathBuf>::new());
    let copy = decode_file(&files(out.path())[0]).unwrap();
    assert_eq!(copy, decode_file(&path).unwrap());
    assert_eq!(copy.n_frames, 2);
}

#[test]
fn what_cannot_be_told_from_the_image_is_left_out() {
    let [start, frame, scan, end] = jpeg();
    let check = |ct: &Ct, parts: &[&[u8]], expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let fragments = vec![even(parts.concat())];
        write_coded(ct, folder.path(), "a", JPEG_LOSSLESS, fragments);
        left_out(folder.path(), expected);
    };
    let ct = slice(0);
    check(&ct, &[&start, &frame, &scan], "no end of image");
    check(
        &ct,
        &[&start, b"\xFF\xF0\0\x09ZARQUON", &frame, &scan, &end],
        "FFF0",
    );
    // The value of every pixel is the bit above those that are stored.
    let mut drawn = slice(0);
    drawn.bits_stored = 12;
    check(
        &drawn,
        &[&start, &frame, &scan, &end],
        "bits outside BitsStored",
    );
}

#[test]
fn an_rle_frame_is_coded_anew() {
    let mut frame = vec![0; 64];
    frame[0] = 2;
    frame[4] = 64;
    frame[8] = 76;
    // The high bytes: a run of 23, and one byte of eight that are there. Then what nothing needs.
    frame.extend([0xEA, 0x14, 7, 0x14]);
    frame.extend(b"ZARQUON_");
    // The low bytes: a run of 24.
    frame.extend([0xE9, 0x2A]);
    frame.extend(b"ZARQUON");
    let check = |bits_stored: u16| {
        let folder = tempfile::tempdir().unwrap();
        let mut ct = slice(0);
        ct.bits_stored = bits_stored;
        let fragments = vec![even(frame.clone()), WORD.into()];
        let fragments = fragments.into_iter().map(even).collect();
        write_coded(&ct, folder.path(), "a", RLE, fragments);
        let (_out, copy) = only_copy(folder.path());
        // The image of a copy whose BitsStored are all, so that every bit shows.
        let mut object = open_file(&copy).unwrap();
        for (tag, value) in [(tags::BITS_STORED, 16), (tags::HIGH_BIT, 15)] {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        }
        object.write_to_file(&copy).unwrap();
        decode_file(&copy).unwrap().values
    };
    assert_eq!(check(16), [0x142A; 24]);
    assert_eq!(check(12), [0x042A; 24]);
}

#[test]
fn overlays_in_unused_bits_are_gone() {
    let check = |signed: bool, padding: Option<u16>, drawn: &[u16], expected: &[u16]| {
        let folder = tempfile::tempdir().unwrap();
        let mut ct = slice(0);
        (ct.bits_stored, ct.signed) = (12, signed);
        ct.padding = padding.map(|value| (value, None));
        ct.words[..drawn.len()].copy_from_slice(drawn);
        ct.write(folder.path(), "a");
        let (out, _) = copies(folder.path(), &keyed());
        let copy = open_file(&files(out.path())[0]).unwrap();
        let pixels = copy.element(tags::PIXEL_DATA).unwrap().to_bytes().unwrap();
        let words: Vec<u16> = (pixels.as_chunks::<2>().0.iter())
            .map(|word| u16::from_le_bytes(*word))
            .collect();
        assert_eq!(words[..drawn.len()], *expected);
        assert_eq!(words[drawn.len()..], ct.words[drawn.len()..]);
        assert_eq!(exams(folder.path()), exams(out.path()));
    };
    check(false, None, &[0x13E8, 0xF3E8, 0x03E8], &[0x03E8; 3]);
    check(
        true,
        None,
        &[0x13E8, 0x1BE8, 0xFBE8],
        &[0x03E8, 0xFBE8, 0xFBE8],
    );
    // Padding of -2000, in a signed word and in one that is not.
    check(true, Some(0xF830), &[0xF830, 0x1830], &[0xF830, 0xF830]);
    check(false, Some(0xF830), &[0xF830, 0x1830], &[0xF830, 0x0830]);
}

/// Plants in the coded files of the data folder.
#[test]
fn real_coded_files_keep_their_image_alone() {
    let Some(root) = data::folder("odd") else {
        return;
    };
    let multi = "dicomParser/encapsulated/multi-frame/CT0012.fragmented_no_bot_jpeg";
    for (name, is_jpeg) in [
        (format!("{multi}_baseline.51.dcm"), true),
        (format!("{multi}_lossless.57.dcm"), true),
        (format!("{multi}_lossless.70.dcm"), true),
        (format!("{multi}_ls.80.dcm"), true),
        (format!("{multi}_ls.81.dcm"), true),
        #[cfg(feature = "jpeg2000")]
        ("pydicom/test_files/693_J2KI.dcm".into(), false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::copy(root.join(&name), &path).unwrap();
        let object = open_file(&path).unwrap();
        let syntax = object.meta().transfer_syntax().to_owned();
        let mut fragments: Vec<Vec<u8>> = object
            .element(tags::PIXEL_DATA)
            .unwrap()
            .fragments()
            .unwrap()
            .to_vec();
        // Behind the start of image; behind the size segment of one component.
        let (at, comment) = if is_jpeg {
            (2, &b"\xFF\xFF\xFE\0\x09ZARQUON"[..])
        } else {
            (45, &b"\xFF\x64\0\x0B\0\x01ZARQUON"[..])
        };
        fragments[0].splice(at..at, comment.iter().copied());
        fragments.last_mut().unwrap().extend(b"ZARQUON");
        let fragments = fragments.into_iter().map(even).collect();
        recode(&path, &syntax, fragments);
        assert!(
            !places(folder.path(), WORD).is_empty(),
            "it was not planted"
        );
        let (out, done) = copies(folder.path(), &keyed());
        assert_eq!(done.n_skipped, 0, "{name}: {:?}", done.findings);
        assert_eq!(places(out.path(), WORD), Vec::<PathBuf>::new(), "{name}");
        let before = decode_file(&root.join(&name)).unwrap();
        assert!(
            before == decode_file(&files(out.path())[0]).unwrap(),
            "{name}"
        );
    }
}

#[cfg(feature = "jpeg2000")]
#[test]
fn a_jp2_file_is_left_out() {
    let boxed = b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 \0\0\0\x0Fxml ZARQUON";
    let folder = tempfile::tempdir().unwrap();
    let fragments = vec![even(boxed.to_vec())];
    write_coded(
        &slice(0),
        folder.path(),
        "a",
        "1.2.840.10008.1.2.4.90",
        fragments,
    );
    let done = left_out(folder.path(), "whose boxes may hold text");
    assert_eq!(done.findings[0].kind, "unsupported");
}
