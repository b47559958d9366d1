//! Neural networks on libtorch: the choice of a [`device`], the [`Backbone`]s that turn images and
//! slabs into features and logits, the [`SequenceHead`]s that read a sequence of features, their
//! weights in [`Parameters`] and [`safetensors_io`], their [loss](bce_with_logits), and a step of
//! [Adam](fused_adam). A [`Stoppable`] can abort a pass through a network.
//!
//! Input: tensors. Output: tensors. This crate does not deal with CT, files of exams or scripts.
//!
//! All random numbers come from libtorch's global generator, which `tch::manual_seed` seeds. They
//! are the numbers of PyTorch and torchvision under the same seed.

// Tests access files directly.
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
