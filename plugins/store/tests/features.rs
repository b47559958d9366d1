//! Features on disk: what is put comes back, what changed or is damaged does not.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array3, s};
use pe_binding::Work;
use pe_ct::{ExamId, ExamInfo, Mask, Spacing, Volume};
use pe_files::Files;
use pe_store::{
    Crop, FeatureSettings, FeatureStore, FeatureUnit, Outside, SliceSettings, SliceStore,
    StoreError, StoredExam,
};

const SPACING: Spacing = Spacing {
    slice_mm: 2.0,
    row_mm: 1.0,
    col_mm: 1.0,
};

fn volume(hu: Array3<i16>) -> Volume {
    let n_slices = hu.dim().0;
    let info = ExamInfo {
        id: ExamId {
            study_uid: "1.2".into(),
            series_uid: "1.2.3".into(),
        },
        spacing: SPACING,
        sop_uids: (0..n_slices).map(|idx| format!("1.2.3.{idx}")).collect(),
        positions_mm: (0..n_slices).map(|idx| idx as f64 * 2.0).collect(),
        patient_key: None,
        inputs_key: "inputs".into(),
        labels: None,
    };
    Volume::new(Arc::new(info), hu).unwrap()
}

fn stored(folder: &Path, hu: i16) -> StoredExam {
    let settings = SliceSettings {
        size: 4,
        ..SliceSettings::default()
    };
    let store = SliceStore::open(folder, settings, &Files::free()).unwrap();
    let volume = volume(Array3::from_elem((3, 8, 8), hu));
    store.put(&volume, None, &Work::silent()).unwrap()
}

fn features(folder: &Path, weights: &str) -> FeatureStore {
    let settings = FeatureSettings {
        network: "network".into(),
        weights: weights.into(),
        slices: "slices".into(),
        unit: FeatureUnit::Slice,
        width: 5,
    };
    FeatureStore::open(folder, settings, &Files::free()).unwrap()
}

fn file(store: &FeatureStore) -> std::path::PathBuf {
    let entries = fs::read_dir(store.folder()).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths
        .find(|path| path.extension().is_some_and(|end| end == "bin"))
        .unwrap()
}

#[test]
fn what_is_put_comes_back_to_the_bit_and_only_for_its_slices_and_weights() {
    let folder = tempfile::tempdir().unwrap();
    let exam = stored(folder.path(), 0);
    let store = features(folder.path(), "a");
    assert!(store.get(&exam).unwrap().is_none());
    let values: Vec<f32> = (0..15).map(|n| n as f32 / 7.0 - 1.0).collect();
    store.put(&exam, &values).unwrap();
    let found = store.get(&exam).unwrap().unwrap();
    assert_eq!((found.n_rows(), found.width()), (3, 5));
    assert_eq!(found.values(), values);
    assert_eq!(found.row(2), &values[10..]);

    let other = features(folder.path(), "b");
    assert!(other.get(&exam).unwrap().is_none(), "other weights");
    let changed = stored(folder.path(), 100);
    assert!(store.get(&changed).unwrap().is_none(), "other slices");
}

#[test]
fn values_that_are_no_rows_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let exam = stored(folder.path(), 0);
    let store = features(folder.path(), "a");
    for n in [0, 4, 6] {
        let refused = store.put(&exam, &vec![0.0; n]);
        assert!(matches!(refused, Err(StoreError::Features { found, .. }) if found == n));
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let exam = stored(folder.path(), 0);
    let store = features(folder.path(), "a");
    store.put(&exam, &[0.5; 15]).unwrap();
    let path = file(&store);
    let whole = fs::read(&path).unwrap();
    for length in (1..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let found = store.get(&exam);
        assert!(
            matches!(found, Err(StoreError::Damaged { .. })),
            "cut at {length}"
        );
    }
    let values = whole.len() - 15 * 4;
    for at in values..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&path, bytes).unwrap();
        assert!(
            matches!(store.get(&exam), Err(StoreError::Damaged { .. })),
            "flipped at {at}"
        );
    }
    store.put(&exam, &[0.5; 15]).unwrap();
    assert!(
        store.get(&exam).unwrap().is_some(),
        "putting it again mends it"
    );
}

#[test]
fn a_cropped_slice_is_the_part_around_the_mask() {
    let folder = tempfile::tempdir().unwrap();
    let mut hu = Array3::from_elem((2, 40, 60), -1000_i16);
    hu.slice_mut(s![.., 10..30, 20..40]).fill(100);
    let mut inside = Array3::from_elem((2, 40, 60), false);
    inside.slice_mut(s![1, 10..30, 20..40]).fill(true);
    let mask = Mask::new(inside, SPACING, "recipe");
    let put = |crop, outside| {
        let settings = SliceSettings {
            size: 11,
            mask: "recipe".into(),
            crop,
            outside,
            ..SliceSettings::default()
        };
        let store = SliceStore::open(folder.path(), settings, &Files::free()).unwrap();
        store
            .put(&volume(hu.clone()), Some(&mask), &Work::silent())
            .unwrap()
    };
    let bright = |exam: &StoredExam, slice_idx: usize| {
        exam.slice(slice_idx)
            .iter()
            .filter(|value| **value > 0.4)
            .count()
    };
    let whole = put(Crop::None, Outside::Zero);
    let cropped = put(Crop::Mask, Outside::Zero);
    assert!(
        bright(&cropped, 1) > 3 * bright(&whole, 1),
        "the block fills a cropped slice"
    );
    assert_eq!(bright(&cropped, 0), 0, "what is outside the mask stays 0");
    let kept = put(Crop::Mask, Outside::Keep);
    assert_eq!(bright(&kept, 0), bright(&kept, 1));
    assert!(
        bright(&kept, 0) >= bright(&cropped, 1),
        "the mask only frames where what is outside is kept"
    );
}
