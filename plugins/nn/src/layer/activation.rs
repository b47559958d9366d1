use tch::Tensor;

use crate::{Mode, NnError};

/// Elfwing et al. 2018's SiLU, x · sigmoid(x).
///
/// In place only where nothing is learnt: its derivative needs the input, of which autograd would
/// make a copy first.
pub(crate) fn silu(mut input: Tensor, mode: Mode) -> Result<Tensor, NnError> {
    Ok(match mode {
        Mode::Train => input.f_silu()?,
        Mode::Eval => input.f_silu_()?,
    })
}

/// max(x, 0), in place: its derivative needs the output only.
pub(crate) fn relu(mut input: Tensor) -> Result<Tensor, NnError> {
    Ok(input.f_relu_()?)
}
