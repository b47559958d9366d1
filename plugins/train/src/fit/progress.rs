use serde::{Deserialize, Serialize};

use super::checkpoint::TensorFile;

/// Progress of a training run: everything in a checkpoint except the tensors. All randomness is a
/// function of the seed, the epoch and the step, so there is no random state to save.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// The current epoch, from 0; the number of epochs when all are done.
    pub(crate) epoch: usize,
    /// Steps done in the current epoch.
    pub(crate) step: usize,
    /// Steps done in all.
    pub(crate) steps: usize,
    /// Sum of the loss over the slices that counted in this epoch; `loss_n` is their number.
    pub(crate) loss_sum: f64,
    pub(crate) loss_n: u64,
    /// Sum of the gradients' norms over the steps of this epoch.
    pub(crate) norm_sum: f64,
    /// Seconds spent in this epoch.
    pub(crate) elapsed_s: f64,
    /// True after `patience` epochs without a better one.
    pub(crate) stopped_early: bool,
    pub(crate) best: Option<Best>,
    pub(crate) history: Vec<Epoch>,
}

/// The length of a run, which its [`Progress`] is checked against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub(crate) epochs: usize,
    pub(crate) steps_per_epoch: usize,
}

impl Progress {
    /// Checks that a run of this length can have this progress; the error holds the expected and
    /// the found value. A correct seal is not enough: it only shows that the file is unchanged
    /// since it was written, not who wrote it.
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
        // `best.epoch` is used as an index into the history.
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
    /// Mean loss per training slice, measured while the weights changed and with augmentation.
    pub train_loss: f64,
    /// Mean loss per slice on the validation part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// AUC of slices on the validation part; `None` if it has one class only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_auroc: Option<f64>,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Mean norm of the gradients, before clipping.
    pub gradient_norm: f64,
    /// Training slices per second, including the making of the input.
    pub slices_per_s: f64,
    /// Duration in seconds, including validation.
    pub elapsed_s: f64,
}
