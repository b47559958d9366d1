//! The temporal convolutional network.

use tch::Tensor;

use super::HeadKind;
use super::valid::Valid;
use crate::backbone::at_least_one;
use crate::layer::temporal_block::{Reach, TemporalBlock};
use crate::{Mode, NnError, Parameters};

/// Most levels. With more, the dilation 2^level is longer than any exam.
const MAX_LEVELS: i64 = 16;

#[derive(Debug)]
pub(super) struct TcnHead {
    blocks: Vec<TemporalBlock>,
    n_channels: i64,
    causal: bool,
}

impl TcnHead {
    /// Builds the network; `kind` must be [`HeadKind::Tcn`].
    pub(super) fn new(n_inputs: i64, kind: &HeadKind) -> Result<Self, NnError> {
        let HeadKind::Tcn {
            channels,
            kernel,
            levels,
            dropout,
            causal,
        } = *kind
        else {
            return Err(setting("head", "a TCN", format!("{kind:?}")));
        };
        check(channels, kernel, levels, dropout, causal)?;
        let mut blocks = Vec::new();
        for level in 0..levels {
            let reach = Reach {
                kernel,
                dilation: 1 << level,
                causal,
            };
            let n_inputs = if level == 0 { n_inputs } else { channels };
            blocks.push(TemporalBlock::new(n_inputs, channels, reach, dropout)?);
        }
        Ok(Self {
            blocks,
            n_channels: channels,
            causal,
        })
    }

    pub(super) fn n_features(&self) -> i64 {
        self.n_channels
    }

    pub(super) fn register(&self, params: &mut Parameters) -> Result<(), NnError> {
        for (level, block) in self.blocks.iter().enumerate() {
            block.register(params, &format!("tcn.network.{level}"))?;
        }
        Ok(())
    }

    pub(super) fn forward(
        &self,
        features: &Tensor,
        valid: &Valid,
        mode: Mode,
    ) -> Result<Tensor, NnError> {
        let padded = match valid.padding() {
            Some(padding) => Some(padding.f_transpose(1, 2)?),
            None => None,
        };
        let mut x = features.f_transpose(1, 2)?;
        if let Some(padded) = &padded {
            x = x.f_masked_fill(padded, 0.0)?;
        }
        // A causal network only looks back, so no valid position sees the padding at a sequence's
        // end.
        let within = padded.as_ref().filter(|_| !self.causal);
        for block in &self.blocks {
            x = block.forward(&x, within, mode)?;
        }
        Ok(x.f_transpose(1, 2)?)
    }
}

fn check(
    channels: i64,
    kernel: i64,
    levels: i64,
    dropout: f64,
    causal: bool,
) -> Result<(), NnError> {
    at_least_one("channels", channels)?;
    at_least_one("kernel", kernel)?;
    if !(1..=MAX_LEVELS).contains(&levels) {
        return Err(setting("levels", "1 to 16", levels.to_string()));
    }
    if !(0.0..1.0).contains(&dropout) {
        return Err(setting("dropout", "0 to below 1", dropout.to_string()));
    }
    if !causal && kernel % 2 == 0 {
        let expected = "an odd number where the network is not causal";
        return Err(setting("kernel", expected, kernel.to_string()));
    }
    Ok(())
}

fn setting(name: &'static str, expected: &'static str, found: String) -> NnError {
    NnError::Setting {
        name,
        expected,
        found,
    }
}
