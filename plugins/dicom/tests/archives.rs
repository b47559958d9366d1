//! Archives in a folder's place, read where they lie; and those that say what is not so.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod packed;
mod written;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packed::{Entry, gzip, tar, tar_entry, tar_header, zip};
use pe_binding::Work;
use pe_ct::Scan;
use pe_dicom::{DeidentifyOptions, ScanOptions, deidentify, scan};
use pe_files::{Faults, Files};
use written::{Ct, slice};

const TABLE: &str = "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image\n\
    1.2,1.2.3,1.2.3.1,0\n1.2,1.2.3,1.2.3.2,1\n1.2,1.2.3,1.2.3.3,0\n";

/// The files of an exam, by name, and a label table.
fn data() -> Vec<(String, Vec<u8>)> {
    let scratch = tempfile::tempdir().unwrap();
    let write = |n: u16| {
        let words = (0..64 * 64).map(|at| 900 + n + at % 5).collect();
        let ct = Ct {
            rows: 64,
            cols: 64,
            words,
            ..slice(n)
        };
        let path = ct.write(scratch.path(), &n.to_string());
        (format!("train/1.2/{n}.dcm"), fs::read(path).unwrap())
    };
    let mut files: Vec<_> = (0..3).map(write).collect();
    files.push(("train.csv".into(), TABLE.into()));
    files.push(("readme".into(), b"no DICOM file".to_vec()));
    files
}

fn zipped(pack: fn(&str, &[u8]) -> Entry) -> Vec<Entry> {
    let files = data();
    files
        .iter()
        .map(|(name, bytes)| pack(name, bytes))
        .collect()
}

fn tarred() -> Vec<Vec<u8>> {
    let files = data();
    files
        .iter()
        .map(|(name, bytes)| tar_entry(name, b'0', bytes))
        .collect()
}

fn scanned(root: &Path) -> Scan {
    scan(root, &ScanOptions::default(), &Work::silent()).unwrap()
}

/// What a scan tells and loads, without paths and times.
fn told(found: &Scan) -> String {
    let mut told = String::new();
    for exam in &found.exams {
        let mut info = (*exam.info).clone();
        info.inputs_key.clear();
        let hu = exam.load(&Work::silent()).unwrap();
        told += &format!("{info:?} {:?} {:?}\n", exam.header(), hu.hu_range());
    }
    let kinds: Vec<_> = found.findings.iter().map(|it| it.kind).collect();
    format!(
        "{told}{} {kinds:?} {:?}",
        found.n_files,
        found.labels.as_ref().map(|it| it.n_rows)
    )
}

/// Writes an archive, alone in a folder.
fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn unpacked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in data() {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

#[test]
fn an_archive_is_the_folder_that_it_was_made_of() {
    let expected = told(&scanned(unpacked().path()));
    assert!(expected.contains("Some(true)"), "{expected}");
    let check = |name: &str, bytes: &[u8]| {
        let (folder, path) = written(name, bytes);
        assert_eq!(told(&scanned(&path)), expected, "{name}");
        assert_eq!(
            told(&scanned(folder.path())),
            expected,
            "a folder that holds {name}"
        );
    };
    check("a.zip", &zip(&zipped(Entry::stored), false));
    check("a.zip", &zip(&zipped(Entry::deflated), false));
    check("a.ZIP", &zip(&zipped(Entry::deflated), true));
    check("a.tar", &tar(&tarred()));
    check("a.tar.gz", &gzip(&tar(&tarred())));
    let whole = tar(&tarred());
    let (head, tail) = whole.split_at(10_000);
    check("a.tgz", &[gzip(head), gzip(tail), vec![0; 99]].concat());
    // A root is told by its content.
    let (_folder, path) = written("archive", &zip(&zipped(Entry::deflated), false));
    assert_eq!(told(&scanned(&path)), expected);
}

#[test]
fn a_folder_of_archives_and_files_is_one_data_set() {
    let expected = told(&scanned(unpacked().path()));
    let folder = tempfile::tempdir().unwrap();
    let entries = zipped(Entry::deflated);
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("one.zip", &zip(&entries[..1], false));
    put("two.tar", &tar(&tarred()[1..2]));
    put("three.dcm", &data()[2].1);
    put("train.csv.zip", &zip(&entries[3..4], false));
    put("readme.zip", b"no archive");
    assert_eq!(told(&scanned(folder.path())), expected);
}

#[test]
fn a_label_table_in_an_archive_can_be_named() {
    let mut entries = zipped(Entry::deflated);
    entries[3].name = b"tables/labels.csv".to_vec();
    let (_folder, path) = written("a.zip", &zip(&entries, false));
    let options = ScanOptions {
        labels: Some(path.join("tables/labels.csv")),
        ..ScanOptions::default()
    };
    let found = scan(&path, &options, &Work::silent()).unwrap();
    assert_eq!(told(&found), told(&scanned(unpacked().path())));
}

#[test]
fn long_names_of_tar_files_are_read() {
    let expected = told(&scanned(unpacked().path()));
    let long = "a".repeat(200);
    let mut entries = tarred();
    let gnu = tar_entry("././@LongLink", b'L', format!("{long}/0.dcm\0").as_bytes());
    entries[0] = [gnu, entries[0].clone()].concat();
    let record = format!("218 path={long}/1.dcm\n");
    assert_eq!(record.len(), 218 - 2);
    let record = record.replacen("218", "216", 1);
    entries[1] = [
        tar_entry("pax", b'x', record.as_bytes()),
        entries[1].clone(),
    ]
    .concat();
    entries.push(tar_entry("folder/", b'5', b""));
    entries.push(tar_entry("link", b'2', b""));
    let (_folder, path) = written("a.tar", &tar(&entries));
    let found = scanned(&path);
    assert_eq!(told(&found), expected);
    let files: Vec<_> = found.exams[0].files();
    assert_eq!(files[0], path.join(&long).join("0.dcm"));
    assert_eq!(files[1], path.join(&long).join("1.dcm"));
}

#[test]
fn copies_are_made_of_an_archive_too() {
    let (_folder, path) = written("a.zip", &zip(&zipped(Entry::deflated), false));
    let out = tempfile::tempdir().unwrap();
    let options = DeidentifyOptions::default();
    let done = deidentify(&path, &out.path().join("out"), &options, &Work::silent()).unwrap();
    assert_eq!(
        (done.n_files, done.n_skipped, done.n_label_rows),
        (4, 1, Some(3))
    );
}

#[test]
fn a_second_scan_opens_the_archive_and_no_more() {
    let (folder, path) = written("a.zip", &zip(&zipped(Entry::deflated), false));
    let options = ScanOptions {
        index: Some(folder.path().join("store")),
        ..ScanOptions::default()
    };
    let time = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let expected = told(&scanned(&path));
    for (n_opened, is_first) in [(1, true), (2, false)] {
        let faults = Arc::new(Faults::none());
        let files = Files::free().with_faults(Arc::clone(&faults));
        let found = scan(&path, &options, &Work::silent().with_files(files)).unwrap();
        assert_eq!(
            (told(&found), faults.n_opened()),
            (expected.clone(), n_opened),
            "{is_first}"
        );
    }
}

#[test]
fn an_archive_that_changed_since_the_scan_is_an_error() {
    let bytes = zip(&zipped(Entry::stored), false);
    let (_folder, path) = written("a.zip", &bytes);
    let found = scanned(&path);
    fs::write(&path, [&bytes[..], b"more"].concat()).unwrap();
    let error = found.exams[0]
        .load(&Work::silent())
        .unwrap_err()
        .to_string();
    assert!(error.contains("changed since it was scanned"), "{error}");
}

/// Scans a zip file of the data in which one entry is changed, and looks for a finding about it;
/// the others are used.
fn check_lie(change: impl Fn(&mut Entry), expected: &str) {
    for pack in [Entry::stored, Entry::deflated] {
        let mut entries = zipped(pack);
        change(&mut entries[1]);
        let (_folder, path) = written("a.zip", &zip(&entries, true));
        let found = scanned(&path);
        let exam = &found.exams[0];
        let reasons: Vec<String> = match exam.n_slices() {
            // What only its reading shows is told by loading.
            3 => vec![exam.load(&Work::silent()).unwrap_err().to_string()],
            _ => found.findings.iter().map(ToString::to_string).collect(),
        };
        assert!(exam.n_slices() >= 2);
        assert!(
            reasons.iter().any(|reason| reason.contains(expected)),
            "expected {expected:?}, found {reasons:#?}"
        );
    }
}

#[test]
fn what_cannot_be_read_of_an_archive_is_told() {
    let named = |name: &str, expected: &str| {
        let name = name.as_bytes().to_vec();
        check_lie(|entry| entry.name.clone_from(&name), expected);
    };
    let outside = "the name of a file in it leads out of it";
    named("../../etc/passwd", outside);
    named("train/../../x.dcm", outside);
    named("/etc/passwd", outside);
    named("a\\..\\b", outside);
    named("a\0b", outside);
    named("", outside);
    named("train/inner.zip", "an archive within an archive");
    named("inner.tar.gz", "an archive within an archive");
    check_lie(|entry| entry.flags |= 1, "an encrypted file of an archive");
    check_lie(
        |entry| entry.method = 93,
        "compression method 93 of a zip file",
    );
    check_lie(|entry| entry.crc ^= 1, "not those that were packed");
}

#[test]
fn sizes_that_are_not_so_are_told() {
    check_lie(|entry| entry.n_packed = 1 << 40, "1099511627776 bytes from");
    check_lie(
        |entry| entry.n_packed = u64::MAX,
        "18446744073709551615 bytes from",
    );
    check_lie(|entry| entry.n_bytes = 1 << 50, "1125899906842624");
    let deflated = |change: fn(&mut Entry), expected: &str| {
        let mut entries = zipped(Entry::deflated);
        change(&mut entries[1]);
        let (_folder, path) = written("a.zip", &zip(&entries, false));
        let found = scanned(&path);
        let place = path.join("train/1.2/1.dcm");
        let mut about = found.findings.iter().filter(|it| it.path == place);
        assert!(
            about.any(|it| it.reason.contains(expected)),
            "{:#?}",
            found.findings
        );
        assert_eq!(found.exams[0].n_slices(), 2);
    };
    deflated(|entry| entry.n_bytes += 2, "bytes of it, and holds");
    deflated(|entry| entry.n_bytes -= 2, "holds more");
    deflated(|entry| entry.packed.truncate(99), "cannot read");
}

/// A file of zeros that unpacks to far more than is there.
#[test]
fn a_bomb_costs_nothing() {
    let head = &data()[0].1;
    let mut bytes = head[..head.len() - 64 * 64 * 2].to_vec();
    bytes.resize(160 << 20, 0);
    let entries = [
        Entry::deflated("bomb.dcm", &bytes),
        Entry::deflated("good.dcm", head),
    ];
    let (_folder, path) = written("a.zip", &zip(&entries, false));
    let found = scanned(&path);
    let reasons: Vec<_> = found.findings.iter().map(ToString::to_string).collect();
    assert!(
        reasons[0].contains("too large: the archive says 167772160 bytes"),
        "{reasons:?}"
    );
    assert_eq!(found.exams.len(), 1);
}

#[test]
fn broken_tar_files_are_told_and_what_lies_before_is_used() {
    let check = |bytes: &[u8], n_slices: usize, expected: &str| {
        let (_folder, path) = written("a.tar", bytes);
        let found = scanned(&path);
        assert_eq!(found.exams[0].n_slices(), n_slices, "{expected}");
        let reasons: Vec<_> = found.findings.iter().map(ToString::to_string).collect();
        let is_told = reasons.iter().any(|reason| reason.contains(expected));
        assert!(is_told, "expected {expected:?}, found {reasons:#?}");
    };
    let entries = tarred();
    let whole = entries.concat();
    check(&whole, 3, "without the mark of its end");
    let mut broken = tar(&entries);
    broken[entries[0].len() + 100] ^= 1;
    check(&broken, 1, "no header of a file at byte");
    let with = |entry: Vec<u8>| tar(&[entries[0].clone(), entry, entries[1].clone()]);
    let far = tar_header("x", b'0', 0o77_777_777_777);
    check(&with(far), 1, "goes beyond its end");
    let long = tar_entry("long", b'L', &vec![b'a'; 100_000]);
    check(
        &with(long),
        1,
        "expected a name of at most 65536 bytes, found 100000",
    );
    check(&with(tar_entry("../x", b'0', b"x")), 2, "leads out of it");
    check(
        &with(tar_entry("x.zip", b'0', b"x")),
        2,
        "an archive within an archive",
    );
    check(&with(tar_entry("x", b'S', b"x")), 2, "a sparse file");
}

#[test]
fn broken_gzip_files_are_told_and_what_lies_before_is_used() {
    let check = |bytes: &[u8], n_slices: usize, expected: &str| {
        let (folder, _) = written("a.tar.gz", bytes);
        let found = scanned(folder.path());
        let slices: usize = found.exams.iter().map(|exam| exam.n_slices()).sum();
        assert_eq!(slices, n_slices, "{expected}: {:#?}", found.findings);
        let mut reasons = found.findings.iter().map(|it| &it.reason);
        let is_told = reasons.any(|reason| reason.contains(expected));
        assert!(
            is_told,
            "expected {expected:?}, found {:#?}",
            found.findings
        );
    };
    let whole = gzip(&tar(&tarred()));
    check(&whole[..whole.len() - 12], 3, "ends too early");
    check(&whole[..whole.len() - 2], 3, "ends too early");
    let rest = gzip(&tar(&tarred()[1..]));
    let cut = [&gzip(&tarred()[0])[..], &rest[..rest.len() / 4]].concat();
    check(&cut, 1, "goes beyond its end");
    let two = [
        gzip(&tarred()[0]),
        gzip(&tarred()[1]),
        gzip(&tar(&tarred()[2..])),
    ];
    let mut broken = two.concat();
    let at = two[0].len() + two[1].len() - 6;
    broken[at] ^= 1;
    check(&broken, 2, "not those that were packed");
    check(&gzip(b"no tar file"), 0, "broken archive");
    check(&gzip(&[7; 2000]), 0, "no header of a file at byte 0");
    check(b"\x1F\x8B\x08\0", 0, "broken archive");
    // 200 MB of zeros in 200 kB.
    let bomb = [tar_header("bomb", b'0', 200 << 20), vec![0; 200 << 20]].concat();
    check(&gzip(&bomb), 0, "too large: it has over 134217728 bytes");
}

#[test]
fn a_wrong_byte_anywhere_is_told_or_changes_nothing() {
    let original = unpacked();
    let whole_exam = &scanned(original.path()).exams[0];
    let expected = whole_exam.load(&Work::silent()).unwrap();
    let entries: [Vec<Entry>; 2] = [zipped(Entry::deflated), zipped(Entry::stored)];
    // A tar file has no checksum of a file's bytes, no more than a folder has.
    for (bytes, has_checksum) in [
        (zip(&entries[0], false), true),
        (zip(&entries[1], true), true),
        (tar(&tarred()), false),
    ] {
        let (_folder, path) = written("a.zip", &bytes);
        let mut n_told = 0;
        for at in (0..bytes.len()).step_by(37) {
            let mut broken = bytes.clone();
            broken[at] ^= 0x41;
            fs::write(&path, &broken).unwrap();
            let Ok(found) = scan(&path, &ScanOptions::default(), &Work::silent()) else {
                n_told += 1;
                continue;
            };
            n_told += found.findings.len();
            for exam in &found.exams {
                match exam.load(&Work::silent()) {
                    Ok(volume) if has_checksum && exam.n_slices() == 3 => {
                        assert_eq!(volume.hu(), expected.hu(), "byte {at}");
                    }
                    loaded => n_told += usize::from(loaded.is_err()),
                }
            }
        }
        assert!(n_told > 20, "{n_told}");
    }
}
