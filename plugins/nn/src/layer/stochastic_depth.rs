use tch::{Kind, Tensor};

use crate::{Mode, NnError};

/// Huang et al. 2016, torchvision's mode "row": drops a branch for whole rows of the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StochasticDepth {
    survival: f64,
    draw: Draw,
}

/// Method to draw the rows that keep the branch. Both have one distribution, but give other numbers
/// for one seed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Draw {
    /// By PyTorch's Bernoulli, as torchvision does.
    Bernoulli,
    /// ⌊survival + U(0, 1)⌋, as TensorFlow's EfficientNet and its translations do.
    Floor,
}

impl StochasticDepth {
    /// Creates it with the `probability` that a row drops the branch, below 1.
    pub(crate) fn new(probability: f64, draw: Draw) -> Self {
        Self {
            survival: 1.0 - probability,
            draw,
        }
    }

    /// Returns `input` + what is left of `branch`, in one pass over both.
    pub(crate) fn join(
        &self,
        mut branch: Tensor,
        input: &Tensor,
        mode: Mode,
    ) -> Result<Tensor, NnError> {
        if mode == Mode::Eval || self.survival == 1.0 {
            return Ok(branch.f_add_(input)?);
        }
        Ok(input.f_addcmul(&branch, &self.kept(&branch)?)?)
    }

    /// Returns 1 / survival for the rows of `branch` that keep it, and 0 for the others.
    fn kept(&self, branch: &Tensor) -> Result<Tensor, NnError> {
        let mut size = vec![1; branch.dim()];
        size[0] = branch.size()[0];
        let options = (branch.kind(), branch.device());
        let mut kept = match self.draw {
            Draw::Bernoulli => Tensor::f_empty(size, options)?.f_bernoulli_float_(self.survival)?,
            Draw::Floor => {
                // Draw in float32: in bfloat16 the sum would round up to 1 too often.
                let drawn = match branch.kind() {
                    Kind::Double => Kind::Double,
                    _ => Kind::Float,
                };
                Tensor::f_rand(size, (drawn, branch.device()))?
                    .f_add_scalar_(self.survival)?
                    .f_floor_()?
                    .f_to_kind(branch.kind())?
            }
        };
        Ok(kept.f_div_scalar_(self.survival)?)
    }
}
