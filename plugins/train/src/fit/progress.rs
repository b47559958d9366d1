use serde::{Deserialize, Serialize};

use super::checkpoint::TensorFile;

/// Where a training run stands: everything that is no tensor. All that is random is a function of
/// the seed, the epoch and the step, so there is no random state besides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// The epoch under way, from 0; the number of epochs when all are done.
    pub(crate) epoch: usize,
    /// Steps done in it.
    pub(crate) step: usize,
    /// Steps done in all.
    pub(crate) steps: usize,
    /// Sum of the loss over the slices that counted in this epoch, and their number.
    pub(crate) loss_sum: f64,
    pub(crate) loss_n: u64,
    /// Sum of the gradients' norms over the steps of this epoch.
    pub(crate) norm_sum: f64,
    /// Seconds spent in this epoch.
    pub(crate) elapsed_s: f64,
    /// Whether there was nothing better for as long as the options allow.
    pub(crate) stopped_early: bool,
    pub(crate) best: Option<Best>,
    pub(crate) history: Vec<Epoch>,
}

/// How long a run is: what a record of where it stands is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub(crate) epochs: usize,
    pub(crate) steps_per_epoch: usize,
}

impl Progress {
    /// Whether a run of this length can stand here: what is expected, and found, where it cannot.
    /// A right seal only says that a file is as it was written, by whomever.
    pub(crate) fn check(&self, length: &Length) -> Result<(), (String, String)> {
        let Length {
            epochs,
            steps_per_epoch,
        } = *length;
        let refused = |expected: String, found: String| Err((expected, found));
        let (epoch, step) = (self.epoch, self.step);
        if epoch > epochs || step > steps_per_epoch {
            let expected = format!("at most {epochs} epochs and {steps_per_epoch} steps");
            return refused(expected, format!("epoch {epoch}, step {step}"));
        }
        let steps = epoch.saturating_mul(steps_per_epoch).saturating_add(step);
        if self.steps != steps {
            return refused(format!("{steps} steps in all"), self.steps.to_string());
        }
        if !(self.history.iter().map(|one| one.epoch)).eq(1..=epoch) {
            let found = format!("{} entries", self.history.len());
            return refused(format!("the history of {epoch} epochs"), found);
        }
        match &self.best {
            Some(best) if best.epoch >= epoch => refused(
                format!("a best epoch before {epoch}"),
                best.epoch.to_string(),
            ),
            _ => Ok(()),
        }
    }
}

/// The best epoch so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Best {
    /// From 0.
    pub(crate) epoch: usize,
    pub(crate) weights: TensorFile,
}

/// One epoch of a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean loss a slice, while the weights changed and with augmentation.
    pub train_loss: f64,
    /// Mean loss a slice on the validation part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Slice AUC on the validation part; none with one class only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_auroc: Option<f64>,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Mean norm of the gradients, before clipping.
    pub gradient_norm: f64,
    /// Training slices a second, the input's making included.
    pub slices_per_s: f64,
    /// Seconds, validation included.
    pub elapsed_s: f64,
}
