//! A synthetic cohort of CT pulmonary angiograms, written as real DICOM files in the layout of the
//! RSNA-STR data set, with its label table: something to run on where no patient data can be had.
//!
//! Input: [`PhantomOptions`] and a folder. Output: `train.csv`, `train/STUDY/SERIES/SOP.dcm` and
//! `cohort.json`, the truth; or one exam in memory, [`generate`]. Everything follows from the seed,
//! byte for byte, on any number of threads. This room knows no network and no other data.
//!
//! What is simulated, from the outside in: a supine chest with its bones, lungs and fissures, a
//! mediastinum, heart and great vessels with contrast by timing, pulmonary arteries and veins that
//! branch into the lungs, airways beside them; clot inside arteries of a share of the exams; and
//! look-alikes ([`LookalikeKind`]) in all of them, so that one slice is often ambiguous and only
//! the course along an artery tells. Then slice thickness, kernel, streaks, noise. How hard it is
//! follows from [`Difficulty`] and single options beside it.

// Tests look at files themselves.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod anatomy;
#[cfg(test)]
mod checks;
mod cohort;
mod dicom;
mod difficulty;
mod emboli;
mod error;
mod exam;
mod generate;
mod geometry;
mod lookalike;
mod options;
mod paint;
mod plan;
mod render;
mod scan;
#[cfg(feature = "script")]
pub mod script;
mod seed;
mod table;
mod tissue;
mod truth;

pub use anatomy::tree::{Order, Side};
pub use cohort::{CohortReport, Manifest, read, write};
pub use difficulty::Difficulty;
pub use emboli::Filling;
pub use error::PhantomError;
pub use generate::{Truth, generate};
pub use geometry::Point;
pub use lookalike::LookalikeKind;
pub use options::PhantomOptions;
pub use plan::{Build, ExamPlan, Scan, Storage, Timing};
pub use truth::{ClotTruth, ExamTruth, LABEL_PIXELS, LABEL_SIZE, LookalikeTruth, SliceTruth};
