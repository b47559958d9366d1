//! Networks on libtorch: which [`device`] they run on, the [`Backbone`]s that turn images and
//! slabs into features and logits, the [`SequenceHead`]s that read a sequence of features, their
//! weights in [`Parameters`] and [`safetensors_io`], and their [loss](bce_with_logits), and a
//! step of [Adam](fused_adam), which a [`Stoppable`] pass may be left before.
//!
//! Input: tensors. Output: tensors. This room must not know CT, files of exams or scripts.
//!
//! Everything that draws numbers draws them from libtorch's global generator: `tch::manual_seed`
//! decides, and the numbers are those of PyTorch and torchvision under the same seed.

// Tests look at files themselves.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod adam;
mod autocast;
mod backbone;
mod cuda;
pub mod device;
mod error;
mod gradients;
mod head;
pub mod imagenet;
mod init;
mod layer;
pub mod libtorch;
mod loss;
mod mode;
mod params;
mod safetensors_header;
pub mod safetensors_io;
mod shim;
mod stop;

pub use adam::{AdamStep, fused_adam};
pub use autocast::Autocast;
pub use backbone::{Adapted, Backbone, BackboneKind};
pub use device::{Choice, Request, choose};
pub use error::{DeviceError, Difference, NnError};
pub use gradients::gradients;
pub use head::{HeadKind, SequenceHead};
pub use loss::bce_with_logits;
pub use mode::Mode;
pub use params::Parameters;
pub use stop::Stoppable;
/// The binding whose tensors these networks take.
pub use tch;
