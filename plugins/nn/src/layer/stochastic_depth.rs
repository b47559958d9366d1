use tch::Tensor;

use crate::{Mode, NnError};

/// Huang et al. 2016, torchvision's mode "row": leaves a branch out for whole rows of the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StochasticDepth {
    survival: f64,
}

impl StochasticDepth {
    /// `probability` of a row to be left out, below 1.
    pub(crate) fn new(probability: f64) -> Self {
        Self {
            survival: 1.0 - probability,
        }
    }

    /// `input` + what is left of `branch`, in one pass over both.
    pub(crate) fn join(
        &self,
        mut branch: Tensor,
        input: &Tensor,
        mode: Mode,
    ) -> Result<Tensor, NnError> {
        if mode == Mode::Eval || self.survival == 1.0 {
            return Ok(branch.f_add_(input)?);
        }
        let mut size = vec![1; branch.dim()];
        size[0] = input.size()[0];
        let mut kept = Tensor::f_empty(size, (branch.kind(), branch.device()))?;
        let _ = kept.f_bernoulli_float_(self.survival)?;
        let _ = kept.f_div_scalar_(self.survival)?;
        Ok(input.f_addcmul(&branch, &kept)?)
    }
}
