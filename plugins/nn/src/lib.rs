//! Networks on libtorch. Today: which [`device`] they will run on, and what is installed.
//!
//! Input: the user's wish (`auto`, `cpu`, `cuda:1`). Output: a device and the reason for it. This
//! room must not know CT, files of exams or scripts.

mod cuda;
pub mod device;
mod error;
pub mod libtorch;

pub use device::{Choice, Request, choose};
pub use error::DeviceError;
