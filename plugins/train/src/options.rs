//! Options of a training run, with the paper's values as defaults.

use std::fmt::Display;

use pe_nn::{BackboneKind, HeadKind};
use serde::{Deserialize, Serialize};

use crate::TrainError;

/// Most slices in a slab. A CTPA has some hundred.
pub(crate) const MAX_SLAB: usize = 2048;

/// Kind of optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam (Kingma & Ba 2015): weight decay is added to the gradient.
    Adam,
    /// AdamW (Loshchilov & Hutter 2019): weight decay is subtracted from the weights.
    AdamW,
}

/// Schedule of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Stays at `lr`.
    Constant,
    /// Multiplied by `gamma` every `step_epochs` epochs.
    Step,
    /// Half a cosine from `lr` to 0 over all steps.
    Cosine,
}

/// Criterion for the epoch whose weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// The least loss on the validation part.
    Loss,
    /// The greatest slice AUC on the validation part.
    Auroc,
    /// The last epoch, whatever the validation part says.
    Last,
}

/// Precision of the network's computation; weights and optimizer are always float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// float32.
    F32,
    /// bfloat16 where libtorch's autocast considers it safe.
    Bf16,
}

/// Training options, the same for every network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FitOptions {
    /// Samples per step: slices, slabs or sequences.
    pub batch: usize,
    /// Number of epochs: passes over the training part, or over what `steps` and `balance` draw
    /// from it.
    pub epochs: usize,
    /// Steps per epoch; 0 makes one pass over the training part.
    pub steps: usize,
    /// Share of each batch that shows PE; 0 takes the samples as they are. A class with too few
    /// samples is repeated. The probabilities of a balanced model are too high.
    pub balance: f64,
    /// Learning rate.
    pub lr: f64,
    /// The optimizer; betas are 0.9 and 0.999, epsilon is 1e-8.
    pub optimizer: Optimizer,
    /// Weight decay.
    pub weight_decay: f64,
    /// Schedule of the learning rate.
    pub schedule: Schedule,
    /// Epochs between steps of the schedule `step`.
    pub step_epochs: usize,
    /// Factor of the schedule `step`.
    pub gamma: f64,
    /// Steps over which the learning rate rises from 0, before the schedule.
    pub warmup_steps: usize,
    /// Largest norm of the gradients; a larger one is scaled down to it. 0 does not clip.
    pub clip_norm: f64,
    /// Decay of a running average of the weights over the steps, below 1: 0.99 averages over some
    /// 100 steps. The average is validated and kept in place of the last weights. 0 does not
    /// average.
    pub average: f64,
    /// Weight of a positive slice in the loss, above 0; 1 is the paper's plain BCE.
    pub positive_weight: f64,
    /// Criterion for the epoch whose weights are kept.
    pub select: Select,
    /// Training ends after this many epochs without a better one; 0 never ends it early.
    pub patience: usize,
    /// Precision of the network's computation.
    pub precision: Precision,
    /// Seconds between checkpoints within an epoch; each epoch ends with one, unless the last is
    /// less than a tenth of this old.
    pub checkpoint_s: f64,
    /// Whether to shuffle the labels among the slices of each part that is trained or validated on:
    /// a negative control, from which a network must not learn.
    pub shuffle_labels: bool,
}

/// Values of the paper's section 3.3 and Table 1; where it leaves a choice, ours
/// (`docs/table2.md`).
impl Default for FitOptions {
    fn default() -> Self {
        Self {
            batch: 48,
            epochs: 10,
            steps: 0,
            balance: 0.0,
            lr: 1e-4,
            optimizer: Optimizer::Adam,
            weight_decay: 0.0,
            schedule: Schedule::Constant,
            step_epochs: 20,
            gamma: 0.9,
            warmup_steps: 0,
            clip_norm: 0.0,
            average: 0.0,
            positive_weight: 1.0,
            select: Select::Loss,
            patience: 0,
            precision: Precision::F32,
            checkpoint_s: 60.0,
            shuffle_labels: false,
        }
    }
}

/// Augmentation of training images, drawn once per slice or slab.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Augmentation {
    /// Bounds of the Gaussian blur's sigma in pixels, with a kernel of 3; `[0, 0]` does not blur.
    pub blur_sigma: [f64; 2],
    /// Probability of a horizontal flip.
    pub flip: f64,
    /// Rotations are drawn up to this many degrees to either side; 0 does not rotate.
    pub rotation_deg: f64,
    /// Images are enlarged or reduced by up to this share.
    pub zoom: f64,
    /// Images are moved along rows and columns by up to this share of their side.
    pub shift: f64,
    /// Values in [0, 1] are multiplied by 1 ± up to this share, and clipped at 1.
    pub contrast: f64,
    /// Up to this much is added to or subtracted from values in [0, 1], which are then clipped to
    /// [0, 1].
    pub brightness: f64,
}

/// The paper's three kinds of augmentation, with our choice of sizes (`docs/table2.md`).
impl Default for Augmentation {
    fn default() -> Self {
        Self {
            blur_sigma: [0.1, 2.0],
            flip: 0.5,
            rotation_deg: 15.0,
            zoom: 0.0,
            shift: 0.0,
            contrast: 0.0,
            brightness: 0.0,
        }
    }
}

/// Output of a 3D network for a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlabHead {
    /// One logit per slice.
    Slices,
    /// One logit for the whole slab (PE on any of its slices), used for each of its slices.
    Slab,
}

/// Options of a convolutional network on slices or slabs, and of its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CnnOptions {
    /// `efficientnet_b0` or `efficientnet_lite0`, on single slices, or `r3d_18`, on slabs.
    pub network: BackboneKind,
    /// Pretrained weights: a safetensors file made by `scripts/weights/convert.py`, or `imagenet`
    /// for those that come with the set-up (only for `efficientnet_lite0`). Empty starts from the
    /// standard initialisation.
    pub weights: String,
    /// Slices per slab, for `r3d_18`.
    pub slab: usize,
    /// Slices from the start of one training slab to the start of the next, for `r3d_18`. 0 takes a
    /// whole slab, so that none overlap. Slabs of validation and test never overlap.
    pub slab_stride: usize,
    /// Output of `r3d_18` for a slab.
    pub head: SlabHead,
    /// Augmentation of the training images.
    #[serde(flatten)]
    pub augmentation: Augmentation,
    /// Options of the training.
    #[serde(flatten)]
    pub fit: FitOptions,
}

impl Default for CnnOptions {
    fn default() -> Self {
        Self {
            network: BackboneKind::EfficientNetB0,
            weights: String::new(),
            slab: 32,
            slab_stride: 0,
            head: SlabHead::Slices,
            augmentation: Augmentation::default(),
            fit: FitOptions::default(),
        }
    }
}

/// Kind of sequence model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SequenceKind {
    /// A bidirectional LSTM.
    BiLstm,
    /// A temporal convolutional network (Bai et al. 2018).
    Tcn,
}

/// Options of a sequence model on the features of a frozen network, and of its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SequenceOptions {
    /// Kind of model.
    pub model: SequenceKind,
    /// Size of the hidden state of `bilstm`, in each direction.
    pub hidden: i64,
    /// Channels of `tcn`.
    pub channels: i64,
    /// Kernel of `tcn`, in rows.
    pub kernel: i64,
    /// Residual blocks of `tcn`; dilations 1, 2, 4, …
    pub levels: i64,
    /// Probability of dropout in `tcn`.
    pub dropout: f64,
    /// Whether `tcn` sees only earlier rows and the row itself.
    pub causal: bool,
    /// Most slices in a sequence, for features of slices; longer exams are cut.
    pub chunk_slices: usize,
    /// Most slabs in a sequence, for features of slabs; longer exams are cut.
    pub chunk_slabs: usize,
    /// Number of slabs on either side whose features are joined to a slab's; zeros beyond the exam.
    pub neighbours: usize,
    /// Options of the training.
    #[serde(flatten)]
    pub fit: FitOptions,
}

/// Values of the paper's section 3.5 and Table 1, with our choice of learning rate.
impl Default for SequenceOptions {
    fn default() -> Self {
        Self {
            model: SequenceKind::BiLstm,
            hidden: 128,
            channels: 128,
            kernel: 5,
            levels: 3,
            dropout: 0.2,
            causal: true,
            chunk_slices: 64,
            chunk_slabs: 10,
            neighbours: 1,
            fit: FitOptions {
                batch: 16,
                epochs: 100,
                lr: 5e-4,
                schedule: Schedule::Step,
                ..FitOptions::default()
            },
        }
    }
}

impl SequenceOptions {
    /// The network that these options describe.
    pub fn kind(&self) -> HeadKind {
        match self.model {
            SequenceKind::BiLstm => HeadKind::BiLstm {
                hidden: self.hidden,
            },
            SequenceKind::Tcn => HeadKind::Tcn {
                channels: self.channels,
                kernel: self.kernel,
                levels: self.levels,
                dropout: self.dropout,
                causal: self.causal,
            },
        }
    }

    /// Checks every option's range.
    ///
    /// # Errors
    /// [`TrainError::Option`] naming the first option that is out of range.
    pub fn check(&self) -> Result<(), TrainError> {
        let sizes = [
            ("hidden", self.hidden, 8192),
            ("channels", self.channels, 8192),
            ("kernel", self.kernel, 255),
            // The last block's dilation is 2 to the power of `levels - 1`.
            ("levels", self.levels, 16),
        ];
        for (name, value, most) in sizes {
            size(name, value, 1, most)?;
        }
        size("neighbours", self.neighbours, 0, 64)?;
        if !self.causal && self.kernel % 2 == 0 {
            let expected = "an odd number when `causal` is false";
            return Err(TrainError::option("kernel", expected, self.kernel));
        }
        within("dropout", self.dropout, 0.0, 0.99)?;
        size("chunk_slices", self.chunk_slices, 1, 100_000)?;
        size("chunk_slabs", self.chunk_slabs, 1, 100_000)?;
        self.fit.check()
    }
}

/// Returns the names of the options that are set.
fn given<const N: usize>(options: [(&'static str, bool); N]) -> Vec<&'static str> {
    let given = options.into_iter().filter(|(_, given)| *given);
    given.map(|(name, _)| name).collect()
}

impl SequenceOptions {
    /// Returns the options that differ from their defaults, but have no effect on this kind of
    /// model.
    pub(crate) fn without_effect(&self) -> Vec<&'static str> {
        let own = Self::default();
        match self.model {
            SequenceKind::Tcn => given([("hidden", self.hidden != own.hidden)]),
            SequenceKind::BiLstm => given([
                ("channels", self.channels != own.channels),
                ("kernel", self.kernel != own.kernel),
                ("levels", self.levels != own.levels),
                ("dropout", self.dropout != own.dropout),
                ("causal", self.causal != own.causal),
            ]),
        }
    }
}

impl CnnOptions {
    /// Returns the options that differ from their defaults, but have no effect on this network.
    pub(crate) fn without_effect(&self) -> Vec<&'static str> {
        if self.network.is_3d() {
            return Vec::new();
        }
        let own = Self::default();
        given([
            ("slab", self.slab != own.slab),
            ("slab_stride", self.slab_stride != own.slab_stride),
            ("head", self.head != own.head),
        ])
    }

    /// Checks every option's range.
    ///
    /// # Errors
    /// [`TrainError::Option`] naming the first option that is out of range.
    pub fn check(&self) -> Result<(), TrainError> {
        size("slab", self.slab, 1, MAX_SLAB)?;
        let [low, high] = self.augmentation.blur_sigma;
        if !(0.0 <= low && low <= high && high.is_finite()) {
            let expected = "two sigmas in pixels, the least first";
            return Err(TrainError::option(
                "blur_sigma",
                expected,
                format!("[{low}, {high}]"),
            ));
        }
        within("flip", self.augmentation.flip, 0.0, 1.0)?;
        within("rotation_deg", self.augmentation.rotation_deg, 0.0, 180.0)?;
        size("slab_stride", self.slab_stride, 0, self.slab)?;
        let shares = [
            ("zoom", self.augmentation.zoom, 0.9),
            ("shift", self.augmentation.shift, 1.0),
            ("contrast", self.augmentation.contrast, 1.0),
            ("brightness", self.augmentation.brightness, 1.0),
        ];
        for (name, value, most) in shares {
            within(name, value, 0.0, most)?;
        }
        self.fit.check()
    }
}

impl FitOptions {
    /// Checks every option's range.
    ///
    /// # Errors
    /// [`TrainError::Option`] naming the first option that is out of range.
    pub fn check(&self) -> Result<(), TrainError> {
        at_least_one("batch", self.batch)?;
        // Bounds the counts of steps and slices over all epochs.
        size("epochs", self.epochs, 1, 1_000_000)?;
        size("steps", self.steps, 0, 1_000_000)?;
        within("balance", self.balance, 0.0, 1.0)?;
        at_least_one("step_epochs", self.step_epochs)?;
        within("lr", self.lr, f64::MIN_POSITIVE, 1e3)?;
        within("weight_decay", self.weight_decay, 0.0, 1e3)?;
        within("gamma", self.gamma, 0.0, 1.0)?;
        within("clip_norm", self.clip_norm, 0.0, f64::MAX)?;
        within("average", self.average, 0.0, 0.999_999)?;
        within(
            "positive_weight",
            self.positive_weight,
            f64::MIN_POSITIVE,
            1e6,
        )?;
        within("checkpoint_s", self.checkpoint_s, 0.0, f64::MAX)
    }
}

fn at_least_one(option: &'static str, value: usize) -> Result<(), TrainError> {
    match value {
        0 => Err(TrainError::option(option, "at least 1", value)),
        _ => Ok(()),
    }
}

/// Checks the size of a tensor: a value far beyond any use would take all memory.
fn size<N: TryInto<usize> + Display + Copy>(
    option: &'static str,
    value: N,
    least: usize,
    most: usize,
) -> Result<(), TrainError> {
    match value.try_into() {
        Ok(size) if (least..=most).contains(&size) => Ok(()),
        _ => {
            let expected = format!("{least} to {most}");
            Err(TrainError::option(option, expected, value))
        }
    }
}

fn within(option: &'static str, value: f64, least: f64, most: f64) -> Result<(), TrainError> {
    // A NaN is in no range, so it is refused here too.
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let expected = match most {
        f64::MAX => format!("at least {least}"),
        _ if least == f64::MIN_POSITIVE => format!("above 0, at most {most}"),
        _ => format!("{least} to {most}"),
    };
    Err(TrainError::option(option, expected, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_papers_and_pass_their_own_checks() {
        let cnn = CnnOptions::default();
        assert!(cnn.check().is_ok());
        assert_eq!((cnn.fit.batch, cnn.fit.epochs, cnn.fit.lr), (48, 10, 1e-4));
        let sequence = SequenceOptions::default();
        assert!(sequence.check().is_ok());
        assert_eq!((sequence.fit.batch, sequence.fit.epochs), (16, 100));
    }

    #[test]
    fn each_option_has_a_range() {
        let check = |set: fn(&mut CnnOptions), expected: &str| {
            let mut options = CnnOptions::default();
            set(&mut options);
            match options.check() {
                Err(TrainError::Option { option, .. }) => assert_eq!(option, expected),
                other => panic!("expected {expected} to be refused, found {other:?}"),
            }
        };
        check(|o| o.fit.batch = 0, "batch");
        check(|o| o.fit.epochs = 0, "epochs");
        check(|o| o.fit.lr = f64::NAN, "lr");
        check(|o| o.fit.lr = 0.0, "lr");
        check(|o| o.fit.positive_weight = 0.0, "positive_weight");
        check(|o| o.slab = 0, "slab");
        check(|o| o.augmentation.flip = 1.5, "flip");
        check(|o| o.augmentation.blur_sigma = [2.0, 0.1], "blur_sigma");
        check(|o| o.slab = usize::MAX, "slab");
        check(|o| o.slab_stride = 33, "slab_stride");
        check(|o| o.fit.balance = 1.1, "balance");
        check(|o| o.fit.average = 1.0, "average");
        check(|o| o.fit.steps = usize::MAX, "steps");
        check(|o| o.augmentation.zoom = 1.0, "zoom");
        check(|o| o.augmentation.shift = -0.1, "shift");
        check(|o| o.augmentation.contrast = f64::NAN, "contrast");
        check(|o| o.augmentation.brightness = 2.0, "brightness");
        let check = |set: fn(&mut SequenceOptions), expected: &str| {
            let mut options = SequenceOptions::default();
            set(&mut options);
            match options.check() {
                Err(TrainError::Option { option, .. }) => assert_eq!(option, expected),
                other => panic!("expected {expected} to be refused, found {other:?}"),
            }
        };
        check(|o| (o.causal, o.kernel) = (false, 4), "kernel");
        check(|o| o.hidden = -1, "hidden");
        check(|o| o.hidden = i64::MAX, "hidden");
        check(|o| o.channels = 0, "channels");
        check(|o| o.levels = 64, "levels");
        check(|o| o.neighbours = usize::MAX, "neighbours");
    }

    #[test]
    fn options_of_other_networks_are_known() {
        let mut cnn = CnnOptions {
            slab: 8,
            head: SlabHead::Slab,
            ..CnnOptions::default()
        };
        assert_eq!(cnn.without_effect(), ["slab", "head"]);
        cnn.network = BackboneKind::R3d18;
        assert!(cnn.without_effect().is_empty());
        let mut sequence = SequenceOptions {
            hidden: 64,
            dropout: 0.1,
            ..SequenceOptions::default()
        };
        assert_eq!(sequence.without_effect(), ["dropout"]);
        sequence.model = SequenceKind::Tcn;
        assert_eq!(sequence.without_effect(), ["hidden"]);
    }
}
