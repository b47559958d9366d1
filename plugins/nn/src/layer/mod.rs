//! Layers, one a file. Each is made on the CPU with PyTorch's own initialisation, and then told to
//! register its tensors under a name: PyTorch's order of drawing and its order of names differ.

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

/// Room for a parameter, to be initialised.
fn empty(size: &[i64]) -> Result<Tensor, NnError> {
    Ok(Tensor::f_empty(size, (Kind::Float, Device::Cpu))?)
}
