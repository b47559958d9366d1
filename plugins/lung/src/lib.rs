//! Lung masks: the voxels of an exam that a network sees ([`Masking`], [`MaskOptions`]).
//!
//! Input: a [`pe_ct::Volume`] in HU. Output: a [`pe_ct::Mask`] of the same shape. This crate does
//! not deal with files, windows or channels, and its result depends on nothing but HU and options.
//!
//! # The steps of mode `lungs`
//! This is the default mode: classical image processing in 3D, without trained weights.
//!
//! 1. **field of view**: pixels of one constant value, from a corner of the slice inwards, are
//!    padding, or the constant outside the scanner's circle. They are not air of the patient.
//! 2. **air**: HU below `threshold_hu` (−400) within the field of view; 8-connected components in
//!    each slice. A component that touches the edge of the field of view stays: it may be a lung
//!    that the circle cuts.
//! 3. **gas or lung**: decided by the median of a component's HU, away from its edges. The cut lies
//!    about a third of the way from this exam's ambient air to its lungs. Trachea, main bronchi,
//!    stomach and bowel are below it, and so is the air around the patient.
//! 4. **growth**: starts from large components that are not gas, and goes on over overlapping
//!    components of neighbouring slices that are not gas.
//! 5. **body**: of the connected pieces, those stay that lie beside solid tissue, which the shells
//!    of a table, a blanket or a cable are not. A piece below 3 % of the largest must not open to
//!    gas in the neighbouring slices. It must also not lie behind the body with nothing behind it,
//!    as the air between an arched back and the table does.
//! 6. **gas that runs into the lung**: main bronchi, and bowel behind a diaphragm thinner than a
//!    pixel, are followed from the slice in which they are components of their own.
//! 7. **right and left**: separated by the column between them. Lungs that touch are cut apart at
//!    the narrowest column near the middle. The volume's axes are the patient's: the right lung has
//!    low columns.
//! 8. **closing** of each lung on its own by a disk of `close_mm` (7.5), then its **holes** are
//!    filled. This includes vessels and small consolidations, but never the heart between the
//!    lungs. If the field of view cuts a lung, the lung is continued outside before the closing.
//!
//! Mode `hull` is the convex hull of the lungs, slice by slice. It includes heart and mediastinum,
//! and with them the central arteries. Mode `none` keeps every voxel.
//!
//! # Quality of a mask
//! Every mask but those of mode `none` comes with a [`pe_ct::MaskQuality`]: the volume of each
//! lung, the share of their outline that the field of view cuts, slices between which a lung
//! appears or vanishes, slices without lung between slices with lung, and the lung that mode
//! `paper` removes.
//!
//! # The steps of mode `paper`
//! Each axial slice on its own (paper section 3.2; sizes from the DSB2017 tutorial, as the paper
//! gives none):
//!
//! 1. **air**: raw HU below `threshold_hu` (−400).
//! 2. **body**: tissue is everything but air; the largest 4-connected piece of tissue, its holes
//!    filled, is the body. Air components (8-connected) that are not wholly inside are cleared: the
//!    air around the patient, and the air that the table and the mattress enclose. With
//!    `body_only = false` only the air connected to the image border is cleared, which is the
//!    tutorial's step to the letter and keeps air that is trapped in the table.
//! 3. **small**: components of fewer than `min_area` (64) pixels are dropped. They are bowel gas,
//!    and the dark rims that sharp reconstruction kernels draw around bones.
//! 4. **dilation** by a disk of radius `dilate_radius` (2), **closing** by a disk of radius
//!    `close_radius` (10): they include vessels and airway walls inside the lungs.
//! 5. **holes** are filled.
//!
//! Every step equals scikit-image pixel for pixel. There is nothing beyond the image's edge, so
//! dilation adds nothing from there and erosion removes nothing on its account.
//!
//! A field of view that cuts through a lung removes that lung, because its air touches the border.
//! The mask's quality reports it ([`pe_ct::MaskFindingKind::RemovedLung`]); mode `lungs` keeps the
//! lung. Gas in trachea, stomach and bowel is kept like lung. If the lungs come within about twenty
//! pixels of each other both before and behind the mediastinum, heart and great vessels are kept in
//! one slice and not in the next.
//!
//! # Limits of all modes
//! - Lung without air: consolidation, tumours, atelectasis and effusion are left out if they reach
//!   the pleura, and kept if air surrounds them.
//! - Lungs whose HU are those of gas throughout, as in the most severe emphysema, are not found.
//! - The airways inside the lungs stay, and so do bullae.
//!
//! Slices without a voxel inside are valid: see [`pe_ct::Mask::empty_slices`].
//!
//! # Speed
//! A slice is stored as 64 pixels per machine word throughout: dilation by a disk is an OR of
//! shifted rows, and components are found on runs of pixels. See the bench `mask`.

// Tests access files directly.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod bitmap;
mod components;
mod error;
mod hull;
mod lungs;
mod masking;
mod morphology;
mod options;
mod quality;
mod regions;
#[cfg(feature = "script")]
pub mod script;
pub mod steps;

pub use error::LungError;
pub use masking::{MASK_VERSION, Masking};
pub use options::{MAX_CLOSE_MM, MAX_MIN_AREA, MAX_RADIUS, MaskMode, MaskOptions, REFERENCE_ROWS};
