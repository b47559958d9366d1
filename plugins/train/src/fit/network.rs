use pe_nn::{Backbone, Mode, Parameters, SequenceHead};
use tch::Tensor;

use crate::TrainError;
use crate::data::Batch;

/// A CNN or a sequence model, with one interface for the training loop.
pub(crate) enum Network {
    /// Images to logits.
    Cnn(Box<Backbone>),
    /// Sequences of features to logits.
    Sequence(SequenceHead),
}

impl Network {
    pub(crate) fn params(&self) -> &Parameters {
        match self {
            Self::Cnn(backbone) => backbone.params(),
            Self::Sequence(head) => head.params(),
        }
    }

    pub(crate) fn params_mut(&mut self) -> &mut Parameters {
        match self {
            Self::Cnn(backbone) => backbone.params_mut(),
            Self::Sequence(head) => head.params_mut(),
        }
    }

    /// Computes one logit for each target of the batch.
    pub(crate) fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor, TrainError> {
        Ok(match (self, &batch.rows) {
            (Self::Cnn(backbone), _) => backbone.logits(&batch.input, mode)?,
            (Self::Sequence(head), Some(rows)) => head.logits(&batch.input, rows, mode)?,
            // Without a mask, no row is padding.
            (Self::Sequence(head), None) => {
                let size = batch.input.size();
                let rows = Tensor::f_ones(&size[..2], (tch::Kind::Bool, batch.input.device()))?;
                head.logits(&batch.input, &rows, mode)?
            }
        })
    }
}
