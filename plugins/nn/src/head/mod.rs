//! The sequence models. From the features of consecutive slices or slabs, they compute logits for
//! each.

mod bilstm;
mod tcn;
mod valid;

use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::backbone::at_least_one;
use crate::layer::linear::Linear;
use crate::{Mode, NnError, Parameters};
use bilstm::BiLstmHead;
use tcn::TcnHead;
use valid::Valid;

/// Kind of sequence model, with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HeadKind {
    /// One bidirectional LSTM layer. Names as PyTorch's: `lstm.weight_ih_l0` … `fc.bias`.
    #[serde(rename = "bilstm")]
    BiLstm {
        /// Size of the hidden state in each direction, PyTorch's `hidden_size`; 128 by default.
        #[serde(default = "default_hidden")]
        hidden: i64,
    },
    /// Bai et al. 2018's temporal convolutional network. Names: `tcn.network.0.conv1.weight_v` ….
    Tcn {
        /// Channels of every level; 128 by default.
        #[serde(default = "default_channels")]
        channels: i64,
        /// Kernel size in positions; 5 by default. Odd if not causal.
        #[serde(default = "default_kernel")]
        kernel: i64,
        /// Number of residual blocks, with dilations 1, 2, 4 …; 3 by default.
        #[serde(default = "default_levels")]
        levels: i64,
        /// Probability of dropout; 0.2 by default, as in Bai et al.
        #[serde(default = "default_dropout")]
        dropout: f64,
        /// True if a position sees only earlier positions and itself; true by default.
        #[serde(default = "default_causal")]
        causal: bool,
    },
}

// The paper's settings, or Bai et al.'s where it gives none.
fn default_hidden() -> i64 {
    128
}
fn default_channels() -> i64 {
    128
}
fn default_kernel() -> i64 {
    5
}
fn default_levels() -> i64 {
    3
}
fn default_dropout() -> f64 {
    0.2
}
fn default_causal() -> bool {
    true
}

impl HeadKind {
    /// The BiLSTM with the paper's settings.
    pub fn bilstm() -> Self {
        Self::BiLstm {
            hidden: default_hidden(),
        }
    }

    /// The TCN with the paper's settings.
    pub fn tcn() -> Self {
        Self::Tcn {
            channels: default_channels(),
            kernel: default_kernel(),
            levels: default_levels(),
            dropout: default_dropout(),
            causal: default_causal(),
        }
    }
}

/// A sequence model.
///
/// ```
/// use pe_nn::{HeadKind, Mode, SequenceHead, tch::{Device, Kind, Tensor}};
/// let head = SequenceHead::new(&HeadKind::bilstm(), 1280, 1, Device::Cpu)?;
/// let features = Tensor::zeros([2, 64, 1280], (Kind::Float, Device::Cpu));
/// let valid = Tensor::ones([2, 64], (Kind::Bool, Device::Cpu));
/// assert_eq!(head.logits(&features, &valid, Mode::Eval)?.size(), [2, 64, 1]);
/// # Ok::<(), pe_nn::NnError>(())
/// ```
#[derive(Debug)]
pub struct SequenceHead {
    body: Body,
    classifier: Linear,
    n_inputs: i64,
    n_outputs: i64,
    params: Parameters,
}

#[derive(Debug)]
enum Body {
    BiLstm(BiLstmHead),
    Tcn(TcnHead),
}

impl SequenceHead {
    /// Builds a model for features of `n_inputs` numbers, such as 1280 or 1536, and with
    /// `n_outputs` logits per position, such as 1 or 32.
    ///
    /// # Errors
    /// [`NnError::Setting`] for a setting out of its range.
    pub fn new(
        kind: &HeadKind,
        n_inputs: i64,
        n_outputs: i64,
        device: Device,
    ) -> Result<Self, NnError> {
        at_least_one("n_inputs", n_inputs)?;
        at_least_one("n_outputs", n_outputs)?;
        let body = match *kind {
            HeadKind::BiLstm { hidden } => Body::BiLstm(BiLstmHead::new(n_inputs, hidden)?),
            HeadKind::Tcn { .. } => Body::Tcn(TcnHead::new(n_inputs, kind)?),
        };
        let mut params = Parameters::new(device);
        let n_features = match &body {
            Body::BiLstm(body) => {
                body.register(&mut params)?;
                body.n_features()
            }
            Body::Tcn(body) => {
                body.register(&mut params)?;
                body.n_features()
            }
        };
        let classifier = Linear::new(n_features, n_outputs)?;
        classifier.register(&mut params, "fc")?;
        params.settle()?;
        Ok(Self {
            body,
            classifier,
            n_inputs,
            n_outputs,
            params,
        })
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The parameters, to load a state.
    pub fn params_mut(&mut self) -> &mut Parameters {
        &mut self.params
    }

    /// Number of features per position.
    pub fn n_inputs(&self) -> i64 {
        self.n_inputs
    }

    /// Number of logits per position.
    pub fn n_outputs(&self) -> i64 {
        self.n_outputs
    }

    /// Computes logits `[batch, time, n_outputs]` from features `[batch, time, n_inputs]`.
    ///
    /// `valid` is bool, `[batch, time]`, and false only at the end of a sequence. The features at
    /// padding do not matter: at valid positions the logits are those of each sequence alone. At
    /// padding they are 0.
    ///
    /// `valid` is read on the CPU. Pass it as a CPU tensor, or the CPU has to wait for the GPU.
    ///
    /// # Errors
    /// [`NnError::Shape`] and [`NnError::Dtype`] when the two do not match; [`NnError::Hole`] for a
    /// valid position after padding.
    pub fn logits(&self, features: &Tensor, valid: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let size = features.size();
        if size.len() != 3 || size[2] != self.n_inputs || size.contains(&0) {
            return Err(NnError::Shape {
                what: "features",
                expected: format!("[batch, time, {}]", self.n_inputs),
                found: size,
            });
        }
        let valid = Valid::new(valid, &size[..2], features.device())?;
        let hidden = match &self.body {
            Body::BiLstm(body) => body.forward(features, &valid)?,
            Body::Tcn(body) => body.forward(features, &valid, mode)?,
        };
        let logits = self.classifier.forward(&hidden)?;
        Ok(match valid.padding() {
            Some(padding) => logits.f_masked_fill(padding, 0.0)?,
            None => logits,
        })
    }
}
