use pe_nn::{Backbone, Mode, Parameters, SequenceHead};
use tch::Tensor;

use crate::TrainError;
use crate::data::Batch;

/// A network of either kind, as the loop sees it.
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

    /// One logit for each target of the batch.
    pub(crate) fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor, TrainError> {
        Ok(match (self, &batch.rows) {
            (Self::Cnn(backbone), _) => backbone.logits(&batch.input, mode)?,
            (Self::Sequence(head), Some(rows)) => head.logits(&batch.input, rows, mode)?,
            (Self::Sequence(head), None) => {
                let size = batch.input.size();
                let rows = Tensor::f_ones(&size[..2], (tch::Kind::Bool, batch.input.device()))?;
                head.logits(&batch.input, &rows, mode)?
            }
        })
    }
}
