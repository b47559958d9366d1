use pe_nn::Parameters;
use tch::Tensor;

use crate::TrainError;

/// BatchNorm's statistics as they were before a step: the forward pass changes them, and a step
/// that is left must leave nothing. Weights and moments change at a step's end only.
pub(crate) struct Statistics {
    kept: Vec<Tensor>,
}

impl Statistics {
    /// Room for those of a network.
    pub(crate) fn new(params: &Parameters) -> Result<Self, TrainError> {
        let kept = params.buffers().map(|(_, buffer)| buffer.f_zeros_like());
        Ok(Self {
            kept: kept.collect::<Result<_, _>>()?,
        })
    }

    /// Keeps them as they are.
    pub(crate) fn keep(&mut self, params: &Parameters) -> Result<(), TrainError> {
        for (kept, (_, buffer)) in self.kept.iter_mut().zip(params.buffers()) {
            kept.f_copy_(buffer)?;
        }
        Ok(())
    }

    /// Makes the network's what they were when they were kept.
    pub(crate) fn put_back(&self, params: &Parameters) -> Result<(), TrainError> {
        for (kept, (_, buffer)) in self.kept.iter().zip(params.buffers()) {
            buffer.shallow_clone().f_copy_(kept)?;
        }
        Ok(())
    }
}
