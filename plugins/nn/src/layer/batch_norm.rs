use tch::{Device, Kind, Tensor};

use super::empty;
use crate::{Mode, NnError, Parameters};

/// Settings of a batch normalisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NormSettings {
    /// Added to a variance before its root is taken.
    pub(crate) eps: f64,
    /// Weight of a new batch in the running statistics.
    pub(crate) momentum: f64,
}

impl NormSettings {
    /// PyTorch's defaults, which torchvision's EfficientNet-B0 and R3D-18 keep.
    pub(crate) const PYTORCH: Self = Self {
        eps: 1e-5,
        momentum: 0.1,
    };
}

/// Ioffe & Szegedy 2015's batch normalisation over axis 1, for images and volumes alike.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    num_batches_tracked: Tensor,
    settings: NormSettings,
}

impl BatchNorm {
    pub(crate) fn new(n_channels: i64, settings: NormSettings) -> Result<Self, NnError> {
        let filled =
            |value: f64| -> Result<Tensor, NnError> { Ok(empty(&[n_channels])?.f_fill_(value)?) };
        let none: [i64; 0] = [];
        Ok(Self {
            weight: filled(1.0)?,
            bias: filled(0.0)?,
            running_mean: filled(0.0)?,
            running_var: filled(1.0)?,
            num_batches_tracked: Tensor::f_zeros(none, (Kind::Int64, Device::Cpu))?,
            settings,
        })
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        params.add(format!("{name}.weight"), &self.weight)?;
        params.add(format!("{name}.bias"), &self.bias)?;
        params.add_buffer(format!("{name}.running_mean"), &self.running_mean);
        params.add_buffer(format!("{name}.running_var"), &self.running_var);
        let tracked = &self.num_batches_tracked;
        params.add_buffer(format!("{name}.num_batches_tracked"), tracked);
        Ok(())
    }

    /// # Errors
    /// [`NnError::OneValue`] when a channel has only one value, and so no variance. libtorch itself
    /// would return infinities.
    pub(crate) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        if mode.is_train() {
            let size = input.size();
            if size[0] * size[2..].iter().product::<i64>() <= 1 {
                return Err(NnError::OneValue { found: size });
            }
            let _no_grad = tch::no_grad_guard();
            let _ = self.num_batches_tracked.shallow_clone().f_add_scalar_(1)?;
        }
        Ok(input.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            mode.is_train(),
            self.settings.momentum,
            self.settings.eps,
            true,
        )?)
    }
}
