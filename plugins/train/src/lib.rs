//! Trains networks on stored slices: CNNs on slices and slabs, sequence models on the features of a
//! frozen CNN. A run can be stopped at any moment; on the CPU, a resumed run ends with the same
//! bits as one that was not stopped.
//!
//! Input: stored slices ([`pe_store::SliceStore`]) and a [`Split`] of their exams. Output: a
//! [`Model`] (a folder with weights, record and curves), a [`FeatureSet`], and the probabilities of
//! [`predict`]. [`Runs`] is the folder that holds all of it. This crate does not deal with HU,
//! DICOM or reports.
//!
//! ```text
//! FOLDER/models/NAME-DIGEST/model.json           the record, written when training is finished
//! FOLDER/models/NAME-DIGEST/model.safetensors    the weights, under PyTorch's names
//! FOLDER/models/NAME-DIGEST/metrics.jsonl        every step and epoch
//! FOLDER/models/NAME-DIGEST/events.out.…         the same for TensorBoard
//! FOLDER/models/NAME-DIGEST/checkpoint.json      during training: the newest checkpoint
//! FOLDER/features/SETTINGS/EXAM.bin              features, see [`pe_store::FeatureStore`]
//! ```

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod checked;
mod data;
mod error;
mod features;
mod files;
mod fit;
#[doc(hidden)]
pub mod in_memory;
mod layers;
mod model;
mod options;
mod position;
mod predict;
mod random;
mod runs;
#[cfg(feature = "script")]
pub mod script;
mod split;
mod stop;

pub use data::Normalisation;
pub use error::TrainError;
pub use features::FeatureSet;
pub use fit::Epoch;
pub use layers::Layer;
pub use model::{Architecture, Model, ModelRecord, Threshold};
pub use options::{
    Augmentation, CnnOptions, FitOptions, Optimizer, Precision, Schedule, Select, SequenceKind,
    SequenceOptions, SlabHead,
};
pub use position::position_baseline;
pub use predict::predict;
pub use runs::{RunSettings, Runs};
pub use split::{Split, SplitOptions};
