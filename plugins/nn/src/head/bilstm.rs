//! The bidirectional LSTM, in which every position sees the whole sequence.

use tch::Tensor;

use super::valid::Valid;
use crate::backbone::at_least_one;
use crate::layer::lstm::BiLstm;
use crate::stop::passed;
use crate::{NnError, Parameters};

#[derive(Debug)]
pub(super) struct BiLstmHead {
    lstm: BiLstm,
    n_hidden: i64,
}

impl BiLstmHead {
    pub(super) fn new(n_inputs: i64, n_hidden: i64) -> Result<Self, NnError> {
        at_least_one("hidden", n_hidden)?;
        Ok(Self {
            lstm: BiLstm::new(n_inputs, n_hidden)?,
            n_hidden,
        })
    }

    pub(super) fn n_features(&self) -> i64 {
        2 * self.n_hidden
    }

    pub(super) fn register(&self, params: &mut Parameters) -> Result<(), NnError> {
        self.lstm.register(params, "lstm")
    }

    pub(super) fn forward(&self, features: &Tensor, valid: &Valid) -> Result<Tensor, NnError> {
        let Some(padding) = valid.padding() else {
            return passed(self.lstm.forward(features)?);
        };
        // Lengths must be at least 1. A sequence without a valid position runs over one zero, and
        // its output is not used.
        let features = features.f_masked_fill(padding, 0.0)?;
        let lengths: Vec<i64> = valid.lengths().iter().map(|&n| n.max(1)).collect();
        passed(self.lstm.forward_padded(&features, &lengths)?)
    }
}
