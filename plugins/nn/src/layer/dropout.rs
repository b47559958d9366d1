use tch::Tensor;

use crate::{Mode, NnError};

/// Srivastava et al. 2014: zeroes each number with this probability and scales the others up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout {
    probability: f64,
}

impl Dropout {
    pub(crate) const fn new(probability: f64) -> Self {
        Self { probability }
    }

    pub(crate) fn forward(&self, input: Tensor, mode: Mode) -> Result<Tensor, NnError> {
        if mode == Mode::Eval || self.probability == 0.0 {
            return Ok(input);
        }
        Ok(input.f_dropout(self.probability, true)?)
    }
}
