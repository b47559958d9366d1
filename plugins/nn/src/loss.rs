//! The loss.

use tch::{Kind, Reduction, Tensor};

use crate::NnError;

/// Binary cross-entropy of logits: the mean over the valid positions only (equation 1 of the
/// paper).
///
/// `logits` and `targets` have one shape; `valid` (bool) has it too, or lacks the last axis, and
/// then holds for all outputs of a position. `targets` lie in [0, 1]. Values at invalid positions
/// do not matter, not even NaN. With `positive_weight`, the term of positives is multiplied by it
/// (PyTorch's `pos_weight`); the mean still divides by the number of positions. Computed in float32
/// if the logits are narrower.
///
/// The number of valid positions is read on the CPU. Pass `valid` as a CPU tensor, or the CPU has
/// to wait for the GPU.
///
/// ```
/// use pe_nn::{bce_with_logits, tch::Tensor};
/// let logits = Tensor::from_slice(&[0.0f32, f32::NAN]).view([1, 2, 1]);
/// let targets = Tensor::from_slice(&[1.0f32, 0.0]).view([1, 2, 1]);
/// let valid = Tensor::from_slice(&[true, false]).view([1, 2]);
/// let loss = bce_with_logits(&logits, &targets, &valid, None)?;
/// assert!((loss.double_value(&[]) - 2f64.ln()).abs() < 1e-6);
/// assert!(bce_with_logits(&logits, &targets, &valid.logical_and(&valid.logical_not()), None).is_err());
/// # Ok::<(), pe_nn::NnError>(())
/// ```
///
/// # Errors
/// [`NnError::NoneValid`]; [`NnError::Shape`] and [`NnError::Dtype`] when the three do not match;
/// [`NnError::Setting`] for a weight that is not positive and finite.
pub fn bce_with_logits(
    logits: &Tensor,
    targets: &Tensor,
    valid: &Tensor,
    positive_weight: Option<f64>,
) -> Result<Tensor, NnError> {
    let valid = check(logits, targets, valid)?;
    let n_valid = valid.f_sum(Kind::Int64)?.f_int64_value(&[])?;
    if n_valid == 0 {
        return Err(NnError::NoneValid {
            n_positions: valid.numel(),
        });
    }
    let logits = match logits.kind() {
        Kind::BFloat16 | Kind::Half => logits.f_to_kind(Kind::Float)?,
        _ => logits.shallow_clone(),
    };
    let device = logits.device();
    let (valid, targets) = (valid.f_to_device(device)?, targets.f_to_device(device)?);
    let weight = valid.f_to_kind(logits.kind())?;
    let padding = valid.f_logical_not()?;
    let positive_weight = match positive_weight {
        Some(value) => {
            let weight = Tensor::f_from_slice(&[checked(value)?])?;
            Some(weight.f_to_kind(logits.kind())?.f_to_device(device)?)
        }
        None => None,
    };
    // A weight of 0 does not remove a NaN, so replace the values at padding first.
    let sum = logits
        .f_masked_fill(&padding, 0.0)?
        .f_binary_cross_entropy_with_logits(
            &targets
                .f_to_kind(logits.kind())?
                .f_masked_fill(&padding, 0.0)?,
            Some(&weight),
            positive_weight.as_ref(),
            Reduction::Sum,
        )?;
    Ok(sum.f_div_scalar(n_valid as f64)?)
}

/// Checks the shapes and kinds, and returns the valid positions in the shape of the logits.
fn check(logits: &Tensor, targets: &Tensor, valid: &Tensor) -> Result<Tensor, NnError> {
    let size = logits.size();
    let shape = |what, expected: &[i64], tensor: &Tensor| NnError::Shape {
        what,
        expected: format!("{expected:?}"),
        found: tensor.size(),
    };
    if targets.size() != size {
        return Err(shape("targets", &size, targets));
    }
    if valid.kind() != Kind::Bool {
        return Err(NnError::Dtype {
            what: "valid",
            expected: "bool",
            found: valid.kind(),
        });
    }
    if valid.size() == size {
        return Ok(valid.shallow_clone());
    }
    match size.split_last() {
        Some((_, positions)) if valid.size() == positions => {
            Ok(valid.f_unsqueeze(-1)?.f_expand(&size, false)?)
        }
        _ => Err(shape("valid", &size, valid)),
    }
}

fn checked(positive_weight: f64) -> Result<f64, NnError> {
    if positive_weight.is_finite() && positive_weight > 0.0 {
        Ok(positive_weight)
    } else {
        Err(NnError::Setting {
            name: "positive_weight",
            expected: "a positive number",
            found: positive_weight.to_string(),
        })
    }
}
