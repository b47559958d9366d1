use tch::Tensor;

use super::batch_norm::BatchNorm;
use super::conv::{Conv, Shape};
use crate::stop::passed;
use crate::{Mode, NnError, Parameters};

/// A convolution without bias, and batch normalisation: children `0` and `1`.
#[derive(Debug)]
pub(crate) struct ConvNorm<const N: usize> {
    conv: Conv<N>,
    norm: BatchNorm,
}

impl<const N: usize> ConvNorm<N> {
    pub(crate) fn new(n_inputs: i64, n_outputs: i64, shape: Shape<N>) -> Result<Self, NnError> {
        Ok(Self {
            conv: Conv::new(n_inputs, n_outputs, shape, false)?,
            norm: BatchNorm::new(n_outputs)?,
        })
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        self.conv.register(params, &format!("{name}.0"))?;
        self.norm.register(params, &format!("{name}.1"))
    }

    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        self.norm.forward(&passed(self.conv.forward(input)?)?, mode)
    }
}
