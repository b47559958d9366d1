//! Lung masks: which voxels of an exam the network is shown ([`Masking`], [`MaskOptions`]).
//!
//! Input: a [`pe_ct::Volume`] in HU. Output: a [`pe_ct::Mask`] of the same shape. This room knows
//! neither files nor windows nor channels, and its answer depends on nothing but HU and options.
//!
//! # The steps of mode `lungs`
//! The default. Classical, in 3D, without weights:
//!
//! 1. **field of view**: what is one value from a corner of the slice inwards is padding, or the
//!    constant outside the scanner's circle. It is not air of the patient.
//! 2. **air**: HU below `threshold_hu` (−400) within the field of view; 8-connected components in
//!    each slice. A component that touches the edge of the field of view stays: it may be a lung
//!    that the circle cuts.
//! 3. **gas or lung**: by the median of a component's HU, away from its edges. The cut lies a third
//!    of the way from this exam's ambient air to its lungs: trachea, main bronchi, stomach and bowel
//!    are below, and so is the air around the patient.
//! 4. **growth**: from large components that are no gas, over components of neighbouring slices that
//!    overlap and are no gas.
//! 5. **body**: of what hangs together, pieces stay that lie beside solid tissue, which the shells of
//!    a table, a blanket or a cable are not. Pieces below 3 % of the largest must not open to gas in
//!    the slices beside, and must not lie behind the body with nothing behind them, as the air
//!    between an arched back and the table does.
//! 6. **gas that runs into the lung**: main bronchi, and bowel behind a diaphragm thinner than a
//!    pixel, are followed from the slice where they are components of their own.
//! 7. **right and left**: by the column between them; lungs that touch are parted at the narrowest
//!    column near the middle. The volume's axes are the patient's: the right lung has low columns.
//! 8. **closing** of each lung on its own by a disk of `close_mm` (7.5), and its **holes** filled:
//!    vessels and small consolidations are taken in, the heart between the lungs never is. Where the
//!    field of view cuts a lung, the lung goes on outside for the closing's sake.
//!
//! Mode `hull` is the convex hull of the lungs, slice by slice: heart and mediastinum are kept, and
//! with them the central arteries. Mode `none` keeps every voxel.
//!
//! # What is said of a mask
//! Every mask but those of mode `none` comes with a [`pe_ct::MaskQuality`]: the volume of each lung,
//! the share of their outline that the field of view cuts, slices between which a lung appears or
//! vanishes, slices without lung between slices with lung, and what mode `paper` removes of a lung.
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
//! Every step equals scikit-image pixel for pixel: beyond the image's edge there is nothing, so
//! dilation adds nothing from there and erosion removes nothing on its account.
//!
//! A field of view that cuts through a lung removes that lung: its air touches the border. The mask
//! says so ([`pe_ct::MaskFindingKind::RemovedLung`]); mode `lungs` keeps it. Gas in trachea, stomach
//! and bowel is kept like lung, and where the lungs come within about twenty pixels of each other
//! both before and behind the mediastinum, heart and great vessels are kept in one slice and not in
//! the next.
//!
//! # What no mode sees
//! - Lung that is not air: consolidation, tumours, atelectasis and effusion are left out where they
//!   reach the pleura, and kept where air surrounds them.
//! - Lungs whose HU are those of gas as a whole: the most severe emphysema.
//! - The airways inside the lungs stay, and so do bullae.
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
