//! One step of Adam on many tensors at once.

#![expect(unsafe_code, reason = "calls csrc/adam.cpp")]

use std::ffi::c_char;

use tch::Tensor;

use crate::{NnError, shim};

/// Settings and number of one step. All other state is in the moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the gradients' running mean.
    pub beta1: f64,
    /// Decay of the squared gradients' running mean.
    pub beta2: f64,
    /// Added to the root of the squares' mean.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// True if weight decay is subtracted from the weights (AdamW) instead of added to the gradient
    /// (Adam).
    pub decoupled: bool,
    /// Number of the step, from 1.
    pub step: i64,
}

/// Does one step of Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019), in place, by
/// libtorch's fused kernel.
///
/// The four lists have one entry per parameter: the parameter, its gradient, and the running means
/// of the gradient and of its square. The means begin as zeros in the memory layout of the
/// parameter.
///
/// ```
/// use pe_nn::{AdamStep, fused_adam, tch::Tensor};
/// let (param, gradient) = (Tensor::from_slice(&[1.0f32]), Tensor::from_slice(&[0.5f32]));
/// let (first, second) = (param.zeros_like(), param.zeros_like());
/// let step = AdamStep {
///     lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, decoupled: false, step: 1,
/// };
/// fused_adam(&[&param], &[gradient], &[first], &[second], &step)?;
/// // The first step is as long as the learning rate, whatever the gradient.
/// assert!((param.double_value(&[0]) - 0.9).abs() < 1e-6);
/// # Ok::<(), pe_nn::NnError>(())
/// ```
///
/// # Errors
/// [`NnError::Adam`] when the lists do not match or libtorch refuses.
pub fn fused_adam(
    params: &[&Tensor],
    gradients: &[Tensor],
    first: &[Tensor],
    second: &[Tensor],
    step: &AdamStep,
) -> Result<(), NnError> {
    for (what, tensors) in [
        ("gradients", gradients),
        ("first", first),
        ("second", second),
    ] {
        check(what, params, tensors)?;
    }
    let pointers = |tensors: &[Tensor]| tensors.iter().map(address).collect::<Vec<_>>();
    let params: Vec<_> = params.iter().map(|param| address(param)).collect();
    let (gradients, first, second) = (pointers(gradients), pointers(first), pointers(second));
    let step = Step {
        lr: step.lr,
        beta1: step.beta1,
        beta2: step.beta2,
        epsilon: step.epsilon,
        weight_decay: step.weight_decay,
        step: step.step as f64,
        decoupled: i32::from(step.decoupled),
    };
    shim::call(|error, capacity| {
        // SAFETY: the four arrays hold `n` addresses of tensors that are valid during the call, and
        // so are `step` and `error`. We refused tensors of other shapes above; the shim refuses
        // those whose memory layout is not the one that the kernel walks over.
        unsafe {
            pe_adam_step(
                params.as_ptr(),
                gradients.as_ptr(),
                first.as_ptr(),
                second.as_ptr(),
                params.len(),
                &step,
                error,
                capacity,
            )
        }
    })
    .map_err(|what| NnError::Adam { what })
}

/// A `torch::Tensor*`, as `tch` holds it.
type Address = *const std::ffi::c_void;

fn address(tensor: &Tensor) -> Address {
    tensor.as_ptr().cast()
}

fn check(what: &str, params: &[&Tensor], tensors: &[Tensor]) -> Result<(), NnError> {
    let wrong = |what: String| Err(NnError::Adam { what });
    if params.len() != tensors.len() {
        let found = tensors.len();
        return wrong(format!("expected {} {what}, found {found}", params.len()));
    }
    match params.iter().zip(tensors).position(|(param, other)| {
        param.size() != other.size()
            || param.kind() != other.kind()
            || param.device() != other.device()
    }) {
        None => Ok(()),
        Some(idx) => wrong(format!(
            "{what}[{idx}]: expected {:?} of {:?}, found {:?} of {:?}",
            params[idx].size(),
            params[idx].kind(),
            tensors[idx].size(),
            tensors[idx].kind()
        )),
    }
}

/// Same layout as in csrc/adam.cpp.
#[repr(C)]
struct Step {
    lr: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    step: f64,
    decoupled: i32,
}

unsafe extern "C" {
    fn pe_adam_step(
        params: *const Address,
        gradients: *const Address,
        first: *const Address,
        second: *const Address,
        n: usize,
        step: *const Step,
        error: *mut c_char,
        capacity: usize,
    ) -> i32;
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn step(weight_decay: f64, decoupled: bool, step: i64) -> AdamStep {
        AdamStep {
            lr: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay,
            decoupled,
            step,
        }
    }

    /// Adam as in the papers, on plain numbers.
    fn reference(weight_decay: f64, decoupled: bool) -> Vec<f64> {
        let (mut param, mut first, mut second) = (vec![1.0, -2.0, 0.5], [0.0; 3], [0.0; 3]);
        for n in 1..=5 {
            for i in 0..3 {
                let mut gradient = gradient(n, i);
                if decoupled {
                    param[i] -= 0.01 * weight_decay * param[i]
                } else {
                    gradient += weight_decay * param[i]
                }
                first[i] = 0.9 * first[i] + 0.1 * gradient;
                second[i] = 0.999 * second[i] + 0.001 * gradient * gradient;
                let mean = first[i] / (1.0 - 0.9f64.powi(n));
                let square = second[i] / (1.0 - 0.999f64.powi(n));
                param[i] -= 0.01 * mean / (square.sqrt() + 1e-8);
            }
        }
        param
    }

    fn gradient(step: i32, idx: usize) -> f64 {
        f64::from(step) * 0.3 - idx as f64
    }

    #[test]
    fn five_steps_are_those_of_the_papers() {
        for (weight_decay, decoupled) in [(0.0, false), (0.1, false), (0.1, true)] {
            let param = Tensor::from_slice(&[1f32, -2.0, 0.5]).set_requires_grad(true);
            let (first, second) = (param.detach().zeros_like(), param.detach().zeros_like());
            for n in 1..=5 {
                let gradient: Vec<f32> = (0..3).map(|idx| gradient(n, idx) as f32).collect();
                let gradient = Tensor::from_slice(&gradient);
                let step = step(weight_decay, decoupled, n.into());
                let moments = ([first.shallow_clone()], [second.shallow_clone()]);
                fused_adam(&[&param], &[gradient], &moments.0, &moments.1, &step).unwrap();
            }
            for (idx, expected) in reference(weight_decay, decoupled).iter().enumerate() {
                let found = param.double_value(&[idx as i64]);
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{weight_decay} {decoupled}: {found}"
                );
            }
        }
    }

    #[test]
    fn a_gradient_that_lies_otherwise_belongs_to_the_same_element() {
        let options = (Kind::Float, Device::Cpu);
        let param = Tensor::zeros([2, 3], options).transpose(0, 1);
        let gradient = Tensor::from_slice(&[1f32, -1.0, 0.0, 1.0, -1.0, 0.0]).view([3, 2]);
        let (first, second) = (param.zeros_like(), param.zeros_like());
        fused_adam(
            &[&param],
            &[gradient],
            &[first],
            &[second],
            &step(0.0, false, 1),
        )
        .unwrap();
        let found = Vec::<f32>::try_from(param.contiguous().flatten(0, -1)).unwrap();
        let expected = [-0.01, 0.01, 0.0, -0.01, 0.01, 0.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn lists_that_do_not_go_together_are_refused() {
        let one = || Tensor::from_slice(&[1f32]);
        let two = Tensor::from_slice(&[1f32, 2.0]);
        let step = step(0.0, false, 1);
        let refused = |gradients: &[Tensor], expected: &str| {
            let error = fused_adam(&[&one()], gradients, &[one()], &[one()], &step);
            let error = error.expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        };
        refused(&[], "expected 1 gradients, found 0");
        refused(&[two], "gradients[0]");
    }

    /// The kernel would write beyond the memory of a tensor that has less of it than elements.
    #[test]
    fn moments_that_lie_otherwise_are_refused() {
        let options = (Kind::Float, Device::Cpu);
        let param = Tensor::zeros([2, 3], options);
        let check = |param: &Tensor, first: Tensor, expected: &str| {
            let (gradient, second) = (param.zeros_like(), param.zeros_like());
            let step = step(0.0, false, 1);
            let error = fused_adam(&[param], &[gradient], &[first], &[second], &step);
            let error = error.expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        };
        let thin = Tensor::zeros([1, 3], options).expand([2, 3], false);
        check(&param, thin.shallow_clone(), "first[0]: its memory");
        check(&thin, param.zeros_like(), "params[0]: its memory");
        let turned = Tensor::zeros([3, 2], options).transpose(0, 1);
        check(&param, turned, "first[0]: does not lie");
    }
}
