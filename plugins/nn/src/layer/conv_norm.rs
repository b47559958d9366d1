use tch::Tensor;

use super::batch_norm::{BatchNorm, NormSettings};
use super::conv::{Conv, Shape};
use crate::stop::passed;
use crate::{Mode, NnError, Parameters};

/// A convolution without bias, and batch normalisation.
#[derive(Debug)]
pub(crate) struct ConvNorm<const N: usize> {
    conv: Conv<N>,
    norm: BatchNorm,
}

impl<const N: usize> ConvNorm<N> {
    pub(crate) fn new(
        n_inputs: i64,
        n_outputs: i64,
        shape: Shape<N>,
        norm: NormSettings,
    ) -> Result<Self, NnError> {
        Ok(Self {
            conv: Conv::new(n_inputs, n_outputs, shape, false)?,
            norm: BatchNorm::new(n_outputs, norm)?,
        })
    }

    /// Registers the two as torchvision does: children `0` and `1` of `name`.
    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        self.register_as(params, &format!("{name}.0"), &format!("{name}.1"))
    }

    /// Registers each of the two under a name of its own.
    pub(crate) fn register_as(
        &self,
        params: &mut Parameters,
        conv: &str,
        norm: &str,
    ) -> Result<(), NnError> {
        self.conv.register(params, conv)?;
        self.norm.register(params, norm)
    }

    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        self.norm.forward(&passed(self.conv.forward(input)?)?, mode)
    }
}
