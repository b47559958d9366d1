//! The basic types of CT: an exam ([`ExamInfo`]), its voxels in Hounsfield units ([`Volume`]), a
//! set of voxels ([`Mask`]), the HU windows ([`HuWindow`]), and the three-channel slices
//! ([`channels`], [`ChannelSlice`]) that networks take as input.
//!
//! Input: arrays in HU. Output: arrays in HU or in [0, 1]. This crate does no I/O and does not deal
//! with DICOM, files or libtorch. Axes are always slice, row, col: slices ascend towards the head,
//! rows to the back, columns to the patient's left.

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod channels;
mod error;
mod exam;
mod label;
mod mask;
mod quality;
#[cfg(feature = "script")]
pub mod script;
mod slice;
mod volume;
mod window;

pub use error::CtError;
pub use exam::{ExamId, ExamInfo, Spacing};
pub use label::{EXAM_FINDINGS, ExamLabels};
pub use mask::Mask;
pub use quality::{Lung, MaskFinding, MaskFindingKind, MaskQuality};
pub use slice::ChannelSlice;
pub use volume::{AIR_HU, Volume};
pub use window::HuWindow;
