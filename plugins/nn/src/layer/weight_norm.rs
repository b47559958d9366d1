use tch::Tensor;

use super::conv::{Shape, convolve};
use super::empty;
use crate::{NnError, Parameters, init};

/// A convolution over time whose weight is g · v/‖v‖, the norm over all axes but the first
/// (Salimans & Kingma 2016). Names as PyTorch's `weight_norm` gives them: `bias`, `weight_g`,
/// `weight_v`.
#[derive(Debug)]
pub(crate) struct WeightNormConv {
    bias: Tensor,
    weight_g: Tensor,
    weight_v: Tensor,
    shape: Shape<1>,
}

impl WeightNormConv {
    /// The weight is drawn from N(0, `std`²), the bias as PyTorch does.
    pub(crate) fn new(
        n_inputs: i64,
        n_outputs: i64,
        shape: Shape<1>,
        std: f64,
    ) -> Result<Self, NnError> {
        let mut weight_v = empty(&[n_outputs, n_inputs, shape.kernel[0]])?;
        init::normal(&mut weight_v, std)?;
        let mut bias = empty(&[n_outputs])?;
        init::default_bias(&mut bias, &weight_v)?;
        let weight_g = Tensor::f_norm_except_dim(&weight_v, 2, 0)?;
        Ok(Self {
            bias,
            weight_g,
            weight_v,
            shape,
        })
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        params.add(format!("{name}.bias"), &self.bias)?;
        params.add(format!("{name}.weight_g"), &self.weight_g)?;
        params.add(format!("{name}.weight_v"), &self.weight_v)
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, NnError> {
        let weight = Tensor::f_internal_weight_norm(&self.weight_v, &self.weight_g, 0)?;
        convolve(input, &weight, Some(&self.bias), &self.shape)
    }
}
