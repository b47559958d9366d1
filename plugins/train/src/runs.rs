//! Trains models in a folder. A finished model is reused, not trained again.

use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pe_binding::{WeightsFile, Work};
use pe_ct::ExamId;
use pe_files::{Access, Files, Output};
use pe_nn::{Adapted, Request, choose, imagenet, safetensors_io};
use pe_store::{SliceStore, StoredExam};
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::data::{Normalisation, Samples, SequenceSet, SlabForm, SlabSet, SliceSet};
use crate::features::FeatureSet;
use crate::files::checksum;
use crate::fit::{Fitted, Job, Network, clear, fit, weights, write_tensors};
use crate::model::{Architecture, Model, ModelRecord, VERSION, build};
use crate::options::{CnnOptions, FitOptions, SequenceKind, SequenceOptions};
use crate::predict::thresholds;
use crate::random::seed_torch;
use crate::{Split, TrainError};

/// A folder of models, and the device and the seed to train them with.
#[derive(Debug, Clone)]
pub struct Runs {
    folder: PathBuf,
    files: Files,
    device: Device,
    seed: u64,
    n_threads: usize,
}

/// The data of one run: the samples of two parts of the split, and the exams' IDs.
struct Parts<'a> {
    train: &'a dyn Samples,
    validation: &'a dyn Samples,
    split: &'a Split,
    /// Digest of the slices and labels that the samples are made from.
    digest: String,
    features: Features<'a>,
}

/// Source of the features that the finished model predicts from.
enum Features<'a> {
    /// A CNN makes its own, from slices.
    Own(&'a SliceStore),
    /// A sequence model takes those of its backbone.
    Given(&'a FeatureSet),
}

/// The options of [`Runs`] that a script can set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSettings {
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Seed of initialisation, order, augmentation and dropout.
    pub seed: u64,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            device: "auto".into(),
            seed: 0,
        }
    }
}

impl Runs {
    /// Creates runs with models in `folder/models` and features in `folder/features`.
    ///
    /// # Errors
    /// [`TrainError::Io`] when the folder may not be written to; [`TrainError::Nn`] when the device
    /// cannot be used.
    pub fn new(folder: &Path, device: &str, seed: u64, files: &Files) -> Result<Self, TrainError> {
        let allowed = files.check(folder, Access::Write);
        allowed.map_err(TrainError::io("write", folder))?;
        let request: Request = device.parse().map_err(pe_nn::NnError::from)?;
        let device = choose(request).map_err(pe_nn::NnError::from)?.device();
        // Making batches takes little time compared with the network's. More threads would only
        // compete with libtorch's.
        let n_threads = (rayon::current_num_threads() / 2).clamp(1, 8);
        Ok(Self {
            folder: folder.to_owned(),
            files: files.clone(),
            device,
            seed,
            n_threads,
        })
    }

    /// The device that networks run on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The folder of models and features.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Trains a CNN on the training part of `split`, or opens the model if the same run is finished
    /// already.
    ///
    /// # Errors
    /// [`TrainError::Option`]; [`TrainError::Data`] when a part has no labelled slices, or another
    /// process trains in the model's folder; errors of training.
    pub fn cnn(
        &self,
        name: &str,
        options: &CnnOptions,
        slices: &SliceStore,
        split: &Split,
        work: &Work,
    ) -> Result<Model, TrainError> {
        options.check()?;
        tell(
            name,
            &options.without_effect(),
            options.network.name(),
            work,
        );
        let exams = slices.exams()?;
        let normalisation = Normalisation::of(options.network);
        // 0 means that training slabs do not overlap.
        let stride = match options.slab_stride {
            0 => options.slab,
            stride => stride,
        };
        type Part = (Box<dyn Samples>, Vec<StoredExam>);
        let samples = |part: &[ExamId], stride: usize| -> Result<Part, TrainError> {
            let exams = Split::of(part, &exams)?;
            Ok((
                images(options, exams.clone(), normalisation, self.seed, stride),
                exams,
            ))
        };
        let (train, train_exams) = samples(&split.train, stride)?;
        // Slabs of validation never overlap, as in prediction.
        let (validation, validation_exams) = samples(&split.validation, options.slab)?;
        let parts = Parts {
            train: train.as_ref(),
            validation: validation.as_ref(),
            split,
            digest: digest(&[train_exams, validation_exams]),
            features: Features::Own(slices),
        };
        let architecture = Architecture::Cnn {
            options: options.clone(),
            normalisation,
            slices: slices.settings().clone(),
            // Not known before the weights are loaded, and not a part of the run's name.
            start: String::new(),
            weights: given(options, work.files())?,
        };
        self.train(name, architecture, &options.fit, &parts, work)
    }

    /// Trains a sequence model on features of the training part of `split`, or opens the model if
    /// the same run is finished already.
    ///
    /// # Errors
    /// As [`Runs::cnn`], and errors of making features.
    pub fn sequence(
        &self,
        name: &str,
        options: &SequenceOptions,
        features: &FeatureSet,
        split: &Split,
        work: &Work,
    ) -> Result<Model, TrainError> {
        options.check()?;
        let kind = match options.model {
            SequenceKind::BiLstm => "a BiLSTM",
            SequenceKind::Tcn => "a TCN",
        };
        tell(name, &options.without_effect(), kind, work);
        let form = features.form(options);
        let set = |part: &[ExamId]| -> Result<(SequenceSet, Vec<StoredExam>), TrainError> {
            let exams = features.of(part, work)?;
            let stored = exams.iter().map(|(exam, _)| exam.clone()).collect();
            Ok((
                SequenceSet::new(exams, form, self.seed, options.fit.shuffle_labels),
                stored,
            ))
        };
        let ((train, train_exams), (validation, validation_exams)) =
            (set(&split.train)?, set(&split.validation)?);
        let parts = Parts {
            train: &train,
            validation: &validation,
            split,
            digest: digest(&[train_exams, validation_exams]),
            features: Features::Given(features),
        };
        let architecture = Architecture::Sequence {
            options: options.clone(),
            features: features.settings().clone(),
            backbone: features.backbone(),
        };
        self.train(name, architecture, &options.fit, &parts, work)
    }

    fn train(
        &self,
        name: &str,
        mut architecture: Architecture,
        options: &FitOptions,
        parts: &Parts,
        work: &Work,
    ) -> Result<Model, TrainError> {
        check_name(name)?;
        check_parts(parts)?;
        let folder = self
            .folder
            .join("models")
            .join(self.run_name(name, &architecture, parts));
        // This needs no lock: `model.json` is written at once, when the model is finished.
        if let Some(model) = Model::open(&folder, &self.files)? {
            // A process killed right after it finished a model leaves checkpoints, which only take
            // space. If they cannot be removed, because the folder is read-only, the model is as
            // good.
            let _ = clear(&folder, &self.files);
            if let Some(file) = model.weights_file() {
                work.weights(file);
            }
            return Ok(model);
        }
        (self.files)
            .create_dir_all(&folder)
            .map_err(TrainError::io("create", &folder))?;
        // Two processes must not train in one folder. The lock is held until this function returns.
        let _lock = lock(&folder, &self.files)?;
        let mut network = {
            // The generator is locked only while the initial weights are drawn.
            let _drawing = seed_torch(self.seed, "initialisation", &[]);
            let mut network = build(&architecture, self.device)?;
            // The initial classifier is torchvision's, which is made for 1000 classes.
            if let Network::Cnn(backbone) = &mut network {
                backbone.renew_classifier()?;
            }
            network
        };
        if let (
            Network::Cnn(backbone),
            Architecture::Cnn {
                options,
                start,
                weights,
                ..
            },
        ) = (&mut network, &mut architecture)
        {
            *start = begin(backbone, options, weights.as_mut(), work)?;
        }
        let job = Job {
            name,
            folder: &folder,
            train: parts.train,
            validation: parts.validation,
            options,
            seed: self.seed,
            n_threads: self.n_threads,
            work,
        };
        let fitted = fit(&job, &mut network)?;
        let model = record(&job, &network, architecture, fitted, parts.split)?;
        // Free the device's memory: `FeatureSet` and `thresholds` load the network again.
        drop(network);
        let features = match &parts.features {
            Features::Own(slices) => FeatureSet::new(&model, slices, self)?,
            Features::Given(features) => FeatureSet::clone(features),
        };
        let thresholds = thresholds(&model, &features, &parts.split.validation, work)?;
        // Remove the checkpoints only after `model.json` is written. Until then a stopped run
        // resumes from them.
        let model = model.finish(thresholds)?;
        clear(&folder, &self.files)?;
        Ok(model)
    }

    /// Returns `NAME-DIGEST`. Runs with the same name, options, data, seed and version of the code
    /// get the same name, and so share a folder.
    fn run_name(&self, name: &str, architecture: &Architecture, parts: &Parts) -> String {
        let mut architecture = serde_json::json!(architecture);
        // Leave out the weights' path, which changes when a folder is moved. Their SHA-256 stays
        // in.
        if architecture["weights"].is_object() {
            architecture["weights"]["file"] = serde_json::Value::Null;
            architecture["options"]["weights"] = serde_json::Value::Null;
        }
        let what = serde_json::json!({
            "version": VERSION,
            "architecture": architecture,
            "split": [&parts.split.train, &parts.split.validation],
            "data": parts.digest,
            "seed": self.seed,
        });
        format!("{name}-{}", &checksum(what.to_string().as_bytes())[..12])
    }
}

/// Warns about options that were set but have no effect.
fn tell(name: &str, options: &[&str], of: &str, work: &Work) {
    for option in options {
        work.warn(&format!("{name}: `{option}` has no effect on {of}"));
    }
}

/// Makes the samples that a CNN is trained on: slices, or slabs for a 3D network.
fn images(
    options: &CnnOptions,
    exams: Vec<StoredExam>,
    normalisation: Normalisation,
    seed: u64,
    stride: usize,
) -> Box<dyn Samples> {
    let (augmentation, shuffled) = (options.augmentation, options.fit.shuffle_labels);
    if !options.network.is_3d() {
        Box::new(SliceSet::new(
            exams,
            normalisation,
            augmentation,
            seed,
            shuffled,
        ))
    } else {
        let form = SlabForm {
            frames: options.slab,
            stride,
            head: options.head,
        };
        Box::new(SlabSet::new(
            exams,
            form,
            normalisation,
            augmentation,
            seed,
            shuffled,
        ))
    }
}

/// Returns the pretrained weights that a script gave, by file or by name. Their SHA-256 is a part
/// of the run's name, so another file in the same place starts another run.
fn given(options: &CnnOptions, files: &Files) -> Result<Option<WeightsFile>, TrainError> {
    let sha256 = match options.weights.as_str() {
        "" => return Ok(None),
        imagenet::NAME => imagenet::find(options.network)?.sha256,
        file => safetensors_io::sha256(Path::new(file), files)?,
    };
    Ok(Some(WeightsFile {
        file: options.weights.clone(),
        sha256,
        known: None,
    }))
}

/// Loads pretrained weights, if any, into a network; describes the initial weights in words.
fn begin(
    backbone: &mut pe_nn::Backbone,
    options: &CnnOptions,
    weights: Option<&mut WeightsFile>,
    work: &Work,
) -> Result<String, TrainError> {
    let start = match weights {
        None => {
            let network = options.network;
            work.warn(&format!(
                "no pretrained weights were given: {network} starts from its standard \
                 initialisation, which needs more data and epochs than the paper's"
            ));
            "standard initialisation".to_owned()
        }
        Some(weights) => {
            let adapted = match weights.file.as_str() {
                imagenet::NAME => backbone.load_imagenet()?,
                file => backbone.load_pretrained(Path::new(file), work.files())?,
            };
            // The file may have changed since `given` computed the digest that the run is named by.
            if adapted.sha256 != weights.sha256 {
                return Err(TrainError::Data {
                    what: weights.file.clone(),
                    expected: format!("the file with the SHA-256 {}", weights.sha256),
                    found: format!("another, written a moment ago: {}", adapted.sha256),
                });
            }
            weights.known = adapted.known.map(str::to_owned);
            let start = described(&weights.file, &adapted);
            work.warn(&start);
            work.weights(weights);
            start
        }
    };
    backbone.channels_last()?;
    Ok(start)
}

/// Describes where weights come from and what was changed in them, for the record and the user.
fn described(path: &str, adapted: &Adapted) -> String {
    let known = adapted
        .known
        .map_or(String::new(), |known| format!(", {known}"));
    let classifier = adapted
        .classifier_replaced
        .as_deref()
        .unwrap_or("classifier as in the file");
    format!(
        "weights {path} (SHA-256 {}{known}): {classifier}",
        adapted.sha256
    )
}

/// Writes the fitted weights to disk. The returned model is not finished: its record is not written
/// yet.
fn record(
    job: &Job,
    network: &Network,
    architecture: Architecture,
    fitted: Fitted,
    split: &Split,
) -> Result<Model, TrainError> {
    let path = job.folder.join("model.safetensors");
    let files = job.work.files();
    let weights = write_tensors(&path, &weights(network), files)?;
    let record = ModelRecord {
        name: job.name.to_owned(),
        architecture,
        thresholds: Vec::new(),
        history: fitted.history,
        best_epoch: fitted.best_epoch,
        n_parameters: network.params().n_parameters(),
        seed: job.seed,
        train: split.train.clone(),
        validation: split.validation.clone(),
        weights,
    };
    Ok(Model::new(job.folder, record, files))
}

/// Checks a model's name, which becomes part of a path.
fn check_name(name: &str) -> Result<(), TrainError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.len() <= 64 && name.chars().all(fine) {
        Ok(())
    } else {
        let expected = "1 to 64 letters, digits, `_` and `-`";
        Err(TrainError::option("name", expected, format!("`{name}`")))
    }
}

/// Checks that each part has labelled samples. Only validation may be empty, if the split has no
/// exams for it.
fn check_parts(parts: &Parts) -> Result<(), TrainError> {
    let named = [
        ("the training part", parts.train, &parts.split.train),
        (
            "the validation part",
            parts.validation,
            &parts.split.validation,
        ),
    ];
    for (what, samples, exams) in named {
        if samples.len() == 0 && (what == "the training part" || !exams.is_empty()) {
            return Err(TrainError::Data {
                what: what.into(),
                expected: format!("labelled {}", samples.unit()),
                found: format!("none in {} exams", exams.len()),
            });
        }
    }
    Ok(())
}

/// Returns a digest of the exams' slices and labels.
fn digest(parts: &[Vec<StoredExam>]) -> String {
    let facts: Vec<_> = parts
        .iter()
        .map(|part| {
            let one = |exam: &StoredExam| {
                serde_json::json!([exam.manifest().checksum, exam.manifest().exam.labels])
            };
            part.iter().map(one).collect::<Vec<_>>()
        })
        .collect();
    checksum(serde_json::json!(facts).to_string().as_bytes())
}

/// Takes an exclusive lock on a model's folder. It is released when the process exits, or earlier
/// when the returned value is dropped.
fn lock(folder: &Path, files: &Files) -> Result<Arc<Output>, TrainError> {
    let path = folder.join("lock");
    let file = files.edit(&path).map_err(TrainError::io("create", &path))?;
    match file.file().try_lock() {
        Ok(()) => Ok(Arc::new(file)),
        Err(TryLockError::WouldBlock) => Err(TrainError::Data {
            what: folder.display().to_string(),
            expected: "a folder that no other process trains in".into(),
            found: "another process, which holds its lock".into(),
        }),
        Err(TryLockError::Error(source)) => Err(TrainError::io("lock", &path)(source)),
    }
}
