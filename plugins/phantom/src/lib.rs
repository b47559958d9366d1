//! A synthetic cohort of CT pulmonary angiograms, written as real DICOM files in the layout of the
//! RSNA-STR data set, with its label table. For use where no patient data are available.
//!
//! Input: [`PhantomOptions`] and a folder. Output: `train.csv`, `train/STUDY/SERIES/SOP.dcm` and
//! `cohort.json`, the truth; or one exam in memory, [`generate`]. The seed determines every byte, on
//! any number of threads. This crate knows no network and no other data.
//!
//! Simulated are, from the outside in: a supine chest with its bones, lungs and fissures; a
//! mediastinum; heart and great vessels, with contrast by timing; pulmonary arteries and veins that
//! branch into the lungs, with airways beside them; and clot inside the arteries of a share of the
//! exams. All exams have look-alikes ([`LookalikeKind`]): one slice is often ambiguous, and only the
//! course along an artery shows which is clot. Slice thickness, kernel, streaks and noise are added
//! last. [`Difficulty`] and single options beside it set how hard the cohort is.

// The lint forbids direct calls of `std::fs`; tests may use them.
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
