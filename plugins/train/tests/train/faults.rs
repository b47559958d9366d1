//! A training run after a crash, a full disk, a read-only folder or a lost permission at any of
//! its writes: the same command ends with the same bits.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::cohort::store;
use crate::training::{quick, runs, split, weights};
use pe_binding::Work;
use pe_files::{Fault, Faults, Files, UNFINISHED};
use pe_nn::BackboneKind;
use pe_train::{
    FeatureSet, FitOptions, Model, Runs, SequenceKind, SequenceOptions, Split, TrainError,
};

/// What a sequence model is trained on.
struct Job {
    features: FeatureSet,
    split: Split,
    options: SequenceOptions,
}

impl Job {
    fn new(folder: &Path) -> Self {
        let store = store(&folder.join("store"), 12, 32);
        let (runs, split) = (runs(folder), split(&store));
        let options = quick(BackboneKind::EfficientNetB0);
        let silent = Work::silent();
        let cnn = runs.cnn("cnn", &options, &store, &split, &silent).unwrap();
        let features = FeatureSet::new(&cnn, &store, &runs).unwrap();
        // They are extracted once; what is tried here is training.
        features.of(&features.exams(), &silent).unwrap();
        let options = SequenceOptions {
            model: SequenceKind::Tcn,
            channels: 4,
            levels: 1,
            fit: FitOptions {
                epochs: 2,
                batch: 8,
                ..SequenceOptions::default().fit
            },
            ..SequenceOptions::default()
        };
        Self {
            features,
            split,
            options,
        }
    }

    fn train(&self, folder: &Path, files: &Files) -> Result<Model, TrainError> {
        let runs = Runs::new(folder, "cpu", 5, files)?;
        let work = Work::silent().with_files(files.clone());
        runs.sequence("tcn", &self.options, &self.features, &self.split, &work)
    }
}

#[test]
fn training_ends_with_the_same_bits_whatever_fails_and_when() {
    let scratch = tempfile::tempdir().unwrap();
    let job = Job::new(scratch.path());
    let counting = Arc::new(Faults::none());
    let files = Files::free().with_faults(counting.clone());
    let whole = job.train(&scratch.path().join("whole"), &files).unwrap();
    let n_changes = counting.count();
    assert!(n_changes > 40, "{n_changes}");
    for fault in [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied] {
        // A kill and a full disk are tried at every change, the others at every third.
        let step = match fault {
            Fault::Killed | Fault::Full => 1,
            Fault::ReadOnly | Fault::Denied => 3,
        };
        for at in (0..n_changes).step_by(step) {
            let what = format!("{fault:?} at change {at} of {n_changes}");
            let folder = tempfile::tempdir().unwrap();
            let faults = Arc::new(Faults::at(at, fault, at));
            let files = Files::free().with_faults(faults.clone());
            let failed = job.train(folder.path(), &files);
            assert!(faults.met() || failed.is_err(), "{what}");
            let again = job.train(folder.path(), &Files::free());
            let again = again.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(weights(&again) == weights(&whole), "{what}: other weights");
            let thresholds = |model: &Model| model.record().thresholds.clone();
            assert_eq!(thresholds(&again), thresholds(&whole), "{what}");
            let left: Vec<String> = fs::read_dir(again.folder())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .filter(|name| {
                    ["state-", "best-", UNFINISHED]
                        .iter()
                        .any(|p| name.starts_with(p))
                })
                .collect();
            assert!(left.is_empty(), "{what}: {left:?} is left");
        }
    }
}
