//! What a store promises: it keeps what it was given, skips what is there, and never hands out
//! what is stale, damaged or made with other settings.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array3;
use pe_binding::{Watch, Work};
use pe_ct::{ExamInfo, ExamLabels, HuWindow, Mask, Spacing, Volume, channels::Channels};
use pe_files::Files;
use pe_store::{Dtype, SliceSettings, SliceStore, Status, StoreError};
use proptest::prelude::*;

const SPACING: Spacing = Spacing {
    slice_mm: 2.0,
    row_mm: 0.7,
    col_mm: 0.7,
};

/// Four slices of 20 × 24 pixels from air to bone.
fn volume(name: &str) -> Volume {
    let hu = Array3::from_shape_fn((4, 20, 24), |(slice, row, col)| {
        (slice * 97 + row * 61 + col * 37) as i16 - 1000
    });
    Volume::unnamed(name, SPACING, hu)
}

/// Everything but the first slice and the first column.
fn mask(volume: &Volume, recipe: &str) -> Mask {
    let voxels = Array3::from_shape_fn(volume.dim(), |(slice, _, col)| slice > 0 && col > 0);
    Mask::new(voxels, volume.spacing(), recipe)
}

fn settings(dtype: Dtype) -> SliceSettings {
    SliceSettings {
        size: 8,
        dtype,
        mask: "test mask".into(),
        ..SliceSettings::default()
    }
}

fn open(root: &Path, settings: SliceSettings) -> SliceStore {
    SliceStore::open(root, settings, &Files::free()).expect("the store opens")
}

fn put(store: &SliceStore, volume: &Volume) -> pe_store::StoredExam {
    store
        .put(volume, Some(&mask(volume, "test mask")), &Work::silent())
        .expect("the exam is stored")
}

fn has(store: &SliceStore, volume: &Volume) -> bool {
    store
        .has(volume.info(), &Work::silent())
        .expect("the store answers")
}

/// The folder of the only exam of the store.
fn exam_folder(store: &SliceStore) -> std::path::PathBuf {
    let mut folders = fs::read_dir(store.folder()).expect("the folder is there");
    folders
        .find_map(|entry| entry.ok().map(|e| e.path()).filter(|path| path.is_dir()))
        .expect("one exam")
}

/// The volume with its description changed.
fn with_info(volume: &Volume, change: impl FnOnce(&mut ExamInfo)) -> Volume {
    let mut info = ExamInfo::clone(volume.info());
    change(&mut info);
    Volume::new(Arc::new(info), volume.hu().to_owned()).expect("as many slices as before")
}

#[test]
fn what_is_stored_is_what_the_channels_give() {
    let check = |dtype: Dtype, tolerance: f32| {
        let root = tempfile::tempdir().expect("a scratch folder");
        let (store, volume) = (open(root.path(), settings(dtype)), volume("a"));
        let stored = put(&store, &volume);
        let mask = mask(&volume, "test mask");
        let channels = Channels::new(&HuWindow::CHANNELS, 8).expect("a small side");
        for slice_idx in 0..4 {
            let expected = channels.render(volume.slice(slice_idx), Some(mask.slice(slice_idx)));
            let found = stored.slice(slice_idx);
            assert_eq!(found.dim(), expected.dim());
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{found} is not {expected}"
                );
            }
        }
        let manifest = stored.manifest();
        assert_eq!(manifest.shape, [4, 3, 8, 8]);
        assert_eq!(manifest.empty_slices, [0]);
        assert_eq!(manifest.mask_ml, Some(mask.volume_ml()));
        assert_eq!(&manifest.exam, volume.info().as_ref());
        stored.verify().expect("nothing touched it");
    };
    check(Dtype::U8, 0.5 / 255.0 + 1e-6);
    check(Dtype::F16, 1.0 / 2048.0);
}

#[test]
fn a_second_run_skips_what_is_there_and_other_settings_do_not_reuse_it() {
    let root = tempfile::tempdir().expect("a scratch folder");
    let volume = volume("a");
    let store = open(root.path(), settings(Dtype::U8));
    assert!(!has(&store, &volume));
    put(&store, &volume);
    assert!(has(&store, &volume));
    drop(store);
    assert!(has(&open(root.path(), settings(Dtype::U8)), &volume));
    assert!(!has(&open(root.path(), settings(Dtype::F16)), &volume));
    let smaller = SliceSettings {
        size: 4,
        ..settings(Dtype::U8)
    };
    assert!(!has(&open(root.path(), smaller), &volume));
}

#[test]
fn changed_inputs_are_stale_and_replaced() {
    let root = tempfile::tempdir().expect("a scratch folder");
    let store = open(root.path(), settings(Dtype::U8));
    let old = volume("a");
    put(&store, &old);
    let new = with_info(&old, |info| info.inputs_key = "other files".into());
    assert!(matches!(store.status(new.info()), Ok(Status::Stale)));
    put(&store, &new);
    assert!(has(&store, &new));
    assert_eq!(store.exams().expect("the store lists").len(), 1);
}

#[test]
fn changed_labels_are_written_down_without_making_the_slices_again() {
    let root = tempfile::tempdir().expect("a scratch folder");
    let store = open(root.path(), settings(Dtype::U8));
    let old = volume("a");
    put(&store, &old);
    let labels = ExamLabels {
        pe_on_slice: vec![Some(true); 4],
        ..ExamLabels::default()
    };
    let new = with_info(&old, |info| info.labels = Some(labels.clone()));
    assert!(has(&store, &new));
    let exams = store.exams().expect("the store lists");
    assert_eq!(exams[0].manifest().exam.labels.as_ref(), Some(&labels));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let root = tempfile::tempdir().expect("a scratch folder");
    let store = open(root.path(), settings(Dtype::U8));
    let volume = volume("a");
    let check = |mask: Option<Mask>, message: &str| {
        let error = store
            .put(&volume, mask.as_ref(), &Work::silent())
            .expect_err("it is refused");
        assert!(error.to_string().contains(message), "{error}");
    };
    check(
        None,
        "expects a mask made by test mask, found one made by none",
    );
    check(Some(mask(&volume, "another")), "found one made by another");
    let small = Mask::new(Array3::from_elem((4, 2, 2), true), SPACING, "test mask");
    check(Some(small), "expected a mask of (4, 20, 24)");
    let nothing = Volume::unnamed("b", SPACING, Array3::zeros((0, 4, 4)));
    let error = store.put(
        &nothing,
        Some(&mask(&nothing, "test mask")),
        &Work::silent(),
    );
    assert!(matches!(error, Err(StoreError::Empty { .. })));
    assert!(store.exams().expect("the store lists").is_empty());
    let error = SliceStore::open(
        root.path(),
        SliceSettings {
            size: 0,
            ..settings(Dtype::U8)
        },
        &Files::free(),
    );
    assert!(matches!(error, Err(StoreError::Ct(_))));
}

/// Interrupts after a number of slices.
struct StopAfter(AtomicUsize);

impl Watch for StopAfter {
    fn begin(&self, _: &str, _: u64, _: &str) {}
    fn advance(&self, _: u64) {
        let _ = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
    }
    fn end(&self) {}
    fn warn(&self, _: &str) {}
    fn interrupted(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }
}

#[test]
fn an_interrupt_leaves_the_store_whole() {
    let root = tempfile::tempdir().expect("a scratch folder");
    let store = open(root.path(), settings(Dtype::U8));
    let (first, second) = (volume("a"), volume("b"));
    put(&store, &first);
    let work = Work::new(Arc::new(StopAfter(AtomicUsize::new(2))));
    let error = store
        .put(&second, Some(&mask(&second, "test mask")), &work)
        .expect_err("stopped");
    assert!(matches!(error, StoreError::Interrupted(_)));
    assert!(has(&store, &first) && !has(&store, &second));
    assert_eq!(store.exams().expect("the store lists").len(), 1);
    put(&store, &second);
    assert!(has(&store, &second));
}

#[test]
fn what_a_killed_writer_left_is_cleared_away() {
    let root = tempfile::tempdir().expect("a scratch folder");
    let store = open(root.path(), settings(Dtype::U8));
    let left = store.folder().join(".unfinished-0123");
    fs::create_dir(&left).expect("a folder");
    fs::write(left.join("slices.bin"), b"half").expect("a file");
    assert!(store.exams().expect("the store lists").is_empty());
    put(&store, &volume("a"));
    assert!(!left.exists());
}

#[test]
fn another_process_is_kept_out_and_named() {
    let root = tempfile::tempdir().expect("a scratch folder");
    let store = open(root.path(), settings(Dtype::U8));
    // A second open file holds the lock as another process would.
    let path = root.path().join(".pe-script.lock");
    fs::write(&path, "process 12345").expect("a file");
    let file = fs::File::open(&path).expect("the file");
    file.lock().expect("nobody else holds it");
    let volume = volume("a");
    let error = store
        .put(&volume, Some(&mask(&volume, "test mask")), &Work::silent())
        .expect_err("locked");
    assert!(
        error
            .to_string()
            .contains("is being written by process 12345"),
        "{error}"
    );
    drop(file);
    put(&store, &volume);
    // The same folder with other settings, in the same process, shares the lock.
    put(&open(root.path(), settings(Dtype::F16)), &volume);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bit of any file flipped, or any length cut off, is found, told, and mended by a new put.
    #[test]
    fn damage_is_found_and_made_again(in_manifest: bool, at in 0.0..1.0_f64, bit in 0..8_u32, cut: bool) {
        let root = tempfile::tempdir().expect("a scratch folder");
        let (store, volume) = (open(root.path(), settings(Dtype::U8)), volume("a"));
        put(&store, &volume);
        let path = exam_folder(&store).join(if in_manifest { "exam.json" } else { "slices.bin" });
        let mut bytes = fs::read(&path).expect("the file is there");
        let at = (at * bytes.len() as f64) as usize;
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        // As a damaged disk would: in a new file, since the old one may be mapped.
        fs::remove_file(&path).expect("the file is there");
        fs::write(&path, &bytes).expect("the file is written");

        prop_assert!(!has(&store, &volume), "{} at {at}", path.display());
        put(&store, &volume);
        prop_assert!(has(&store, &volume));
    }
}
