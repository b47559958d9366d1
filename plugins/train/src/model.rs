//! A trained model on disk: its weights, and a record of how it was made and what input it takes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pe_binding::WeightsFile;
use pe_ct::ExamId;
use pe_files::Files;
use pe_metrics::Level;
use pe_nn::{Backbone, SequenceHead, safetensors_io};
use pe_store::{FeatureSettings, FeatureUnit, SliceSettings};
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::TrainError;
use crate::data::Normalisation;
use crate::files::{is_plain, read_sealed, sealed, write_whole};
use crate::fit::{Epoch, Network, TensorFile, read_tensors};
use crate::options::{CnnOptions, SequenceKind, SequenceOptions, SlabHead};
use crate::random::seed_torch;

/// File name of the record in a model's folder.
const FILE: &str = "model.json";
/// Version of the training code, a part of a model's folder name. Raise it when results change, so
/// that models of older code are not reused.
pub(crate) const VERSION: u32 = 1;

/// Kind of a model, with its options and inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Architecture {
    /// A convolutional network on slices or slabs.
    Cnn {
        /// Options of the network and of its training.
        options: CnnOptions,
        /// Normalisation that it applies to stored values.
        normalisation: Normalisation,
        /// Settings of the slices that it takes.
        slices: SliceSettings,
        /// Origin of its initial weights, in words.
        start: String,
        /// The file of pretrained weights, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weights: Option<WeightsFile>,
    },
    /// A sequence model on a frozen network's features.
    Sequence {
        /// Options of the network and of its training.
        options: SequenceOptions,
        /// Settings of the features that it takes.
        features: FeatureSettings,
        /// Name of the folder of the CNN that makes them, beside this model's folder.
        backbone: String,
    },
}

/// A decision threshold at one level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Slices, slabs or exams.
    pub level: Level,
    /// A probability at or above it counts as PE.
    pub threshold: f64,
}

/// The record of a trained model, beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecord {
    /// The model's name, as the script gave it.
    pub name: String,
    /// Kind, options and inputs.
    pub architecture: Architecture,
    /// Youden thresholds on the validation part. A level with one class only has none; without a
    /// validation part there are none.
    pub thresholds: Vec<Threshold>,
    /// All epochs of the training.
    pub history: Vec<Epoch>,
    /// The epoch that the weights are from, counted from 1.
    pub best_epoch: usize,
    /// Number of trainable values.
    pub n_parameters: usize,
    /// Seed of the training.
    pub seed: u64,
    /// Exams that the weights were fitted to.
    pub train: Vec<ExamId>,
    /// Exams that chose the epoch and the thresholds.
    pub validation: Vec<ExamId>,
    pub(crate) weights: TensorFile,
}

/// A trained model: its folder and its record. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Model {
    folder: PathBuf,
    record: Arc<ModelRecord>,
    files: Files,
}

impl Model {
    /// Opens the model in `folder`; returns `None` if there is none.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] for a record with a wrong seal or impossible values;
    /// [`TrainError::Io`].
    pub fn open(folder: &Path, files: &Files) -> Result<Option<Self>, TrainError> {
        let path = folder.join(FILE);
        let Some(record) = read_sealed::<ModelRecord>(&path, files)? else {
            return Ok(None);
        };
        record.check(&path)?;
        Ok(Some(Self::new(folder, record, files)))
    }

    /// Opens the model in `folder`, which must exist.
    ///
    /// # Errors
    /// [`TrainError::NoModel`] when there is none; as [`Model::open`].
    pub fn load(folder: &Path, files: &Files) -> Result<Self, TrainError> {
        Self::open(folder, files)?.ok_or_else(|| TrainError::NoModel {
            folder: folder.to_path_buf(),
        })
    }

    pub(crate) fn new(folder: &Path, record: ModelRecord, files: &Files) -> Self {
        Self {
            folder: folder.to_owned(),
            record: Arc::new(record),
            files: files.clone(),
        }
    }

    /// Writes the record with the thresholds. The model counts as finished from then on.
    pub(crate) fn finish(self, thresholds: Vec<Threshold>) -> Result<Self, TrainError> {
        let record = ModelRecord {
            thresholds,
            ..ModelRecord::clone(&self.record)
        };
        let text = sealed(&record);
        write_whole(&self.folder.join(FILE), text.as_bytes(), &self.files)?;
        Ok(Self::new(&self.folder, record, &self.files))
    }

    /// Settings of the slices that this model, or its CNN, takes.
    ///
    /// # Errors
    /// As [`Model::backbone`].
    pub fn slice_settings(&self) -> Result<SliceSettings, TrainError> {
        match &self.record.architecture {
            Architecture::Cnn { slices, .. } => Ok(slices.clone()),
            Architecture::Sequence { .. } => self.backbone()?.slice_settings(),
        }
    }

    /// The threshold for slices, chosen on the validation part.
    pub fn threshold(&self) -> Option<f64> {
        let thresholds = self.record.thresholds.iter();
        thresholds
            .filter(|one| one.level == Level::Slice)
            .map(|one| one.threshold)
            .next()
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// The model's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Describes its initial weights; with the file's SHA-256 if pretrained weights were given.
    pub fn start(&self) -> String {
        match &self.record.architecture {
            Architecture::Cnn { start, .. } => start.clone(),
            Architecture::Sequence { backbone, .. } => {
                format!("standard initialisation, on features of {backbone}")
            }
        }
    }

    /// The file of pretrained weights that its training started from.
    pub fn weights_file(&self) -> Option<&WeightsFile> {
        match &self.record.architecture {
            Architecture::Cnn { weights, .. } => weights.as_ref(),
            Architecture::Sequence { .. } => None,
        }
    }

    /// The model's own weights file, with its SHA-256.
    ///
    /// # Errors
    /// [`TrainError::Nn`] when they cannot be read.
    pub fn weights(&self) -> Result<WeightsFile, TrainError> {
        let path = self.folder.join(&self.record.weights.name);
        Ok(WeightsFile {
            sha256: safetensors_io::sha256(&path, &self.files)?,
            file: path.display().to_string(),
            known: None,
        })
    }

    /// The model's record.
    pub fn record(&self) -> &ModelRecord {
        &self.record
    }

    /// Builds the network on a device and loads its weights.
    pub(crate) fn network(&self, device: Device) -> Result<Network, TrainError> {
        let mut network = {
            // `build` draws initial weights, which are overwritten below. Hold the lock on the
            // generator, so that this does not disturb a training step on another thread.
            let _drawing = seed_torch(0, "overwritten", &[]);
            build(&self.record.architecture, device)?
        };
        network.params_mut().load(&read_tensors(
            &self.folder,
            &self.record.weights,
            &self.files,
        )?)?;
        if let Network::Cnn(backbone) = &mut network {
            backbone.channels_last()?;
        }
        Ok(network)
    }

    /// Opens the CNN that makes the features which this model takes; a CNN returns itself.
    ///
    /// # Errors
    /// [`TrainError::NoModel`] when it is no longer beside this model; as [`Model::open`].
    pub fn backbone(&self) -> Result<Self, TrainError> {
        match &self.record.architecture {
            Architecture::Cnn { .. } => Ok(self.clone()),
            Architecture::Sequence { backbone, .. } => {
                let beside = self.folder.parent().unwrap_or(Path::new("."));
                if !is_plain(backbone) {
                    return Err(TrainError::Damaged {
                        path: self.folder.join(FILE),
                        expected: "the name of a folder beside the model's".into(),
                        found: backbone.clone(),
                    });
                }
                let found = Self::load(&beside.join(backbone), &self.files)?;
                // Refuse a sequence model that names another one: such a chain could be long, or a
                // loop.
                match found.record.architecture {
                    Architecture::Cnn { .. } => Ok(found),
                    Architecture::Sequence { .. } => Err(TrainError::Damaged {
                        path: self.folder.join(FILE),
                        expected: "the name of a CNN's folder".into(),
                        found: format!("{backbone}, a sequence model"),
                    }),
                }
            }
        }
    }

    /// Settings of the features that this model makes (a CNN) or takes (a sequence model).
    pub fn features(&self) -> FeatureSettings {
        match &self.record.architecture {
            Architecture::Sequence { features, .. } => features.clone(),
            Architecture::Cnn {
                options,
                normalisation,
                slices,
                ..
            } => {
                let normalisation = serde_json::json!(normalisation);
                FeatureSettings {
                    network: options.network.to_string(),
                    weights: format!("{} {normalisation}", self.record.weights.checksum),
                    slices: slices.key(),
                    unit: unit(options),
                    width: usize::try_from(options.network.n_features()).unwrap_or(0),
                }
            }
        }
    }

    /// Slices per row of features. A model gives as many logits per row, except a CNN with one
    /// logit per slab.
    pub(crate) fn slices_per_row(&self) -> usize {
        let unit = match &self.record.architecture {
            Architecture::Cnn { options, .. } => unit(options),
            Architecture::Sequence { features, .. } => features.unit,
        };
        match unit {
            FeatureUnit::Slice => 1,
            FeatureUnit::Slab(n_slices) => n_slices,
        }
    }
}

/// The unit of a row of a CNN's features: a slice or a slab.
pub(crate) fn unit(options: &CnnOptions) -> FeatureUnit {
    if options.network.is_3d() {
        FeatureUnit::Slab(options.slab)
    } else {
        FeatureUnit::Slice
    }
}

/// Builds a network with fresh weights, drawn from libtorch's generator in its current state.
pub(crate) fn build(architecture: &Architecture, device: Device) -> Result<Network, TrainError> {
    Ok(match architecture {
        Architecture::Cnn { options, .. } => {
            let n_outputs = match (options.network.is_3d(), options.head) {
                (true, SlabHead::Slices) => options.slab as i64,
                _ => 1,
            };
            Network::Cnn(Box::new(Backbone::new(options.network, n_outputs, device)?))
        }
        Architecture::Sequence {
            options, features, ..
        } => {
            let (width, n_outputs) = match features.unit {
                FeatureUnit::Slice => (features.width, 1),
                FeatureUnit::Slab(n_slices) => {
                    (features.width * (1 + 2 * options.neighbours), n_slices)
                }
            };
            let kind = options.kind();
            Network::Sequence(SequenceHead::new(
                &kind,
                width as i64,
                n_outputs as i64,
                device,
            )?)
        }
    })
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        let what = match &record.architecture {
            Architecture::Cnn { options, .. } => options.network.to_string(),
            Architecture::Sequence {
                options, features, ..
            } => {
                let model = match options.model {
                    SequenceKind::BiLstm => "BiLSTM",
                    SequenceKind::Tcn => "TCN",
                };
                format!("{model} on features of {}", features.network)
            }
        };
        write!(
            f,
            "model {}: {what}, {} parameters, epoch {} of {}",
            record.name,
            record.n_parameters,
            record.best_epoch,
            record.history.len()
        )?;
        let best = record
            .best_epoch
            .checked_sub(1)
            .and_then(|idx| record.history.get(idx));
        match best.and_then(|epoch| epoch.validation_auroc) {
            Some(auroc) => write!(f, ", validation AUC {auroc:.3}"),
            None => Ok(()),
        }
    }
}
