//! Lung masks: which voxels of an exam the network is shown ([`Masking`], [`MaskOptions`]).
//!
//! Input: a [`pe_ct::Volume`] in HU. Output: a [`pe_ct::Mask`] of the same shape. This room knows
//! neither files nor windows nor channels, and its answer depends on nothing but HU and options.
//!
//! # The steps of mode `paper`
//! Each axial slice on its own (paper section 3.2; sizes from the DSB2017 tutorial, as the paper
//! gives none):
//!
//! 1. **air**: raw HU below `threshold_hu` (−400).
//! 2. **body**: tissue is what is not air; the largest 4-connected piece of tissue, its holes
//!    filled, is the body. Air components (8-connected) that are not wholly inside are cleared:
//!    what surrounds the patient, and what the table and the mattress enclose. With
//!    `body_only = false` only the air connected to the image border is cleared, which is the
//!    tutorial's step to the letter and keeps air that is trapped in the table.
//! 3. **small**: components of fewer than `min_area` (64) pixels are dropped. They are bowel gas,
//!    and the dark rims that sharp reconstruction kernels draw around bones.
//! 4. **dilation** by a disk of radius `dilate_radius` (2), **closing** by a disk of radius
//!    `close_radius` (10): vessels and airway walls inside the lungs are taken in.
//! 5. **holes** are filled.
//!
//! Mode `hull` is the convex hull of that mask, slice by slice: heart and mediastinum are kept, and
//! with them the central arteries. Mode `none` keeps every voxel.
//!
//! Every step equals scikit-image pixel for pixel: beyond the image's edge there is nothing, so
//! dilation adds nothing from there and erosion removes nothing on its account.
//!
//! # What a 2D method cannot tell apart
//! - Gas in the stomach and the bowel, and air in the trachea, the oesophagus and the larger
//!   bronchi, is air inside the body like the lungs'. Below the lungs and at the neck such air is
//!   all that the mask holds.
//! - Air in a skin fold (an armpit, the neck) that closes within the slice.
//! - Lung that is not air: consolidation, tumours, atelectasis and effusion are left out where
//!   they reach the pleura, and kept where air surrounds them.
//! - Where the lungs come within about twenty pixels of each other both before and behind the
//!   mediastinum, the closing joins them and hole filling keeps the heart and the great vessels
//!   between; in the next slice it may not. Mode `hull` does not have this jump.
//! - A piece of lung of fewer than `min_area` pixels, at the apex and in the deep recesses.
//! - A field of view that cuts through a lung: that lung's air touches the border and is cleared.
//!   When it cuts the body into pieces, `body_only` keeps the air of the largest piece alone.
//!
//! Slices without a voxel inside are legal: see [`pe_ct::Mask::empty_slices`].
//!
//! # Speed
//! A slice is 64 pixels a machine word throughout: dilation by a disk is an OR of shifted rows,
//! and components are found on runs of pixels, see the bench `mask`.

// Tests look at files themselves.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod bitmap;
mod components;
mod error;
mod hull;
mod masking;
mod morphology;
mod options;
mod regions;
#[cfg(feature = "script")]
pub mod script;
pub mod steps;

pub use error::LungError;
pub use masking::{MASK_VERSION, Masking};
pub use options::{MAX_MIN_AREA, MAX_RADIUS, MaskMode, MaskOptions, REFERENCE_ROWS};
