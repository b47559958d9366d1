//! The basic types of CT: what a reader finds under a path ([`Scan`], [`Finding`]), an exam
//! ([`Exam`], [`ExamInfo`]), its voxels in Hounsfield units ([`Volume`]), a
//! set of voxels ([`Mask`]), the HU windows ([`HuWindow`]), and the three-channel slices
//! ([`channels`], [`ChannelSlice`]) that networks take as input.
//!
//! Input: arrays in HU. Output: arrays in HU or in [0, 1]. This crate does no I/O: a reader of a
//! file format implements [`ExamSource`]. Axes are always slice, row, col: slices ascend towards the head,
//! rows to the back, columns to the patient's left.

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod channels;
mod error;
mod exam;
mod finding;
mod label;
mod label_report;
mod label_rule;
mod mask;
mod quality;
mod scan;
#[cfg(feature = "script")]
pub mod script;
mod slice;
mod source;
mod volume;
mod window;

pub use error::CtError;
pub use exam::{ExamId, ExamInfo, Spacing};
pub use finding::{Effect, Finding, FindingClass};
pub use label::{EXAM_FINDINGS, ExamLabels};
pub use label_report::LabelReport;
pub use label_rule::LabelRule;
pub use mask::Mask;
pub use quality::{Lung, MaskFinding, MaskFindingKind, MaskQuality};
pub use scan::{Scan, counted};
pub use slice::ChannelSlice;
pub use source::{Affine, Exam, ExamSource, LoadError};
pub use volume::{AIR_HU, Volume};
pub use window::HuWindow;
