//! Initialisations, as PyTorch computes them, from libtorch's global generator.
//!
//! The bounds are computed in PyTorch's own order of operations, so that the same seed gives the
//! same bits.

use tch::Tensor;

use crate::NnError;

/// Number of inputs per output: the product of all axes of `[out, in, …]` but the first.
fn fan_in(weight: &Tensor) -> f64 {
    weight.size()[1..].iter().product::<i64>() as f64
}

/// Number of outputs per input: the product of all axes of `[out, in, …]` but the second.
fn fan_out(weight: &Tensor) -> f64 {
    let size = weight.size();
    (size[0] * size[2..].iter().product::<i64>()) as f64
}

/// Initialises a weight as `nn.Conv2d` and `nn.Linear` do: `kaiming_uniform_(a=sqrt(5))`, which is
/// U(±1/√fan_in).
pub(crate) fn default_weight(weight: &mut Tensor) -> Result<(), NnError> {
    let a = 5f64.sqrt();
    let gain = (2.0 / (1.0 + a.powi(2))).sqrt();
    let std = gain / fan_in(weight).sqrt();
    uniform(weight, 3f64.sqrt() * std)
}

/// Initialises a bias as `nn.Conv2d` and `nn.Linear` do: U(±1/√fan_in), with the fan-in of the
/// weight.
pub(crate) fn default_bias(bias: &mut Tensor, weight: &Tensor) -> Result<(), NnError> {
    uniform(bias, 1.0 / fan_in(weight).sqrt())
}

/// Initialises a weight by He et al. 2015, by fan-out, for ReLU: N(0, 2/fan_out). This is
/// torchvision's choice for convolutions.
pub(crate) fn kaiming_normal(weight: &mut Tensor) -> Result<(), NnError> {
    let gain = 2f64.sqrt();
    let std = gain / fan_out(weight).sqrt();
    normal(weight, std)
}

/// Draws from U(−bound, bound).
pub(crate) fn uniform(tensor: &mut Tensor, bound: f64) -> Result<(), NnError> {
    let _no_grad = tch::no_grad_guard();
    let _ = tensor.f_uniform_(-bound, bound)?;
    Ok(())
}

/// Draws from N(0, std²).
pub(crate) fn normal(tensor: &mut Tensor, std: f64) -> Result<(), NnError> {
    let _no_grad = tch::no_grad_guard();
    let _ = tensor.f_normal_(0.0, std)?;
    Ok(())
}

/// Sets all values to 0.
pub(crate) fn zeros(tensor: &mut Tensor) -> Result<(), NnError> {
    let _no_grad = tch::no_grad_guard();
    let _ = tensor.f_zero_()?;
    Ok(())
}
