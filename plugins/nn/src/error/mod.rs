//! Errors of this crate: one enum for devices and one for networks.

mod device;
mod nn;

pub use device::DeviceError;
pub use nn::{Difference, NnError};
