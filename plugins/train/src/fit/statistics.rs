use pe_nn::Parameters;
use tch::Tensor;

use crate::TrainError;

/// A copy of BatchNorm's statistics from before a step. The forward pass changes them, so they are
/// restored if the step is abandoned. Weights and moments need no copy: they only change at the end
/// of a step.
pub(crate) struct Statistics {
    kept: Vec<Tensor>,
}

impl Statistics {
    /// Allocates the copy for a network.
    pub(crate) fn new(params: &Parameters) -> Result<Self, TrainError> {
        let kept = params.buffers().map(|(_, buffer)| buffer.f_zeros_like());
        Ok(Self {
            kept: kept.collect::<Result<_, _>>()?,
        })
    }

    /// Copies the network's current statistics.
    pub(crate) fn keep(&mut self, params: &Parameters) -> Result<(), TrainError> {
        for (kept, (_, buffer)) in self.kept.iter_mut().zip(params.buffers()) {
            kept.f_copy_(buffer)?;
        }
        Ok(())
    }

    /// Restores the network's statistics from the copy.
    pub(crate) fn put_back(&self, params: &Parameters) -> Result<(), TrainError> {
        for (kept, (_, buffer)) in self.kept.iter().zip(params.buffers()) {
            buffer.shallow_clone().f_copy_(kept)?;
        }
        Ok(())
    }
}
