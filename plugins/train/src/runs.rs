//! A folder of trained models: what is there is not trained again.

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
use crate::options::{CnnOptions, FitOptions, SequenceOptions};
use crate::predict::thresholds;
use crate::random::seed_torch;
use crate::{Split, TrainError};

/// Where models are trained: a folder, a device, a seed.
#[derive(Debug, Clone)]
pub struct Runs {
    folder: PathBuf,
    files: Files,
    device: Device,
    seed: u64,
    n_threads: usize,
}

/// The data of one run: the parts of the split, as samples and as names.
struct Parts<'a> {
    train: &'a dyn Samples,
    validation: &'a dyn Samples,
    split: &'a Split,
    /// A digest of what the samples are made from.
    digest: String,
    features: Features<'a>,
}

/// What the finished model predicts from.
enum Features<'a> {
    /// A CNN makes its own.
    Own(&'a SliceStore),
    /// A sequence model takes its backbone's.
    Given(&'a FeatureSet),
}

/// What a script can set of [`Runs`].
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
    /// Models in `folder/models`, features in `folder/features`.
    ///
    /// # Errors
    /// [`TrainError::Nn`] when the device cannot be used.
    pub fn new(folder: &Path, device: &str, seed: u64, files: &Files) -> Result<Self, TrainError> {
        let allowed = files.check(folder, Access::Write);
        allowed.map_err(TrainError::io("write", folder))?;
        let request: Request = device.parse().map_err(pe_nn::NnError::from)?;
        let device = choose(request).map_err(pe_nn::NnError::from)?.device();
        // Making batches takes little beside computing on them; more threads would only be in the
        // way of libtorch's.
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

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Trains a CNN on the training part of `split`, or opens it when that was done before.
    ///
    /// # Errors
    /// [`TrainError::Option`]; [`TrainError::Data`] when a part has no labelled slices or one
    /// class only; what training gives.
    pub fn cnn(
        &self,
        name: &str,
        options: &CnnOptions,
        slices: &SliceStore,
        split: &Split,
        work: &Work,
    ) -> Result<Model, TrainError> {
        options.check()?;
        let exams = slices.exams()?;
        let normalisation = Normalisation::of(options.network);
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
            start: String::new(),
            weights: given(options, work.files())?,
        };
        self.train(name, architecture, &options.fit, &parts, work)
    }

    /// Trains a sequence model on features of the training part of `split`, or opens it when that
    /// was done before.
    ///
    /// # Errors
    /// As [`Runs::cnn`], and what making features gives.
    pub fn sequence(
        &self,
        name: &str,
        options: &SequenceOptions,
        features: &FeatureSet,
        split: &Split,
        work: &Work,
    ) -> Result<Model, TrainError> {
        options.check()?;
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
        if let Some(model) = Model::open(&folder, &self.files)? {
            // A process that was killed at its end leaves checkpoints, which only take space: a
            // model in a folder that cannot be written is as good.
            let _ = clear(&folder, &self.files);
            if let Some(file) = model.weights_file() {
                work.weights(file);
            }
            return Ok(model);
        }
        (self.files)
            .create_dir_all(&folder)
            .map_err(TrainError::io("create", &folder))?;
        let _lock = lock(&folder, &self.files)?;
        let mut network = {
            let _drawing = seed_torch(self.seed, "initialisation", &[]);
            let mut network = build(&architecture, self.device)?;
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
        drop(network);
        let features = match &parts.features {
            Features::Own(slices) => FeatureSet::new(&model, slices, self)?,
            Features::Given(features) => FeatureSet::clone(features),
        };
        let thresholds = thresholds(&model, &features, &parts.split.validation, work)?;
        let model = model.finish(thresholds)?;
        clear(&folder, &self.files)?;
        Ok(model)
    }

    /// `NAME-DIGEST`: runs of the same name, options, data, seed and code are the same run.
    fn run_name(&self, name: &str, architecture: &Architecture, parts: &Parts) -> String {
        let mut architecture = serde_json::json!(architecture);
        // A path says nothing of the weights, and changes with the folder: their SHA-256 stays.
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

/// The samples that a CNN is trained on.
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

/// The weights that a script gave, by file or by name. Their digest is a part of what the run is:
/// another file in its place begins another run.
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

/// Gives a network its first weights, and says which.
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

/// Where weights come from and what was changed of them, for the record and the user.
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

/// The model as it was fitted, with its weights on disk and not yet finished.
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

/// A name becomes part of a path.
fn check_name(name: &str) -> Result<(), TrainError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.len() <= 64 && name.chars().all(fine) {
        Ok(())
    } else {
        let expected = "1 to 64 letters, digits, `_` and `-`";
        Err(TrainError::option("name", expected, format!("`{name}`")))
    }
}

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

/// A digest of the slices and their labels.
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

/// The right to train in a folder; the system takes it back when the process ends.
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
