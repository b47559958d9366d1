//! What a scan finds: order, findings, the choice of a series, privacy.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod data;
mod written;

use std::fs;
use std::path::Path;

use pe_binding::Work;
use pe_ct::{Effect, Exam, Scan};
use pe_dicom::{ScanOptions, scan};
use proptest::prelude::*;
use written::{Ct, SECRETS, slice};

fn scanned(folder: &Path) -> Scan {
    scan(folder, &ScanOptions::default(), &Work::silent()).unwrap()
}

fn kinds(scan: &Scan) -> Vec<&'static str> {
    scan.findings.iter().map(|f| f.kind).collect()
}

/// Writes ten slices changed by `change`, and holds the findings and the slices of the exams
/// against what is expected.
fn check(change: impl Fn(&mut Vec<Ct>), expected: &[&str], n_slices: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<Ct> = (0..10).map(slice).collect();
    change(&mut files);
    for (n, file) in files.iter().enumerate() {
        file.write(folder.path(), &format!("{n:03}"));
    }
    let scan = scanned(folder.path());
    assert_eq!(kinds(&scan), expected, "{:#?}", scan.findings);
    let found: Vec<usize> = scan.exams.iter().map(|exam| exam.n_slices()).collect();
    assert_eq!(found, n_slices);
    for exam in &scan.exams {
        let volume = exam.load(&Work::silent()).unwrap();
        assert_eq!(volume.n_slices(), exam.n_slices());
        assert!(exam.info.positions_mm.is_sorted());
    }
}

#[test]
fn an_even_series_has_no_findings() {
    check(|_| {}, &[], &[10]);
    check(|files| files.reverse(), &[], &[10]);
}

#[test]
fn files_are_left_out_one_by_one() {
    let again = |files: &mut Vec<Ct>| files.push(files[3].clone());
    check(again, &["duplicate"], &[10]);
    let same_under_other_uid = |files: &mut Vec<Ct>| {
        let sop = "1.2.3.99".to_owned();
        files.push(Ct {
            sop,
            ..files[3].clone()
        });
    };
    check(same_under_other_uid, &["duplicate"], &[10]);
    let scout = |files: &mut Vec<Ct>| files[0].image_type = "ORIGINAL\\PRIMARY\\LOCALIZER";
    check(scout, &["localizer"], &[9]);
    check(|files| files[0].modality = "MR", &["not_ct"], &[9]);
    let coronal = Some([1.0, 0.0, 0.0, 0.0, 0.0, -1.0]);
    check(
        |files| files[0].orientation = coronal,
        &["mixed_orientation"],
        &[9],
    );
    let smaller = |files: &mut Vec<Ct>| {
        (files[0].rows, files[0].words) = (2, vec![5; 12]);
    };
    check(smaller, &["mixed_size"], &[9]);
    check(
        |files| files[9].position = None,
        &["missing_position"],
        &[9],
    );
    check(|files| files[9].words.truncate(20), &["truncated"], &[9]);
    check(|files| files[9].slope = Some("one"), &["unreadable"], &[9]);
    check(|files| files[9].slope = Some("0"), &["unreadable"], &[9]);
    check(|files| files[9].bits_stored = 0x7FFF, &["unreadable"], &[9]);
    let skewed = Some([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    check(|files| files[9].orientation = skewed, &["unreadable"], &[9]);
    check(|files| files[9].rows = 0, &["no_image"], &[9]);
    check(|files| files[9].study.clear(), &["missing_uid"], &[9]);
}

#[test]
fn odd_exams_are_used_with_a_warning() {
    let gap = |files: &mut Vec<Ct>| drop(files.drain(4..6));
    check(gap, &["missing_slices"], &[8]);
    let uneven = |files: &mut Vec<Ct>| files[9].position = Some([-10.0, -20.0, 23.3]);
    check(uneven, &["uneven_spacing"], &[10]);
    let unplaced = |files: &mut Vec<Ct>| files.iter_mut().for_each(|f| f.position = None);
    check(unplaced, &["ordered_by_number"], &[10]);
    let no_plane = |files: &mut Vec<Ct>| files.iter_mut().for_each(|f| f.orientation = None);
    check(no_plane, &["assumed_axial"], &[10]);
    check(|files| files.truncate(1), &["single_slice"], &[1]);
    check(|files| files[0].slope = None, &["missing_rescale"], &[10]);
    check(
        |files| files[0].rescale_type = Some("US"),
        &["not_hu"],
        &[10],
    );
    check(
        |files| files[4].spacing = Some("0.9\\0.8"),
        &["mixed_pixel_spacing"],
        &[10],
    );
}

#[test]
fn exams_that_make_no_stack_are_left_out() {
    let other_image_there = |files: &mut Vec<Ct>| {
        let (sop, words) = ("1.2.3.99".to_owned(), vec![7; 24]);
        files.push(Ct {
            sop,
            words,
            ..files[3].clone()
        });
    };
    check(other_image_there, &["conflict"], &[]);
    check(
        |files| files[4].sop = files[3].sop.clone(),
        &["conflict"],
        &[],
    );
    let planes = |files: &mut Vec<Ct>| {
        for (n, file) in files.iter_mut().enumerate() {
            let (sin, cos) = (0.1 * n as f64).sin_cos();
            file.orientation = Some([cos, sin, 0.0, -sin, cos, 0.0]);
        }
    };
    check(planes, &["no_stack"], &[]);
    let unordered = |files: &mut Vec<Ct>| {
        files
            .iter_mut()
            .for_each(|f| (f.position, f.number) = (None, None));
    };
    check(unordered, &["no_stack"], &[]);
    check(
        |files| files.iter_mut().for_each(|f| f.spacing = None),
        &["missing_spacing"],
        &[],
    );
    let many = |files: &mut Vec<Ct>| *files = (0..321).map(slice).collect();
    check(many, &["too_many_slices"], &[]);
    let most = |files: &mut Vec<Ct>| *files = (0..320).map(slice).collect();
    check(most, &[], &[320]);
}

#[test]
fn one_series_of_a_study_is_used() {
    let second = |files: &mut Vec<Ct>| {
        let series = |file: Ct| Ct {
            series: "1.2.1".into(),
            sop: file.sop + ".9",
            ..file
        };
        files.extend((0..7).map(|n| series(slice(n))));
    };
    check(second, &["other_series"], &[10]);
    let larger_but_coronal = |files: &mut Vec<Ct>| {
        files.extend((0..20).map(|n| Ct {
            series: "1.2.1".into(),
            sop: format!("1.2.9.{n}"),
            orientation: Some([1.0, 0.0, 0.0, 0.0, 0.0, -1.0]),
            position: Some([0.0, f64::from(n), 0.0]),
            ..slice(n)
        }));
    };
    check(larger_but_coronal, &["other_series", "reoriented"], &[10]);
    let other_study = |files: &mut Vec<Ct>| {
        let study = |file: Ct| Ct {
            study: "1.1".into(),
            series: "1.1.1".into(),
            ..file
        };
        files.extend((0..7).map(|n| study(slice(n))));
    };
    check(other_study, &[], &[7, 10]);
}

#[test]
fn files_that_are_no_slices_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for n in 0..5 {
        slice(n).write(folder.path(), &format!("a/{n}"));
    }
    fs::write(path("b"), b"").unwrap();
    fs::write(path("c.txt"), b"notes about the series").unwrap();
    let whole = fs::read(path("a/0")).unwrap();
    fs::write(path("d.dcm"), &whole[..300]).unwrap();
    fs::write(path("e.dcm"), &whole[..whole.len() - 2]).unwrap();
    let scan = scanned(folder.path());
    assert_eq!(
        kinds(&scan),
        ["empty", "not_dicom", "unreadable", "truncated"]
    );
    assert!(
        scan.findings
            .iter()
            .all(|f| f.effect == Effect::FileLeftOut)
    );
    assert_eq!((scan.n_files, scan.exams.len()), (9, 1));
    // Without the preamble, and with the data set alone, the same exam.
    fs::write(path("a/0"), &whole[132..]).unwrap();
    assert_eq!(scanned(folder.path()).exams[0].n_slices(), 5);
    let dataset = whole
        .windows(8)
        .position(|w| w == [8, 0, 8, 0, b'C', b'S', 22, 0])
        .unwrap();
    fs::write(path("a/0"), &whole[dataset..]).unwrap();
    let exam = &scanned(folder.path()).exams[0];
    assert_eq!(exam.n_slices(), 5);
    assert_eq!(
        exam.load(&Work::silent()).unwrap().slice(0)[[0, 0]],
        1000 - 1024
    );
}

#[test]
fn patient_data_never_come_out() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..4 {
        slice(n).write(folder.path(), &n.to_string());
    }
    // Names in the place of ids, in an exam of their own.
    for n in 0..4 {
        Ct {
            study: "DOE-JANE".into(),
            series: "DOE_JANE.1970".into(),
            sop: format!("DOE-JANE.{n}"),
            ..slice(n)
        }
        .write(folder.path(), &format!("named{n}"));
    }
    Ct {
        study: "DOE JANE".into(),
        ..slice(6)
    }
    .write(folder.path(), "spaced");
    let odd = Ct {
        modality: "MR",
        ..slice(5)
    }
    .write(folder.path(), "5");
    let bytes = fs::read(&odd).unwrap();
    for cut in (150..bytes.len()).step_by(7) {
        fs::write(folder.path().join(format!("cut{cut:04}")), &bytes[..cut]).unwrap();
    }
    let table = "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,negative_exam_for_pe\n\
                 DOE-JANE,DOE_JANE.1970,DOE-JANE.0,1\nDOE-JANE,DOE_JANE.1970,DOE-JANE.0,0\n\
                 DOE-JANE,DOE_JANE.1970,DOE-JANE.9,1\nDOE JANE,DOE_JANE.1970,DOE-JANE.9,7\n";
    fs::write(folder.path().join("train.csv"), table).unwrap();
    let scan = scanned(folder.path());
    assert_eq!(scan.exams.len(), 2);
    assert!(
        scan.labels
            .as_ref()
            .is_some_and(|report| report.n_exams_labelled == 1)
    );
    let mut texts = format!("{scan}{scan:?}{:?}", scan.findings);
    for exam in &scan.exams {
        texts += &format!("{exam}{exam:?}");
        let volume = exam.load(&Work::silent()).unwrap();
        texts += &format!("{:?}", volume.info());
    }
    for finding in &scan.findings {
        texts += &finding.to_string();
        if let Err(error) = pe_dicom::decode_file(&finding.path) {
            texts += &format!("{error} {error:?}");
        }
    }
    assert!(scan.findings.len() > 20);
    for exam in &scan.exams {
        texts += &serde_json::to_string(&*exam.info).unwrap();
    }
    for secret in SECRETS.into_iter().chain(["DOE"]) {
        assert!(!texts.contains(secret), "{secret} came out");
    }
    assert_eq!(
        scan.exams[0].info.patient_key.as_ref().map(String::len),
        Some(16)
    );
}

/// Writes an exam of three slices with such ids under such folders, with its label table, and gives
/// it.
fn exam_of_ids(ids: [&str; 2], sop: &str, folders: &str) -> Exam {
    let folder = tempfile::tempdir().unwrap();
    let mut table =
        "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image\n".to_owned();
    for n in 0..3 {
        let file = Ct {
            study: ids[0].into(),
            series: ids[1].into(),
            sop: format!("{sop}{n}"),
            ..slice(n)
        };
        file.write(folder.path(), &format!("{folders}/{sop}{n}.dcm"));
        table += &format!("{},{},{sop}{n},{}\n", ids[0], ids[1], n % 2);
    }
    fs::write(folder.path().join("train.csv"), table).unwrap();
    let scan = scanned(folder.path());
    let exam = scan.only_exam().unwrap().clone();
    let labels = exam.info.labels.as_ref().unwrap();
    assert_eq!(labels.pe_on_slice, [Some(false), Some(true), Some(false)]);
    assert_eq!(
        scan.labels.unwrap().broken.len(),
        1,
        "the columns that are missing"
    );
    exam
}

#[test]
fn ids_that_are_no_uids_are_taken() {
    let hashes = ["9f".repeat(32), "AB".repeat(8)];
    let exam = exam_of_ids([&hashes[0], &hashes[1]], "c0ffee00c0ffee", "a/b");
    assert_eq!(
        [&exam.info.id.study_uid, &exam.info.id.series_uid],
        [&hashes[0], &hashes[1]]
    );
    assert_eq!(exam.info.sop_uids[2], "c0ffee00c0ffee2");
    // Told by a digest, unless the folder and the file say it already.
    let hidden = exam_of_ids(["ANON-0017", "case_17"], "slice-", "a/b");
    let id = &hidden.info.id;
    for (kept, text) in [(&id.study_uid, "ANON"), (&id.series_uid, "case")] {
        assert!(kept.len() == 24 && !kept.contains(text), "{kept}");
    }
    let shown = exam_of_ids(
        ["ANON-0017", "case_17"],
        "slice-",
        "train/ANON-0017/case_17",
    );
    assert_eq!(shown.info.id.study_uid, "ANON-0017");
    assert_eq!(shown.info.id.series_uid, "case_17");
    assert_eq!(shown.info.sop_uids, ["slice-0", "slice-1", "slice-2"]);
    assert_eq!(hidden.info.sop_uids, shown.info.sop_uids);
}

#[test]
fn the_inputs_key_follows_the_files() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        slice(n).write(folder.path(), &n.to_string());
    }
    let key = |hash_contents: bool| {
        let options = ScanOptions {
            hash_contents,
            ..ScanOptions::default()
        };
        let scan = scan(folder.path(), &options, &Work::silent()).unwrap();
        scan.exams[0].info.inputs_key.clone()
    };
    let before = [key(false), key(true)];
    assert_eq!(before, [key(false), key(true)]);
    Ct {
        words: vec![9; 24],
        ..slice(1)
    }
    .write(folder.path(), "1");
    assert_ne!(before[0], key(false));
    assert_ne!(before[1], key(true));
}

#[test]
fn the_real_series_is_pydicoms() {
    let Some(root) = data::folder("ct/lung-dx-a0001") else {
        return;
    };
    let scan = scanned(&root);
    assert_eq!(kinds(&scan), ["not_dicom"], "the licence");
    let exam = scan.only_exam().unwrap();
    assert_eq!((exam.n_slices(), exam.rows(), exam.cols()), (64, 512, 512));
    for pair in exam.info.positions_mm.windows(2) {
        assert!((pair[1] - pair[0] - 5.0).abs() < 1e-6);
    }
    let volume = exam.load(&Work::silent()).unwrap();
    let values: Vec<i64> = volume.hu().iter().map(|&hu| hu.into()).collect();
    // From reference/make_series.py.
    assert_eq!(
        data::sha256(&values),
        "4d61ae868285614faf503e25cb0e32220905f4aaab67de949265f472829ea309"
    );
}

#[test]
fn a_multi_frame_object_is_the_series_that_it_was_made_from() {
    let Some(root) = data::folder("odd/dcmqi/segmentations/23x38x3") else {
        return;
    };
    let frames = scanned(&root.join("multiframe"));
    let files = scanned(&root.join("image"));
    let (frames, files) = (frames.only_exam().unwrap(), files.only_exam().unwrap());
    assert_eq!(frames.n_slices(), 3);
    assert_eq!(frames.header()["n_files"], 1);
    assert_eq!(files.header()["n_files"], 3);
    assert_eq!(frames.info.positions_mm, files.info.positions_mm);
    assert_eq!(frames.info.spacing, files.info.spacing);
    assert!(frames.info.sop_uids[0].ends_with("#1") || frames.info.sop_uids[0].ends_with("#3"));
    let hu = |exam: &Exam| exam.load(&Work::silent()).unwrap();
    assert_eq!(hu(frames).hu(), hu(files).hu());
}

#[test]
fn a_file_that_changed_since_the_scan_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        slice(n).write(folder.path(), &n.to_string());
    }
    let scan = scanned(folder.path());
    let path = folder.path().join("1");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 2]).unwrap();
    let error = scan.exams[0].load(&Work::silent()).unwrap_err();
    assert!(
        error.to_string().contains("changed since it was scanned"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn shuffled_files_give_the_same_exam(order in Just((0..12_u16).collect::<Vec<_>>()).prop_shuffle()) {
        let folder = tempfile::tempdir().unwrap();
        for (name, n) in order.iter().enumerate() {
            slice(*n).write(folder.path(), &format!("{name:02}"));
        }
        let scan = scanned(folder.path());
        let exam = scan.only_exam().unwrap();
        let expected: Vec<String> = (1..=12).map(|n| format!("1.2.3.{n}")).collect();
        prop_assert_eq!(&exam.info.sop_uids, &expected);
        let volume = exam.load(&Work::silent()).unwrap();
        for n in 0..12 {
            prop_assert_eq!(volume.slice(n)[[1, 2]], n as i16 - 24);
        }
    }

    #[test]
    fn broken_bytes_never_panic(at in prop::collection::vec((0..3000_usize, any::<u8>()), 1..6), cut in 0..3000_usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = slice(0).write(folder.path(), "a");
        let mut bytes = fs::read(&path).unwrap();
        for (position, byte) in at {
            let length = bytes.len();
            bytes[position % length] = byte;
        }
        if cut < bytes.len() {
            bytes.truncate(cut.max(1));
        }
        fs::write(&path, &bytes).unwrap();
        let _ = pe_dicom::decode_file(&path);
        for exam in &scanned(folder.path()).exams {
            let _ = exam.load(&Work::silent());
        }
    }
}
