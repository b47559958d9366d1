use tch::Tensor;

use super::activation::silu;
use super::conv::{Conv, Shape};
use crate::{Mode, NnError, Parameters};

/// Hu et al. 2018: scales each channel by a factor that a small network computes from all channels'
/// means.
#[derive(Debug)]
pub(crate) struct SqueezeExcitation {
    fc1: Conv<2>,
    fc2: Conv<2>,
}

impl SqueezeExcitation {
    pub(crate) fn new(n_channels: i64, n_squeezed: i64) -> Result<Self, NnError> {
        let point = Shape::kernel([1, 1]);
        Ok(Self {
            fc1: Conv::new(n_channels, n_squeezed, point, true)?,
            fc2: Conv::new(n_squeezed, n_channels, point, true)?,
        })
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        self.fc1.register(params, &format!("{name}.fc1"))?;
        self.fc2.register(params, &format!("{name}.fc2"))
    }

    pub(crate) fn forward(&self, mut input: Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let mean = input.f_adaptive_avg_pool2d([1, 1])?;
        let squeezed = silu(self.fc1.forward(&mean)?, mode)?;
        let scale = self.fc2.forward(&squeezed)?.f_sigmoid_()?;
        Ok(match mode {
            Mode::Train => input.f_mul(&scale)?,
            Mode::Eval => input.f_mul_(&scale)?,
        })
    }
}
