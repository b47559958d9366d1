//! Layers, one per file. Each is created on the CPU with PyTorch's own initialisation. It registers
//! its tensors under a name in a second step, because PyTorch draws them in another order than it
//! names them.

pub(crate) mod activation;
pub(crate) mod batch_norm;
pub(crate) mod conv;
pub(crate) mod conv_norm;
pub(crate) mod dropout;
pub(crate) mod linear;
pub(crate) mod lstm;
pub(crate) mod squeeze_excitation;
pub(crate) mod stochastic_depth;
pub(crate) mod temporal_block;
pub(crate) mod weight_norm;

use tch::{Device, Kind, Tensor};

use crate::NnError;

/// Allocates a parameter, to be initialised.
fn empty(size: &[i64]) -> Result<Tensor, NnError> {
    Ok(Tensor::f_empty(size, (Kind::Float, Device::Cpu))?)
}
