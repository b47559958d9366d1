use tch::Tensor;

use super::empty;
use crate::{NnError, Parameters, init};

/// x · Wᵀ + b over the last axis.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Creates it with PyTorch's initialisation.
    pub(crate) fn new(n_inputs: i64, n_outputs: i64) -> Result<Self, NnError> {
        let mut weight = empty(&[n_outputs, n_inputs])?;
        init::default_weight(&mut weight)?;
        let mut bias = empty(&[n_outputs])?;
        init::default_bias(&mut bias, &weight)?;
        Ok(Self { weight, bias })
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        params.add(format!("{name}.weight"), &self.weight)?;
        params.add(format!("{name}.bias"), &self.bias)
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, NnError> {
        Ok(input.f_linear(&self.weight, Some(&self.bias))?)
    }
}
