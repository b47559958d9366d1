//! Folders made to break a scan: names that are not UTF-8, links that multiply, links that lead out,
//! and texts in the place of UIDs.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod written;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pe_binding::{Watch, Work};
use pe_ct::{Finding, Scan};
use pe_dicom::{DeidentifyOptions, DicomError, ScanOptions, deidentify, scan};
use pe_files::{Files, Gate};
use written::{Ct, slice};

fn scanned(folder: &Path, work: &Work) -> Scan {
    scan(folder, &ScanOptions::default(), work).unwrap()
}

fn kinds(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|f| f.kind).collect()
}

/// Two slices of one series.
fn series_in(folder: &Path) {
    for n in 0..2 {
        slice(n).write(folder, &format!("{n}"));
    }
}

#[test]
fn findings_of_names_that_are_not_utf8_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"\xFF\xFE.dcm");
    fs::write(folder.path().join(name), "no DICOM").unwrap();
    let work = Work::silent();
    let found = scanned(folder.path(), &work);
    let out = tempfile::tempdir().unwrap();
    let options = DeidentifyOptions::default();
    let done = deidentify(folder.path(), out.path(), &options, &work).unwrap();
    for findings in [found.findings, done.findings] {
        assert_eq!(findings[0].path, folder.path().join(name));
        let json = serde_json::to_value(&findings).unwrap();
        let path = json[0]["path"].as_str().unwrap();
        assert!(path.ends_with("/\u{FFFD}\u{FFFD}.dcm"), "{path}");
    }
    series_in(folder.path());
    let table = folder.path().join(OsStr::from_bytes(b"\xFF.csv"));
    fs::write(
        &table,
        "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID\n",
    )
    .unwrap();
    let options = ScanOptions {
        labels: Some(table),
        ..ScanOptions::default()
    };
    let report = scan(folder.path(), &options, &work).unwrap().labels;
    assert!(serde_json::to_string(&report).unwrap().contains('\u{FFFD}'));
}

#[test]
fn what_is_no_uid_leaves_the_file_out_and_is_not_told() {
    let check = |change: &dyn Fn(&mut Ct, String), name: &str, value: String| {
        let folder = tempfile::tempdir().unwrap();
        series_in(folder.path());
        let mut odd = slice(2);
        change(&mut odd, value.clone());
        let path = odd.write(folder.path(), "odd");
        let found = scanned(folder.path(), &Work::silent());
        assert_eq!(kinds(&found.findings), ["unreadable"], "{name}");
        let finding = &found.findings[0];
        assert_eq!(finding.path, path);
        assert!(finding.reason.contains(name), "{finding}");
        assert_eq!(found.exams[0].n_slices(), 2);
        let texts = format!("{found} {found:?}");
        assert!(
            !texts.contains(&value) && !texts.contains("SECRET"),
            "{name}"
        );
    };
    for value in [
        "1.2.SECRET\x1b[31m",
        "=cmd|' /C calc'!A0",
        "1.2.3\n4",
        "DOE^JANE",
        &"1".repeat(65),
        &"1".repeat(60_000),
    ] {
        check(
            &|ct, text| ct.study = text,
            "StudyInstanceUID",
            value.into(),
        );
        check(
            &|ct, text| ct.series = text,
            "SeriesInstanceUID",
            value.into(),
        );
        check(&|ct, text| ct.sop = text, "SOPInstanceUID", value.into());
    }
}

#[test]
fn the_data_sets_own_ids_are_uids() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..2 {
        let mut ct = slice(n);
        ct.study = "6897fa9de148".into();
        ct.series = "2bfbb7fd2e8b".into();
        ct.sop = format!("c0f3cb036d0{n}");
        ct.write(folder.path(), &format!("{n}"));
    }
    let found = scanned(folder.path(), &Work::silent());
    assert_eq!(kinds(&found.findings), [""; 0]);
    assert_eq!(found.exams[0].info.id.series_uid, "2bfbb7fd2e8b");
}

#[test]
fn folders_that_links_multiply_are_read_once() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Two to the power of 25 paths lead to the last folder.
    let nth = |n: usize| outside.path().join(format!("{n:02}"));
    for n in 0..=25 {
        fs::create_dir(nth(n)).unwrap();
    }
    for n in 0..25 {
        for name in ["a", "b"] {
            symlink(nth(n + 1), nth(n).join(name)).unwrap();
        }
    }
    series_in(&nth(25));
    symlink(nth(0), folder.path().join("in")).unwrap();
    for root in [folder.path(), &nth(0), outside.path()] {
        let found = scanned(root, &Work::silent());
        assert_eq!(found.n_files, 2);
        assert_eq!(found.exams[0].n_slices(), 2);
        let kinds = kinds(&found.findings);
        assert!(kinds.len() >= 25 && kinds.iter().all(|kind| *kind == "duplicate"));
        found.exams[0].load(&Work::silent()).unwrap();
    }
}

#[test]
fn a_folder_is_read_in_its_own_place() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    series_in(&root.join("z/series"));
    symlink("z", root.join("a")).unwrap();
    symlink("z/series/0", root.join("file")).unwrap();
    let found = scanned(root, &Work::silent());
    let paths: Vec<PathBuf> = (found.findings.iter()).map(|f| f.path.clone()).collect();
    assert_eq!(paths, [root.join("a"), root.join("z/series/0")]);
    assert_eq!(kinds(&found.findings), ["duplicate", "duplicate"]);
    assert!(found.findings[0].reason.contains("in its own place"));
    assert_eq!(found.n_files, 3);
}

#[test]
fn a_link_that_leads_out_does_not_tell_whether_something_is_there() {
    let secret = tempfile::tempdir().unwrap();
    fs::create_dir(secret.path().join("folder")).unwrap();
    fs::write(secret.path().join("file"), "").unwrap();
    let reason_of = |target: &str| {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink(secret.path().join(target), &link).unwrap();
        let mut gate = Gate::default();
        gate.allow_read(folder.path()).unwrap();
        let work = Work::silent().with_files(Files::confined(gate));
        let found = scanned(folder.path(), &work);
        assert_eq!(kinds(&found.findings), ["unreadable"]);
        assert_eq!(found.findings[0].path, link);
        let root = folder.path().to_str().unwrap().to_owned();
        found.findings[0].reason.replace(&root, "ROOT")
    };
    let reasons = ["folder", "file", "nothing", "nothing/deep", "file/deep"].map(reason_of);
    assert!(reasons[0].contains("sandbox"), "{}", reasons[0]);
    assert!(
        reasons.iter().all(|reason| *reason == reasons[0]),
        "{reasons:?}"
    );
}

/// Asks to stop, and notes what was begun.
#[derive(Default)]
struct Impatient(Mutex<Vec<String>>);

impl Watch for Impatient {
    fn begin(&self, what: &str, _: u64, _: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn warn(&self, _: &str) {}
    fn interrupted(&self) -> bool {
        true
    }
}

#[test]
fn an_interrupt_ends_the_listing_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    series_in(folder.path());
    let watch = Arc::new(Impatient::default());
    let work = Work::new(watch.clone());
    let error = scan(folder.path(), &ScanOptions::default(), &work).unwrap_err();
    assert!(matches!(error, DicomError::Interrupted(_)), "{error}");
    assert_eq!(*watch.0.lock().unwrap(), ["listing files"]);
}
