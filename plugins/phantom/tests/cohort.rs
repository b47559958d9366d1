//! A cohort as files: reproducible, resumable, never mixed with anything else, and true to its
//! label table.
// The helpers of an integration test are test code, which the lint's exception does not see.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, open_file};
use pe_binding::{Explain, Watch, Work};
use pe_files::{Fault, Faults, Files};
use pe_phantom::{
    CohortReport, Difficulty, PhantomError, PhantomOptions, Storage, generate, read, write,
};

fn small() -> PhantomOptions {
    PhantomOptions {
        n_exams: 2,
        size: 48,
        max_slices: 42,
        pe_share: 0.5,
        ..PhantomOptions::default()
    }
}

fn write_silently(folder: &Path, options: &PhantomOptions) -> Result<CohortReport, PhantomError> {
    write(folder, options, &Work::silent())
}

/// Every file of a folder by its path in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_path_buf();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn dicom_files(folder: &Path) -> Vec<PathBuf> {
    let files = contents(folder).into_keys();
    files
        .filter(|file| file.extension().is_some_and(|ext| ext == "dcm"))
        .map(|file| folder.join(file))
        .collect()
}

#[test]
fn equal_settings_give_equal_bytes_on_any_number_of_threads() {
    let write_with = |n_threads: usize, options: &PhantomOptions| {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
        let report = pool
            .build()
            .unwrap()
            .install(|| write_silently(folder.path(), options));
        assert!(!report.unwrap().skipped());
        contents(folder.path())
    };
    let (one, three) = (write_with(1, &small()), write_with(3, &small()));
    assert!(one.len() > 80 && one == three);
    let other = write_with(2, &PhantomOptions { seed: 8, ..small() });
    assert!(
        one.keys().all(
            |file| file.extension().is_none_or(|ext| ext != "dcm") || !other.contains_key(file)
        )
    );
}

#[test]
fn a_complete_cohort_is_left_and_a_damaged_one_completed() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_silently(folder.path(), &small()).unwrap();
    let before = contents(folder.path());
    let again = write_silently(folder.path(), &small()).unwrap();
    assert!(again.skipped() && again.to_string().contains("complete already"));
    assert_eq!(
        (again.n_slices, again.n_bytes),
        (first.n_slices, first.n_bytes)
    );
    for file in dicom_files(folder.path()).iter().step_by(20) {
        fs::remove_file(file).unwrap();
    }
    // A file cut short by something else is not taken for whole.
    let cut = dicom_files(folder.path()).pop().unwrap();
    fs::write(&cut, b"DICM").unwrap();
    let mended = write_silently(folder.path(), &small()).unwrap();
    assert!((2..20).contains(&mended.n_written), "{mended}");
    assert_eq!(contents(folder.path()), before);
}

/// A digest of the images and the label table.
fn digest(folder: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, bytes) in contents(folder) {
        if name.extension().is_some_and(|ext| ext != "json") {
            hasher.update(name.to_string_lossy().as_bytes());
            hasher.update(blake3::hash(&bytes).as_bytes());
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Results on a cohort stay comparable: whoever alters the images on purpose writes the new digests
/// here, and raises the number in `cohort.rs`.
#[test]
fn the_hard_cohort_is_what_it_was_to_the_last_bit() {
    for (n_exams, size, expected) in [(9, 48, "bc0e4b4ffc683a8d"), (3, 130, "04eda606c7c67e3d")] {
        let options = PhantomOptions {
            n_exams,
            size,
            max_slices: 90,
            pe_share: 0.5,
            ..PhantomOptions::default()
        };
        let folder = tempfile::tempdir().unwrap();
        write_silently(folder.path(), &options).unwrap();
        assert_eq!(digest(folder.path()), expected, "{size} pixels");
    }
}

/// Asks to stop after a number of checks.
struct StopAfter(AtomicUsize);

impl Watch for StopAfter {
    fn begin(&self, _: &str, _: u64, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn warn(&self, _: &str) {}
    fn interrupted(&self) -> bool {
        let left = self.0.load(Ordering::SeqCst);
        self.0.store(left.saturating_sub(1), Ordering::SeqCst);
        left == 0
    }
}

#[test]
fn an_interrupted_cohort_is_gone_on_with() {
    let whole = tempfile::tempdir().unwrap();
    write_silently(whole.path(), &small()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let work = Work::new(Arc::new(StopAfter(AtomicUsize::new(25))));
    let error = write(folder.path(), &small(), &work).unwrap_err();
    assert!(error.is_interrupt());
    let n_before = dicom_files(folder.path()).len();
    assert!((1..80).contains(&n_before), "{n_before}");
    let report = write_silently(folder.path(), &small()).unwrap();
    assert_eq!(report.n_written, report.n_slices - n_before);
    assert_eq!(contents(folder.path()), contents(whole.path()));
}

#[test]
fn a_cohort_is_whole_or_gone_on_with_whatever_fails_and_when() {
    let options = PhantomOptions {
        n_exams: 1,
        size: 32,
        ..small()
    };
    // On one thread, so that the n-th change is always the same.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let run = |folder: &Path, faults: &Arc<Faults>| {
        let files = Files::free().with_faults(faults.clone());
        let work = Work::silent().with_files(files);
        pool.install(|| write(folder, &options, &work))
    };
    let (whole, counting) = (tempfile::tempdir().unwrap(), Arc::new(Faults::none()));
    run(whole.path(), &counting).unwrap();
    let (n_changes, expected) = (counting.count(), contents(whole.path()));
    assert!(n_changes > 100, "{n_changes}");
    for fault in [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied] {
        // The slices' files are written alike: the first and the last changes, and some between.
        let between = (6..n_changes - 6).step_by(31);
        for at in (0..6).chain(between).chain(n_changes - 6..n_changes) {
            let what = format!("{fault:?} at change {at} of {n_changes}");
            let folder = tempfile::tempdir().unwrap();
            let faults = Arc::new(Faults::at(at, fault, at));
            let failed = run(folder.path(), &faults);
            assert!(faults.met(), "{what}");
            // A full disk does not hinder files from being renamed and removed, which comes last.
            assert!(failed.is_err() || fault == Fault::Full, "{what}");
            write_silently(folder.path(), &options).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(contents(folder.path()) == expected, "{what}: other files");
        }
    }
}

#[test]
fn other_folders_are_refused_and_left_untouched() {
    let check = |folder: &Path, options: &PhantomOptions, kind: &str, says: &str| {
        let before = contents(folder);
        let error = write_silently(folder, options).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.hint().is_some());
        assert_eq!(contents(folder), before);
    };
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), "mine").unwrap();
    check(
        foreign.path(),
        &small(),
        "phantom.foreign_folder",
        "thesis.txt",
    );
    let cohort = tempfile::tempdir().unwrap();
    write_silently(cohort.path(), &small()).unwrap();
    let other = PhantomOptions {
        seed: 99,
        ..small()
    };
    check(cohort.path(), &other, "phantom.other_cohort", "\"seed\":99");
}

#[test]
fn the_label_table_keeps_the_rules_of_the_data_set() {
    let options = PhantomOptions {
        n_exams: 9,
        size: 32,
        max_slices: 44,
        ..PhantomOptions::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let report = write_silently(folder.path(), &options).unwrap();
    let table = fs::read_to_string(folder.path().join("train.csv")).unwrap();
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some(
            "StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image,\
             negative_exam_for_pe,qa_motion,qa_contrast,flow_artifact,rv_lv_ratio_gte_1,\
             rv_lv_ratio_lt_1,leftsided_pe,chronic_pe,true_filling_defect_not_pe,rightsided_pe,\
             acute_and_chronic_pe,central_pe,indeterminate"
        )
    );
    let mut exams: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
    for line in lines {
        let row: Vec<&str> = line.split(',').collect();
        let path = format!("train/{}/{}/{}.dcm", row[0], row[1], row[2]);
        assert!(folder.path().join(path).is_file());
        exams.entry(row[0]).or_default().push(row);
    }
    assert_eq!((exams.len(), report.n_pe_exams), (9, 3));
    assert_eq!(exams.values().map(Vec::len).sum::<usize>(), report.n_slices);
    for rows in exams.values() {
        check_exam(rows);
    }
}

/// The rules that hold between the labels of one exam (Colak et al. 2021).
fn check_exam(rows: &[Vec<&str>]) {
    assert!(rows.iter().all(|row| row[4..] == rows[0][4..]));
    let flag = |column: usize| rows[0][column] == "1";
    let n_pe = rows.iter().filter(|row| row[3] == "1").count();
    let (negative, indeterminate) = (flag(4), flag(16));
    let (gte, lt) = (flag(8), flag(9));
    let (left, chronic, right, both, central) = (flag(10), flag(11), flag(13), flag(14), flag(15));
    if n_pe > 0 {
        assert!(!negative && !indeterminate && (gte != lt));
        assert!(left || right || central);
        assert!(!(chronic && both));
    } else {
        assert!(negative != indeterminate);
        assert!(![gte, lt, left, chronic, right, both, central].contains(&true));
    }
}

#[test]
fn a_control_keeps_labels_and_truth_and_shows_no_clot() {
    let options = PhantomOptions {
        n_exams: 3,
        size: 64,
        max_slices: 42,
        pe_share: 1.0,
        difficulty: Difficulty::Easy,
        noise: 0.0,
        ..PhantomOptions::default()
    };
    let control = PhantomOptions {
        paint_clots: false,
        ..options.clone()
    };
    let (with, without) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let told = write_silently(with.path(), &options).unwrap().to_string();
    assert!(told.contains("meant to be learnt"), "{told}");
    let told = write_silently(without.path(), &control)
        .unwrap()
        .to_string();
    assert!(told.starts_with("NEGATIVE CONTROL"), "{told}");
    let table = |folder: &Path| fs::read(folder.join("train.csv")).unwrap();
    assert_eq!(table(with.path()), table(without.path()));
    let files = Files::free();
    let truth = |folder: &Path| read(folder, &files).unwrap();
    let (with, without) = (truth(with.path()), truth(without.path()));
    assert!(without.what.contains("NEGATIVE CONTROL"));
    for (with, without) in with.exams.iter().zip(&without.exams) {
        assert_eq!(with, without);
    }
    for exam_idx in 0..3 {
        let (painted, truth) = generate(&options, exam_idx, &Work::silent()).unwrap();
        let (control, other) = generate(&control, exam_idx, &Work::silent()).unwrap();
        assert_eq!(truth.clot.voxels(), other.clot.voxels());
        let mean = |volume: &pe_ct::Volume| {
            let inner = volume.hu().iter().zip(truth.clot.voxels());
            let clot: Vec<f64> = inner
                .filter(|(_, clot)| **clot)
                .map(|(hu, _)| f64::from(*hu))
                .collect();
            clot.iter().sum::<f64>() / clot.len() as f64
        };
        let (darker, lighter) = (mean(&painted), mean(&control));
        assert!(lighter > darker + 150.0, "{darker} {lighter}");
    }
}

fn text(object: &DefaultDicomObject, tag: dicom_core::Tag) -> String {
    object
        .element(tag)
        .unwrap()
        .to_str()
        .unwrap()
        .trim()
        .to_owned()
}

fn number(object: &DefaultDicomObject, tag: dicom_core::Tag) -> f64 {
    object.element(tag).unwrap().to_float64().unwrap()
}

/// HU by the file's own slope, intercept and padding, as any reader computes them.
fn hu(object: &DefaultDicomObject) -> Vec<i16> {
    let stored = object
        .element(tags::PIXEL_DATA)
        .unwrap()
        .to_bytes()
        .unwrap();
    let signed = number(object, tags::PIXEL_REPRESENTATION) == 1.0;
    let padding = object.element(tags::PIXEL_PADDING_VALUE).ok();
    let padding = padding.map(|element| element.to_int::<i32>().unwrap());
    let value = |bytes: &[u8]| {
        let bits = u16::from_le_bytes([bytes[0], bytes[1]]);
        if signed {
            i32::from(bits as i16)
        } else {
            i32::from(bits)
        }
    };
    let intercept = number(object, tags::RESCALE_INTERCEPT) as i32;
    assert_eq!(number(object, tags::RESCALE_SLOPE), 1.0);
    stored
        .chunks_exact(2)
        .map(value)
        .map(|stored| {
            if Some(stored) == padding {
                -1024
            } else {
                (stored + intercept) as i16
            }
        })
        .collect()
}

#[test]
fn files_read_back_as_the_generated_exam_and_say_that_they_are_synthetic() {
    let options = PhantomOptions {
        n_exams: 8,
        size: 32,
        max_slices: 40,
        ..PhantomOptions::default()
    };
    let folder = tempfile::tempdir().unwrap();
    write_silently(folder.path(), &options).unwrap();
    let mut storages = Vec::new();
    for exam_idx in 0..options.n_exams {
        let (volume, truth) = generate(&options, exam_idx, &Work::silent()).unwrap();
        let plan = &truth.exam.plan;
        storages.push(plan.scan.storage);
        let series = folder
            .path()
            .join("train")
            .join(&plan.study_uid)
            .join(&plan.series_uid);
        let mut uids_by_name: Vec<&String> = volume.info().sop_uids.iter().collect();
        for (slice_idx, sop_uid) in volume.info().sop_uids.iter().enumerate() {
            let object = open_file(series.join(format!("{sop_uid}.dcm"))).unwrap();
            assert_eq!(&text(&object, tags::SOP_INSTANCE_UID), sop_uid);
            assert_eq!(
                hu(&object),
                volume
                    .slice(slice_idx)
                    .iter()
                    .copied()
                    .collect::<Vec<i16>>()
            );
            let position = object.element(tags::IMAGE_POSITION_PATIENT).unwrap();
            let position = position.to_multi_float64().unwrap()[2];
            assert_eq!(position, volume.info().positions_mm[slice_idx]);
            let spacing = object
                .element(tags::PIXEL_SPACING)
                .unwrap()
                .to_multi_float64()
                .unwrap();
            assert_eq!(spacing, [volume.spacing().row_mm, volume.spacing().col_mm]);
            check_synthetic(&object);
        }
        uids_by_name.sort();
        assert!(
            uids_by_name
                .iter()
                .zip(&volume.info().sop_uids)
                .any(|(a, b)| *a != b)
        );
        assert!(volume.info().positions_mm.is_sorted());
    }
    for storage in [
        Storage::Unsigned12,
        Storage::Signed16,
        Storage::SignedPadded,
    ] {
        assert!(
            storages.contains(&storage),
            "{storage:?} is not in {storages:?}"
        );
    }
}

fn check_synthetic(object: &DefaultDicomObject) {
    assert_eq!(text(object, tags::PATIENT_NAME), "SYNTHETIC^PHANTOM");
    assert_eq!(text(object, tags::BODY_PART_EXAMINED), "CHEST");
    assert_eq!(text(object, tags::BURNED_IN_ANNOTATION), "NO");
    for tag in [
        tags::IMAGE_COMMENTS,
        tags::SERIES_DESCRIPTION,
        tags::MANUFACTURER,
    ] {
        assert!(text(object, tag).contains("SYNTHETIC"));
    }
    assert_eq!(text(object, tags::STUDY_DATE), "");
}
