//! What is planted in files is in no copy, and the copies are the same exams.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

#[path = "deidentify/coded.rs"]
mod coded;
mod data;
#[path = "deidentify/faults.rs"]
mod faults;
#[path = "deidentify/planted.rs"]
mod planted;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use pe_binding::{Watch, Work};
use pe_ct::FindingClass;
use pe_dicom::{
    Deidentified, DeidentifyOptions, DicomError, FindingKind, ScanOptions, deidentify, scan,
};
use planted::{PLANTED, plant};
use tempfile::TempDir;

const KEY: &str = "a key of these tests";

fn keyed() -> DeidentifyOptions {
    DeidentifyOptions {
        key: Some(KEY.into()),
        ..DeidentifyOptions::default()
    }
}

/// Two studies, one of two series, with everything planted.
fn originals() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for study in ["1.2.826.471147", "1.2.826.471148"] {
        for n in 0..4 {
            let mut ct = written::slice(n);
            ct.study = study.into();
            ct.series = format!("{study}.5");
            ct.sop = format!("{study}.5.{n}");
            let words = (0..24).map(|pixel| 1000 + 37 * n + pixel);
            ct.words = words.collect();
            let name = format!("ZARQUON_JANE/{study}/ZARQUON-{n}.dcm");
            plant(&ct.write(folder.path(), &name));
        }
    }
    folder
}

fn copies(folder: &Path, options: &DeidentifyOptions) -> (TempDir, Deidentified) {
    let out = tempfile::tempdir().unwrap();
    let done = deidentify(folder, out.path(), options, &Work::silent()).unwrap();
    (out, done)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// Where a text is under a folder, in bytes or in paths.
fn places(folder: &Path, text: &str) -> Vec<PathBuf> {
    let is_there = |path: &PathBuf| {
        let below = path.strip_prefix(folder).unwrap();
        holds(&fs::read(path).unwrap(), text) || below.to_string_lossy().contains(text)
    };
    files(folder).into_iter().filter(is_there).collect()
}

/// What the pipeline reads of each exam, but for its UIDs, in an order that does not depend on them.
fn exams(folder: &Path) -> Vec<String> {
    let work = Work::silent();
    let options = ScanOptions {
        max_slices: 0,
        ..ScanOptions::default()
    };
    let found = scan(folder, &options, &work).unwrap();
    let mut exams: Vec<String> = (found.exams.iter())
        .map(|exam| {
            let hu = exam.load(&work).unwrap();
            let values: Vec<i64> = hu.hu().iter().map(|&hu| i64::from(hu)).collect();
            let digest = data::sha256(&values);
            let (header, positions) = (exam.header(), &exam.info.positions_mm);
            let labels = exam.info.labels.as_ref();
            format!("{header:?} {positions:?} {digest} {labels:?}")
        })
        .collect();
    exams.sort();
    exams
}

#[test]
fn nothing_that_was_planted_is_in_a_copy() {
    let folder = originals();
    let (out, done) = copies(folder.path(), &DeidentifyOptions::default());
    assert_eq!((done.n_files, done.n_skipped), (8, 0), "{done}");
    assert_eq!(files(out.path()).len(), 8);
    for text in PLANTED {
        // The search finds it where it is: otherwise it would say nothing of the copies.
        assert!(
            !places(folder.path(), text).is_empty(),
            "{text} was not planted"
        );
        assert_eq!(places(out.path(), text), Vec::<PathBuf>::new(), "{text}");
    }
    assert!(!done.to_string().contains("ZARQUON"));
}

#[test]
fn copies_are_the_same_exams() {
    let folder = originals();
    let (out, _) = copies(folder.path(), &DeidentifyOptions::default());
    let (before, after) = (exams(folder.path()), exams(out.path()));
    assert_eq!(before.len(), 2);
    assert_eq!(before, after);
}

#[test]
fn a_copy_is_dicom_that_says_what_it_is() {
    let folder = originals();
    let (out, _) = copies(folder.path(), &keyed());
    for path in files(out.path()) {
        let bytes = fs::read(&path).unwrap();
        assert!(bytes[..128].iter().all(|&byte| byte == 0), "the preamble");
        let object = dicom_object::open_file(&path).unwrap();
        let text = |tag: Tag| object.element(tag).unwrap().to_str().unwrap().into_owned();
        assert_eq!(text(tags::PATIENT_IDENTITY_REMOVED), "YES");
        assert_eq!(
            text(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED),
            "REMOVED"
        );
        assert!(text(tags::PATIENT_ID).starts_with("PE-"));
        for empty in [
            tags::PATIENT_NAME,
            tags::PATIENT_BIRTH_DATE,
            tags::PATIENT_SEX,
            tags::STUDY_DATE,
            tags::STUDY_TIME,
            tags::STUDY_ID,
            tags::ACCESSION_NUMBER,
            tags::REFERRING_PHYSICIAN_NAME,
        ] {
            assert_eq!(text(empty), "", "{empty:?} is present and empty");
        }
        let methods = object
            .element(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
            .unwrap();
        let method = &methods.items().unwrap()[0];
        let code = |tag: Tag| method.element(tag).unwrap().to_str().unwrap().into_owned();
        assert_eq!(code(tags::CODE_VALUE), "113100");
        assert_eq!(code(tags::CODING_SCHEME_DESIGNATOR), "DCM");
        assert_eq!(
            code(tags::CODE_MEANING),
            "Basic Application Confidentiality Profile"
        );
        let meta = object.meta();
        assert_eq!(
            meta.media_storage_sop_instance_uid(),
            text(tags::SOP_INSTANCE_UID)
        );
        assert_eq!(meta.source_application_entity_title, None);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(stem, text(tags::SOP_INSTANCE_UID));
        let tags_of: Vec<Tag> = object.iter().map(|element| element.header().tag).collect();
        assert!(tags_of.is_sorted());
        assert!(
            tags_of.iter().all(|tag| tag.group().is_multiple_of(2)),
            "private"
        );
    }
}

#[test]
fn the_same_key_gives_the_same_copies_and_another_key_others() {
    let folder = originals();
    let (one, _) = copies(folder.path(), &keyed());
    let (same, _) = copies(folder.path(), &keyed());
    let all = |out: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let relative = |path: PathBuf| path.strip_prefix(out).unwrap().to_owned();
        let pair = |path: PathBuf| (relative(path.clone()), fs::read(path).unwrap());
        files(out).into_iter().map(pair).collect()
    };
    assert_eq!(all(one.path()), all(same.path()));
    let key_file = tempfile::NamedTempFile::new().unwrap();
    fs::write(key_file.path(), format!("{KEY}\n")).unwrap();
    let from_file = DeidentifyOptions {
        key_file: Some(key_file.path().to_owned()),
        ..DeidentifyOptions::default()
    };
    let (filed, _) = copies(folder.path(), &from_file);
    assert_eq!(all(one.path()), all(filed.path()));
    let (drawn, _) = copies(folder.path(), &DeidentifyOptions::default());
    let (again, _) = copies(folder.path(), &DeidentifyOptions::default());
    let names = |out: &Path| all(out).into_keys().collect::<BTreeSet<_>>();
    for (a, b) in [(&one, &drawn), (&drawn, &again)] {
        assert!(names(a.path()).is_disjoint(&names(b.path())));
    }
}

#[test]
fn what_belongs_together_stays_together() {
    let folder = originals();
    let (out, _) = copies(folder.path(), &DeidentifyOptions::default());
    let mut values: BTreeMap<Tag, BTreeSet<String>> = BTreeMap::new();
    for path in files(out.path()) {
        let object = dicom_object::open_file(&path).unwrap();
        for tag in [
            tags::STUDY_INSTANCE_UID,
            tags::SERIES_INSTANCE_UID,
            tags::SOP_INSTANCE_UID,
            tags::FRAME_OF_REFERENCE_UID,
            tags::PATIENT_ID,
        ] {
            let text = object.element(tag).unwrap().to_str().unwrap();
            values.entry(tag).or_default().insert(text.into_owned());
        }
    }
    let counts: Vec<usize> = values.values().map(BTreeSet::len).collect();
    // By tag: one patient, 2 studies, 2 series, 8 slices, one frame of reference for all.
    let expected = BTreeMap::from([
        (tags::PATIENT_ID, 1),
        (tags::STUDY_INSTANCE_UID, 2),
        (tags::SERIES_INSTANCE_UID, 2),
        (tags::SOP_INSTANCE_UID, 8),
        (tags::FRAME_OF_REFERENCE_UID, 1),
    ]);
    assert_eq!(counts, expected.into_values().collect::<Vec<_>>());
}

#[test]
fn files_that_are_there_are_not_touched() {
    let folder = originals();
    let (out, _) = copies(folder.path(), &keyed());
    let paths = files(out.path());
    fs::write(&paths[0], "mine").unwrap();
    fs::remove_file(&paths[1]).unwrap();
    let done = deidentify(folder.path(), out.path(), &keyed(), &Work::silent()).unwrap();
    assert_eq!((done.n_files, done.n_skipped), (8, 7));
    assert!(
        done.findings
            .iter()
            .all(|f| f.kind == FindingKind::Exists.name())
    );
    assert_eq!(fs::read(&paths[0]).unwrap(), b"mine");
    assert_eq!(files(out.path()), paths);
}

#[test]
fn originals_and_copies_lie_apart() {
    let folder = originals();
    let root = folder.path();
    let check = |root: &Path, out: &Path| {
        let before = files(folder.path());
        let error = deidentify(root, out, &keyed(), &Work::silent()).unwrap_err();
        assert!(
            matches!(error, DicomError::DeidentifyOutput { .. }),
            "{error}"
        );
        assert_eq!(files(folder.path()), before);
    };
    check(root, root);
    check(root, &root.join("out/of/it"));
    check(&root.join("ZARQUON_JANE"), root);
    check(root, &root.join("no/../../there"));
    #[cfg(unix)]
    {
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root, outside.path().join("link")).unwrap();
        check(root, &outside.path().join("link/out"));
    }
    assert!(!root.join("out").exists());
}

#[test]
fn what_is_left_out_has_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    written::slice(0).write(root, "a.dcm");
    let mut localizer = written::slice(1);
    localizer.image_type = "ORIGINAL\\PRIMARY\\LOCALIZER";
    localizer.write(root, "localizer");
    let mut other = written::slice(2);
    other.modality = "MR";
    other.write(root, "mr");
    let mut nameless = written::slice(3);
    nameless.study = String::new();
    nameless.write(root, "nameless");
    planted::burn_in(&written::slice(4).write(root, "burned"));
    fs::write(root.join("notes.txt"), "ZARQUON^JANE is well").unwrap();
    let (out, done) = copies(root, &keyed());
    let kinds: Vec<&str> = done.findings.iter().map(|f| f.kind).collect();
    assert_eq!(
        kinds,
        [
            "burned_in",
            "localizer",
            "not_ct",
            "missing_uid",
            "not_dicom"
        ]
    );
    assert_eq!((done.n_files, done.n_skipped), (6, 5));
    assert_eq!(files(out.path()).len(), 1);
    assert!(
        done.to_string()
            .starts_with("1 file of 6 files de-identified"),
        "{done}"
    );
    let all = DeidentifyOptions {
        keep_burned_in: true,
        ..keyed()
    };
    let (out, done) = copies(root, &all);
    assert_eq!((done.n_skipped, files(out.path()).len()), (4, 2));
}

#[test]
fn repeated_uids_stay_apart_as_a_scan_would_find_them() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        written::slice(n).write(folder.path(), &format!("{n}"));
    }
    let mut twin = written::slice(1);
    twin.words = vec![7; 24];
    twin.write(folder.path(), "twin");
    let (out, done) = copies(folder.path(), &keyed());
    assert_eq!((done.n_skipped, files(out.path()).len()), (0, 4));
    let kinds = |folder: &Path| -> Vec<&str> {
        let found = scan(folder, &ScanOptions::default(), &Work::silent()).unwrap();
        found.findings.iter().map(|finding| finding.kind).collect()
    };
    assert_eq!(kinds(folder.path()), kinds(out.path()));
}

#[test]
fn a_label_table_gets_the_new_uids_and_keeps_nothing_else() {
    let folder = originals();
    let mut table = String::from(
        "\u{feff}StudyInstanceUID,SeriesInstanceUID,Doctor,SOPInstanceUID,pe_present_on_image,\
         negative_exam_for_pe,qa_motion\n",
    );
    for study in ["1.2.826.471147", "1.2.826.471148"] {
        for n in 0..4 {
            table += &format!(
                "{study},{study}.5,ZARQUON^JANE,{study}.5.{n},{},0,JANE\n",
                n % 2
            );
        }
    }
    table += ",,ZARQUON^JANE,,1,0,0\n";
    fs::write(folder.path().join("train.csv"), table).unwrap();
    let (out, done) = copies(folder.path(), &DeidentifyOptions::default());
    assert_eq!((done.n_files, done.n_label_rows), (8, Some(8)));
    let table = fs::read_to_string(out.path().join("train.csv")).unwrap();
    assert!(table.starts_with(
        "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image,\
         negative_exam_for_pe,qa_motion\n2.25."
    ));
    for text in PLANTED {
        assert!(!table.contains(text), "{text}");
    }
    assert!(
        table.lines().skip(1).all(|row| row.ends_with(",0,")),
        "{table}"
    );
    assert_eq!(exams(folder.path()), exams(out.path()));
}

#[test]
fn a_list_of_patients_becomes_an_rsna_table() {
    let folder = originals();
    fs::remove_dir_all(folder.path().join("ZARQUON_JANE/1.2.826.471148")).unwrap();
    let list = tempfile::NamedTempFile::new().unwrap();
    fs::write(
        list.path(),
        "name;patient;PE\nZARQUON^JANE;QX-4711-PID;True\n;;False\n",
    )
    .unwrap();
    let columns = [("PatientID", "patient"), ("positive_exam_for_pe", "PE")];
    let options = DeidentifyOptions {
        labels: Some(list.path().into()),
        columns: columns.map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        ..DeidentifyOptions::default()
    };
    let (out, done) = copies(folder.path(), &options);
    assert_eq!(done.n_label_rows, Some(1));
    let table = fs::read_to_string(out.path().join("train.csv")).unwrap();
    assert!(table.starts_with("PatientID,negative_exam_for_pe\nPE-") && table.ends_with(",0\n"));
    for text in PLANTED {
        assert!(!table.contains(text), "{text}");
    }
    let found = scan(out.path(), &ScanOptions::default(), &Work::silent()).unwrap();
    let labels = found.exams[0].info.labels.as_ref().unwrap();
    assert_eq!(labels.positive(), Some(true));
}

#[test]
fn options_are_checked_before_anything_is_written() {
    let folder = originals();
    let out = folder.path().with_extension("out");
    let check = |options: DeidentifyOptions, expected: &str| {
        let error = deidentify(folder.path(), &out, &options, &Work::silent()).unwrap_err();
        let (kind, text) = (pe_binding::Explain::kind(&error), error.to_string());
        assert_eq!(kind, expected, "{text}");
        assert!(!out.exists());
    };
    let defaults = DeidentifyOptions::default;
    check(
        DeidentifyOptions {
            key: Some("short".into()),
            ..defaults()
        },
        "dicom.key",
    );
    let key_file = Some("no/such/file".into());
    check(
        DeidentifyOptions {
            key_file: key_file.clone(),
            ..defaults()
        },
        "dicom.io",
    );
    check(
        DeidentifyOptions {
            key_file,
            ..keyed()
        },
        "dicom.key",
    );
}

#[test]
fn an_interrupt_leaves_whole_files_only() {
    struct Impatient;
    impl Watch for Impatient {
        fn begin(&self, _: &str, _: u64, _: &str) {}
        fn advance(&self, _: u64) {}
        fn end(&self) {}
        fn warn(&self, _: &str) {}
        fn interrupted(&self) -> bool {
            true
        }
    }
    let folder = originals();
    let out = tempfile::tempdir().unwrap();
    let work = Work::new(Arc::new(Impatient));
    let error = deidentify(folder.path(), out.path(), &keyed(), &work).unwrap_err();
    assert!(matches!(error, DicomError::Interrupted(_)), "{error}");
    assert_eq!(files(out.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_real_series_is_the_same_exam_and_names_nobody() {
    let Some(folder) = data::folder("ct/lung-dx-a0001") else {
        return;
    };
    let (out, done) = copies(&folder, &keyed());
    let n_copies = files(out.path()).len();
    assert!(n_copies >= 64, "{done}");
    assert_eq!(n_copies, done.n_files - done.n_skipped, "{done}");
    assert_eq!(exams(&folder), exams(out.path()));
    assert_eq!(identities(&folder, out.path()), Vec::<String>::new());
}

#[test]
fn odd_files_have_the_same_pixels_and_name_nobody() {
    let Some(folder) = data::folder("odd") else {
        return;
    };
    let (out, done) = copies(&folder, &keyed());
    let left_out: BTreeSet<&Path> = done.findings.iter().map(|f| f.path.as_path()).collect();
    let originals = files(&folder);
    // An archive is no file of its own; what was left out of it has a path below it.
    let is_archive = |path: &Path| left_out.iter().any(|other| other.starts_with(path));
    let copied = originals.iter().filter(|path| !is_archive(path));
    let digests = |paths: &mut dyn Iterator<Item = PathBuf>| -> Vec<String> {
        let digest = |path: PathBuf| match pe_dicom::decode_file(&path) {
            Ok(image) => data::sha256(&image.values),
            // Which codec's words it are does not matter, but that both files fail alike does.
            Err(DicomError::File { fault, .. }) => fault.kind().to_owned(),
            Err(error) => panic!("{error}"),
        };
        let mut digests: Vec<String> = paths.map(digest).collect();
        digests.sort();
        digests
    };
    let before = digests(&mut copied.cloned());
    let after = digests(&mut files(out.path()).into_iter());
    assert!(before.len() > 10, "{done}");
    assert_eq!(before, after);
    assert_eq!(identities(&folder, out.path()), Vec::<String>::new());
}

/// The originals' identifying values that are found in the copies.
fn identities(folder: &Path, out: &Path) -> Vec<String> {
    let mut values = BTreeSet::new();
    for path in files(folder) {
        // What dicom-object cannot read has nothing to compare.
        let Ok(object) = dicom_object::open_file(&path) else {
            continue;
        };
        for tag in [
            tags::PATIENT_NAME,
            tags::PATIENT_ID,
            tags::STUDY_DATE,
            tags::SERIES_DATE,
            tags::CONTENT_DATE,
            tags::INSTITUTION_NAME,
            tags::ACCESSION_NUMBER,
            tags::STUDY_INSTANCE_UID,
            tags::SERIES_INSTANCE_UID,
            tags::SOP_INSTANCE_UID,
            tags::FRAME_OF_REFERENCE_UID,
        ] {
            let value = object.element(tag).ok().and_then(|e| e.to_str().ok());
            let value = value.map(|value| value.trim_matches(['\0', ' ']).to_owned());
            // A shorter number may be within a new UID by chance.
            values.extend(value.filter(|value| value.len() >= 8));
        }
    }
    assert!(values.len() > 4);
    // The pixels come last, and are those of the original.
    let header = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        let pixels = bytes
            .windows(4)
            .position(|tag| tag == [0xE0, 0x7F, 0x10, 0]);
        bytes[..pixels.unwrap_or(bytes.len())].to_vec()
    };
    let bytes: Vec<Vec<u8>> = files(out).iter().map(header).collect();
    let is_found = |value: &String| bytes.iter().any(|bytes| holds(bytes, value));
    values.into_iter().filter(is_found).collect()
}
