use std::collections::BTreeMap;

use pe_nn::{AdamStep, Parameters, fused_adam};
use tch::Tensor;

use super::checkpoint::take;
use crate::TrainError;
use crate::options::{FitOptions, Optimizer};

/// Decay of the running means of the gradients and of their squares (our reading of the paper).
const BETAS: (f64, f64) = (0.9, 0.999);
/// Added to the root of the squares' mean, so that the division stays finite.
const EPSILON: f64 = 1e-8;

/// Adam or AdamW. Its state is a list of named tensors, so a checkpoint can save and restore it to
/// the bit.
pub(crate) struct Adam {
    decoupled: bool,
    weight_decay: f64,
    steps: i64,
    names: Vec<String>,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
}

impl Adam {
    pub(crate) fn new(params: &Parameters, options: &FitOptions) -> Result<Self, TrainError> {
        let mut adam = Self {
            decoupled: options.optimizer == Optimizer::AdamW,
            weight_decay: options.weight_decay,
            steps: 0,
            names: Vec::new(),
            first: Vec::new(),
            second: Vec::new(),
        };
        for (name, tensor) in params.trainable() {
            let tensor = tensor.f_detach()?;
            adam.names.push(name.to_owned());
            // `f_zeros_like` keeps the parameter's memory layout, which the fused step needs.
            adam.first.push(tensor.f_zeros_like()?);
            adam.second.push(tensor.f_zeros_like()?);
        }
        Ok(adam)
    }

    /// Does one step along `gradients`, which are in the order of the parameters.
    pub(crate) fn step(
        &mut self,
        params: &Parameters,
        gradients: &[Tensor],
        lr: f64,
    ) -> Result<(), TrainError> {
        self.steps += 1;
        let step = AdamStep {
            lr,
            beta1: BETAS.0,
            beta2: BETAS.1,
            epsilon: EPSILON,
            weight_decay: self.weight_decay,
            decoupled: self.decoupled,
            step: self.steps,
        };
        let params: Vec<&Tensor> = params.trainable().map(|(_, tensor)| tensor).collect();
        Ok(fused_adam(
            &params,
            gradients,
            &self.first,
            &self.second,
            &step,
        )?)
    }

    /// Returns the moments by name, for a checkpoint.
    pub(crate) fn state(&self) -> Vec<(String, Tensor)> {
        let named = |prefix: &str, moments: &[Tensor]| -> Vec<_> {
            self.names
                .iter()
                .zip(moments)
                .map(|(name, moment)| (format!("{prefix}{name}"), moment.shallow_clone()))
                .collect()
        };
        let mut state = named(FIRST, &self.first);
        state.extend(named(SECOND, &self.second));
        state
    }

    /// Takes the moments out of a checkpoint's `state`, which was saved after `steps` steps.
    pub(crate) fn restore(
        &mut self,
        state: &mut BTreeMap<String, Tensor>,
        steps: usize,
    ) -> Result<(), TrainError> {
        self.steps = steps as i64;
        for (prefix, moments) in [(FIRST, &mut self.first), (SECOND, &mut self.second)] {
            for (name, moment) in self.names.iter().zip(moments) {
                let saved = take(state, &format!("{prefix}{name}"), moment)?;
                moment.f_copy_(&saved)?;
            }
        }
        Ok(())
    }
}

const FIRST: &str = "adam.first.";
const SECOND: &str = "adam.second.";

/// Returns the norm of all gradients together. If it is above `clip_norm`, scales them down to
/// that; a `clip_norm` of 0 does not clip.
pub(crate) fn clip(gradients: &mut [Tensor], clip_norm: f64) -> Result<f64, TrainError> {
    let norms = gradients
        .iter()
        .map(|gradient| gradient.f_norm())
        .collect::<Result<Vec<_>, _>>()?;
    let norm = Tensor::f_stack(&norms, 0)?.f_norm()?.f_double_value(&[])?;
    if clip_norm > 0.0 && norm > clip_norm {
        // The same 1e-6 as in PyTorch's `clip_grad_norm_`.
        let factor = clip_norm / (norm + 1e-6);
        for gradient in gradients {
            let _ = gradient.f_mul_scalar_(factor)?;
        }
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_clipped_to_the_norm_and_the_norm_is_told() {
        let make = || {
            [
                Tensor::from_slice(&[3f32, 0.0]),
                Tensor::from_slice(&[4f32]),
            ]
        };
        let mut gradients = make();
        assert_eq!(clip(&mut gradients, 0.0).unwrap(), 5.0);
        assert_eq!(gradients[1].double_value(&[0]), 4.0);
        assert_eq!(clip(&mut gradients, 10.0).unwrap(), 5.0);
        assert_eq!(gradients[1].double_value(&[0]), 4.0);
        assert_eq!(clip(&mut gradients, 1.0).unwrap(), 5.0);
        assert!((gradients[1].double_value(&[0]) - 0.8).abs() < 1e-6);
        let mut broken = [Tensor::from_slice(&[f32::NAN])];
        assert!(clip(&mut broken, 1.0).unwrap().is_nan());
    }
}
