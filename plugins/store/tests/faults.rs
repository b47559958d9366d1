//! What a store is after a crash, a full disk, a read-only folder or a lost permission at any of
//! its writes, and after a file was cut off or changed: whole, or made again.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array3;
use pe_binding::Work;
use pe_ct::{Spacing, Volume};
use pe_files::{Fault, Faults, Files};
use pe_store::{FeatureSettings, FeatureStore, FeatureUnit, SliceSettings, SliceStore, StoreError};

const SPACING: Spacing = Spacing {
    slice_mm: 2.0,
    row_mm: 0.7,
    col_mm: 0.7,
};
const FAULTS: [Fault; 4] = [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied];
const WIDTH: usize = 8;

fn volume(name: &str) -> Volume {
    let hu = Array3::from_shape_fn((3, 10, 12), |(slice, row, col)| {
        (slice * 97 + row * 61 + col * 37 + name.len()) as i16 - 1000
    });
    Volume::unnamed(name, SPACING, hu)
}

fn slice_store(root: &Path, files: &Files) -> Result<SliceStore, StoreError> {
    let settings = SliceSettings {
        size: 8,
        ..SliceSettings::default()
    };
    SliceStore::open(root, settings, files)
}

fn feature_store(root: &Path, files: &Files) -> Result<FeatureStore, StoreError> {
    let settings = FeatureSettings {
        network: "network".into(),
        weights: "digest".into(),
        slices: "slices".into(),
        unit: FeatureUnit::Slice,
        width: WIDTH,
    };
    FeatureStore::open(root, settings, files)
}

fn features(n_rows: usize) -> Vec<f32> {
    (0..n_rows * WIDTH).map(|n| n as f32 / 3.0).collect()
}

/// Two exams and their features, as an experiment makes them: what is there is not made again.
fn job(root: &Path, files: &Files) -> Result<(), StoreError> {
    let work = Work::silent();
    let slices = slice_store(root, files)?;
    for volume in [volume("a"), volume("bb")] {
        if !slices.has(volume.info(), &work)? {
            slices.put(&volume, None, &work)?;
        }
    }
    let store = feature_store(root, files)?;
    for exam in slices.exams()? {
        let found = match store.get(&exam) {
            Err(StoreError::Damaged { .. }) => None,
            found => found?,
        };
        if found.is_none() {
            store.put(&exam, &features(exam.n_slices()))?;
        }
    }
    Ok(())
}

/// As an earlier version of the first exam, so that the job replaces it.
fn outdated(root: &Path) {
    let slices = slice_store(root, &Files::free()).unwrap();
    let hu = Array3::zeros((2, 10, 12));
    let mut info = (**volume("a").info()).clone();
    info.inputs_key = "of other files".into();
    info.sop_uids.truncate(2);
    info.positions_mm.truncate(2);
    let old = Volume::new(Arc::new(info), hu).unwrap();
    slices.put(&old, None, &Work::silent()).unwrap();
}

/// Every file under `root`, and its bytes. The lock names the process that held it.
fn contents(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in Files::free().list(&folder).unwrap() {
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != ".pe-script.lock" {
                let bytes = fs::read(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), bytes));
            }
        }
    }
    found.sort();
    found
}

fn undisturbed() -> (tempfile::TempDir, Vec<(PathBuf, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    outdated(folder.path());
    job(folder.path(), &Files::free()).unwrap();
    let contents = contents(folder.path());
    (folder, contents)
}

/// Whatever the store hands out is what was put, or it says that it is damaged.
fn hands_out_nothing_wrong(root: &Path, whole: &Path, what: &str) {
    let slices = slice_store(root, &Files::free()).unwrap();
    let store = feature_store(root, &Files::free()).unwrap();
    let expected = slice_store(whole, &Files::free()).unwrap();
    for volume in [volume("a"), volume("bb")] {
        let Ok(pe_store::Status::Whole(exam)) = slices.status(volume.info()) else {
            continue;
        };
        let wanted = expected.get(volume.info()).unwrap().unwrap();
        for slice_idx in 0..wanted.n_slices() {
            assert_eq!(exam.slice(slice_idx), wanted.slice(slice_idx), "{what}");
        }
        if let Ok(Some(found)) = store.get(&exam) {
            assert_eq!(found.values(), features(exam.n_slices()), "{what}");
        }
    }
}

#[test]
fn a_store_is_whole_or_made_again_whatever_fails_and_when() {
    let (whole, expected) = undisturbed();
    let counting = Arc::new(Faults::none());
    let folder = tempfile::tempdir().unwrap();
    outdated(folder.path());
    job(folder.path(), &Files::free().with_faults(counting.clone())).unwrap();
    let n_changes = counting.count();
    assert!(n_changes > 20, "{n_changes}");
    for (fault, at) in FAULTS
        .into_iter()
        .flat_map(|f| (0..n_changes).map(move |at| (f, at)))
    {
        let what = format!("{fault:?} at change {at}");
        let folder = tempfile::tempdir().unwrap();
        outdated(folder.path());
        let faults = Arc::new(Faults::at(at, fault, at));
        let failed = job(folder.path(), &Files::free().with_faults(faults.clone()));
        assert!(faults.met(), "{what}");
        if let Err(error) = failed {
            let told = matches!(error, StoreError::Io { .. });
            assert!(told, "{what}: {error}");
        }
        hands_out_nothing_wrong(folder.path(), whole.path(), &what);
        job(folder.path(), &Files::free()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = contents(folder.path());
        let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<PathBuf> {
            files.iter().map(|(path, _)| path.clone()).collect()
        };
        assert_eq!(names(&found), names(&expected), "{what}");
        assert!(found == expected, "{what}: other bytes");
    }
}

#[test]
fn files_that_were_cut_off_or_changed_are_made_again() {
    let (whole, expected) = undisturbed();
    let binary = |path: &Path| path.file_name().unwrap() != "settings.json";
    for (path, bytes) in expected.iter().filter(|(path, _)| binary(path)) {
        let n = bytes.len();
        let cut = [0, 1, n / 3, n - 1].map(|to| bytes[..to].to_vec());
        let step = (n / 40).max(1);
        let flipped = (0..n).step_by(step).map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            bytes
        });
        let longer = [bytes.as_slice(), &[0]].concat();
        for damaged in cut.into_iter().chain(flipped).chain([longer]) {
            let folder = tempfile::tempdir().unwrap();
            job(folder.path(), &Files::free()).unwrap();
            fs::write(folder.path().join(path), &damaged).unwrap();
            let what = path.display().to_string();
            hands_out_nothing_wrong(folder.path(), whole.path(), &what);
            // A manifest that is damaged keeps the listing from telling what else is there.
            job(folder.path(), &Files::free()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(
                contents(folder.path()) == expected,
                "{what} is not made again"
            );
        }
    }
}
