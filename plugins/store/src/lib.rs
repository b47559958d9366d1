//! Results on disk, keyed by what made them: the preprocessed slices of each exam ([`SliceStore`]),
//! one checksummed set of files per exam ([`StoredExam`]), and the features that a frozen network
//! makes of them ([`FeatureStore`]). Slices and features are read through a memory map.
//!
//! Input: a volume and a mask ([`pe_ct`]), or rows of features. Output: `[slice, channel, row,
//! col]` bytes or halves, or `[row, value]` floats, on disk. This crate does not deal with DICOM,
//! with making masks, or with training. It only knows that a result belongs to its inputs, its
//! settings and the code that made it.
//!
//! ```text
//! FOLDER/.pe-script.lock                    held by the process that writes
//! FOLDER/slices/SETTINGS/settings.json      the settings of every exam below
//! FOLDER/slices/SETTINGS/EXAM/exam.json     the manifest: inputs, shape, labels, checksums
//! FOLDER/slices/SETTINGS/EXAM/slices.bin    the voxels
//! FOLDER/features/SETTINGS/EXAM.bin         the features of the exam's slices or slabs
//! ```
//!
//! Nothing is changed in place. An exam is written to a temporary folder and renamed when it is
//! complete, so a killed process leaves no half exam under its name. Damage by a power cut or a bad
//! disk is found by the checksum, and the exam is made again. That is why nothing waits for `fsync`
//! here.

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod crop;
mod error;
mod features;
#[doc(hidden)]
pub mod in_memory;
mod lock;
mod manifest;
mod map;
#[cfg(feature = "script")]
pub mod script;
mod settings;
mod slices;
mod stored;

pub use error::StoreError;
pub use features::{FeatureSettings, FeatureStore, FeatureUnit, StoredFeatures};
pub use manifest::Manifest;
pub use settings::{Crop, Dtype, Outside, SliceSettings};
pub use slices::{Counts, SliceStore, Status};
pub use stored::StoredExam;
