use tch::Tensor;

use crate::{Mode, NnError};

/// The activation function of a family of networks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Activation {
    /// See [`silu`].
    Silu,
    /// See [`relu6`].
    Relu6,
}

impl Activation {
    pub(crate) fn apply(self, input: Tensor, mode: Mode) -> Result<Tensor, NnError> {
        match self {
            Self::Silu => silu(input, mode),
            Self::Relu6 => relu6(input),
        }
    }
}

/// Elfwing et al. 2018's SiLU, x · sigmoid(x).
///
/// In place only in inference: the derivative needs the input, which autograd would copy first.
pub(crate) fn silu(mut input: Tensor, mode: Mode) -> Result<Tensor, NnError> {
    Ok(match mode {
        Mode::Train => input.f_silu()?,
        Mode::Eval => input.f_silu_()?,
    })
}

/// min(max(x, 0), 6), in place: its derivative needs the output only.
pub(crate) fn relu6(mut input: Tensor) -> Result<Tensor, NnError> {
    Ok(input.f_relu6_()?)
}

/// max(x, 0), in place: its derivative needs the output only.
pub(crate) fn relu(mut input: Tensor) -> Result<Tensor, NnError> {
    Ok(input.f_relu_()?)
}
