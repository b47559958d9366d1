use tch::{Device, Kind, Tensor};

use crate::NnError;

/// The valid positions of a batch of sequences.
#[derive(Debug)]
pub(super) struct Valid {
    /// Number of valid positions of each sequence.
    lengths: Vec<i64>,
    /// True at padding, `[batch, time, 1]`, on the features' device; `None` if there is no padding.
    padding: Option<Tensor>,
}

impl Valid {
    pub(super) fn new(valid: &Tensor, size: &[i64], device: Device) -> Result<Self, NnError> {
        if valid.kind() != Kind::Bool {
            return Err(NnError::Dtype {
                what: "valid",
                expected: "bool",
                found: valid.kind(),
            });
        }
        if valid.size() != size {
            return Err(NnError::Shape {
                what: "valid",
                expected: format!("{size:?}"),
                found: valid.size(),
            });
        }
        let n_steps = usize::try_from(size[1]).unwrap_or_default();
        let flags = Vec::<bool>::try_from(&valid.f_to_device(Device::Cpu)?.f_reshape(-1)?)?;
        let mut lengths = Vec::with_capacity(flags.len() / n_steps.max(1));
        for (sequence_idx, sequence) in flags.chunks(n_steps).enumerate() {
            lengths.push(length(sequence_idx, sequence)?);
        }
        let padding = if flags.iter().all(|&flag| flag) {
            None
        } else {
            Some(
                valid
                    .f_to_device(device)?
                    .f_logical_not()?
                    .f_unsqueeze(-1)?,
            )
        };
        Ok(Self { lengths, padding })
    }

    pub(super) fn lengths(&self) -> &[i64] {
        &self.lengths
    }

    pub(super) fn padding(&self) -> Option<&Tensor> {
        self.padding.as_ref()
    }
}

/// Returns the number of valid positions before the padding; an error if there are more after it.
fn length(sequence_idx: usize, sequence: &[bool]) -> Result<i64, NnError> {
    let n_valid = sequence.iter().take_while(|&&flag| flag).count();
    match sequence[n_valid..].iter().position(|&flag| flag) {
        Some(after) => Err(NnError::Hole {
            sequence_idx,
            valid_idx: n_valid + after,
            n_valid,
        }),
        None => Ok(n_valid as i64),
    }
}
