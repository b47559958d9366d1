use tch::Tensor;

use crate::{NnError, stop};

/// Returns the gradients of a loss with respect to `params`, in their order. They come straight
/// from autograd: no gradient is accumulated in the tensors, and the graph is freed.
///
/// ```
/// use pe_nn::{gradients, tch::Tensor};
/// let x = Tensor::from_slice(&[3.0, 0.0]).set_requires_grad(true);
/// let found = gradients(&x.square().sum(x.kind()), &[&x])?;
/// assert_eq!(Vec::<f64>::try_from(&found[0])?, [6.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`NnError::Stopped`] when a [`Stoppable`](crate::Stoppable) aborted the pass; [`NnError::Tch`]
/// for a parameter that the loss does not depend on.
pub fn gradients(loss: &Tensor, params: &[&Tensor]) -> Result<Vec<Tensor>, NnError> {
    let found = Tensor::f_run_backward(&[loss], params, false, false);
    // Check this first: an aborted backward pass leaves gradients undefined.
    if stop::was_stopped() {
        Err(NnError::Stopped)
    } else {
        Ok(found?)
    }
}
