//! The convolutional networks: those equal to torchvision's, and EfficientNet-Lite0, which
//! torchvision lacks.

mod efficientnet;
mod efficientnet_b0;
mod efficientnet_lite0;
mod mb_conv;
mod pretrained;
mod r3d18;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use pe_files::Files;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::layer::linear::Linear;
use crate::{Mode, NnError, Parameters, imagenet, init};
use efficientnet_b0::EfficientNetB0;
use efficientnet_lite0::EfficientNetLite0;
pub use pretrained::Adapted;
use r3d18::R3d18;

/// Kind of convolutional network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BackboneKind {
    /// Tan & Le 2019's EfficientNet-B0: images.
    #[serde(rename = "efficientnet_b0")]
    EfficientNetB0,
    /// Its variant for small devices, EfficientNet-Lite0, without squeeze and excitation: images.
    #[serde(rename = "efficientnet_lite0")]
    EfficientNetLite0,
    /// Tran et al. 2018's ResNet 3D with 18 layers: slabs.
    #[serde(rename = "r3d_18")]
    R3d18,
}

impl BackboneKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::EfficientNetB0, Self::EfficientNetLite0, Self::R3d18];

    /// The name in options, records and messages; torchvision's if it has the network.
    pub fn name(self) -> &'static str {
        match self {
            Self::EfficientNetB0 => "efficientnet_b0",
            Self::EfficientNetLite0 => "efficientnet_lite0",
            Self::R3d18 => "r3d_18",
        }
    }

    /// Number of features: 1280 or 512.
    pub fn n_features(self) -> i64 {
        match self {
            Self::EfficientNetB0 | Self::EfficientNetLite0 => efficientnet::N_FEATURES,
            Self::R3d18 => r3d18::N_FEATURES,
        }
    }

    /// Returns whether it takes slabs of slices instead of single slices.
    pub fn is_3d(self) -> bool {
        self == Self::R3d18
    }

    /// Name of the last layer in the state dict.
    fn classifier(self) -> &'static str {
        match self {
            Self::EfficientNetB0 => "classifier.1",
            Self::EfficientNetLite0 => "_fc",
            Self::R3d18 => "fc",
        }
    }

    /// The input's shape in words.
    fn input(self) -> &'static str {
        if !self.is_3d() {
            "[n, 3, rows, cols]"
        } else {
            "[n, 3, slices, rows, cols]"
        }
    }
}

impl fmt::Display for BackboneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BackboneKind {
    type Err = NnError;

    /// Parses the name of a kind.
    fn from_str(text: &str) -> Result<Self, NnError> {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == text);
        kind.ok_or_else(|| NnError::Setting {
            name: "backbone",
            expected: "`efficientnet_b0`, `efficientnet_lite0` or `r3d_18`",
            found: format!("`{text}`"),
        })
    }
}

/// A convolutional network, from an image or slab to features and logits.
///
/// ```
/// use pe_nn::{Backbone, BackboneKind, Mode, tch::{Device, Kind, Tensor}};
/// let network = Backbone::new(BackboneKind::R3d18, 32, Device::Cpu)?;
/// let slabs = Tensor::zeros([1, 3, 4, 16, 16], (Kind::Float, Device::Cpu));
/// assert_eq!(network.features(&slabs, Mode::Eval)?.size(), [1, 512]);
/// assert_eq!(network.logits(&slabs, Mode::Eval)?.size(), [1, 32]);
///
/// // An image where a slab is expected is an error, not a panic.
/// let images = Tensor::zeros([1, 3, 16, 16], (Kind::Float, Device::Cpu));
/// assert!(network.features(&images, Mode::Eval).is_err());
/// # Ok::<(), pe_nn::NnError>(())
/// ```
#[derive(Debug)]
pub struct Backbone {
    kind: BackboneKind,
    body: Body,
    classifier: Linear,
    n_outputs: i64,
    params: Parameters,
}

#[derive(Debug)]
enum Body {
    EfficientNetB0(EfficientNetB0),
    EfficientNetLite0(EfficientNetLite0),
    R3d18(R3d18),
}

impl Backbone {
    /// Builds a network with `n_outputs` logits. It is initialised as in torchvision,
    /// EfficientNet-Lite0 as in its package. The same seed (`tch::manual_seed`) gives the same bits
    /// as there, on every device.
    ///
    /// # Errors
    /// [`NnError::Setting`] when `n_outputs` is less than 1; [`NnError::Tch`] when memory is short.
    pub fn new(kind: BackboneKind, n_outputs: i64, device: Device) -> Result<Self, NnError> {
        at_least_one("n_outputs", n_outputs)?;
        let mut params = Parameters::new(device);
        let body = match kind {
            BackboneKind::EfficientNetB0 => Body::EfficientNetB0(EfficientNetB0::new()?),
            BackboneKind::EfficientNetLite0 => Body::EfficientNetLite0(EfficientNetLite0::new()?),
            BackboneKind::R3d18 => Body::R3d18(R3d18::new()?),
        };
        let classifier = Linear::new(kind.n_features(), n_outputs)?;
        match &body {
            Body::EfficientNetB0(body) => body.register(&mut params)?,
            Body::EfficientNetLite0(body) => body.register(&mut params)?,
            Body::R3d18(body) => body.register(&mut params)?,
        }
        classifier.register(&mut params, kind.classifier())?;
        match kind {
            BackboneKind::EfficientNetB0 => efficientnet_b0::initialise(&params)?,
            // The layers already have PyTorch's own initialisation.
            BackboneKind::EfficientNetLite0 => {}
            BackboneKind::R3d18 => r3d18::initialise(&params)?,
        }
        params.settle()?;
        Ok(Self {
            kind,
            body,
            classifier,
            n_outputs,
            params,
        })
    }

    /// The parameters and buffers.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The parameters and buffers, to load a state.
    pub fn params_mut(&mut self) -> &mut Parameters {
        &mut self.params
    }

    /// The kind of this network.
    pub fn kind(&self) -> BackboneKind {
        self.kind
    }

    /// Number of features: 1280 or 512.
    pub fn n_features(&self) -> i64 {
        self.kind.n_features()
    }

    /// Number of logits.
    pub fn n_outputs(&self) -> i64 {
        self.n_outputs
    }

    /// Computes the features, which are the input of the last layer: `[n, 1280]` from `[n, 3, rows,
    /// cols]`, or `[n, 512]` from `[n, 3, slices, rows, cols]`, pooled over all of the latter axes.
    /// In bfloat16 under [`Autocast`](crate::Autocast).
    ///
    /// # Errors
    /// [`NnError::Shape`] for an input of another shape or without rows; [`NnError::OneValue`] in
    /// training when BatchNorm would see one value per channel; [`NnError::Tch`] for another kind
    /// of number or device.
    pub fn features(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        self.check(input)?;
        match &self.body {
            Body::EfficientNetB0(body) => body.features(input, mode),
            Body::EfficientNetLite0(body) => body.features(input, mode),
            Body::R3d18(body) => body.features(input, mode),
        }
    }

    /// Computes logits `[n, n_outputs]`. In training, the features of the EfficientNets go through
    /// a dropout of 0.2.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn logits(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let features = self.features(input, mode)?;
        let features = if !self.kind.is_3d() {
            efficientnet::DROPOUT.forward(features, mode)?
        } else {
            features
        };
        self.classifier.forward(&features)
    }

    /// Computes logits `[n, n_outputs]` from [`features`](Self::features), as in eval mode.
    ///
    /// # Errors
    /// [`NnError::Tch`] for features of another width.
    pub fn classify(&self, features: &Tensor) -> Result<Tensor, NnError> {
        self.classifier.forward(features)
    }

    /// Initialises the last layer again, as PyTorch's `nn.Linear` does: U(±1/√features). In
    /// PyTorch, replacing the classifier by a new layer has the same effect.
    ///
    /// torchvision's own rule for EfficientNet is U(±1/√outputs), made for 1000 classes. With one
    /// logit, that is 36 times as wide, and the first steps of training would only undo it.
    ///
    /// # Errors
    /// [`NnError::Tch`], in practice never.
    pub fn renew_classifier(&mut self) -> Result<(), NnError> {
        let name = self.kind.classifier();
        // A shallow clone shares its memory with the network's tensor.
        let of = |part: &str| {
            self.params
                .get(&format!("{name}.{part}"))
                .map(Tensor::shallow_clone)
        };
        if let (Some(mut weight), Some(mut bias)) = (of("weight"), of("bias")) {
            init::default_weight(&mut weight)?;
            init::default_bias(&mut bias, &weight)?;
        }
        Ok(())
    }

    /// Loads published weights, as `scripts/weights/convert.py` writes them.
    ///
    /// All but the last layer must fit exactly. If the last layer has another width, the network
    /// keeps its own initial one, and the result says so.
    ///
    /// # Errors
    /// [`NnError::State`] with every difference, and nothing is changed; errors of
    /// [`safetensors_io::read`](crate::safetensors_io::read).
    pub fn load_pretrained(&mut self, path: &Path, files: &Files) -> Result<Adapted, NnError> {
        pretrained::load(self, path, files)
    }

    /// Loads the ImageNet weights that come with the set-up, as [`load_pretrained`] would.
    ///
    /// # Errors
    /// As [`imagenet::find`] and [`load_pretrained`].
    ///
    /// [`load_pretrained`]: Self::load_pretrained
    pub fn load_imagenet(&mut self) -> Result<Adapted, NnError> {
        let installed = imagenet::find(self.kind)?;
        pretrained::load(self, &installed.path, &Files::free())
    }

    /// Changes the weights' memory layout to channels last, which is faster if the input has it too
    /// (`channels_last`, `channels_last_3d`). The results are the same up to rounding, and every
    /// tensor of [`params`](Self::params) stays the same tensor.
    ///
    /// # Errors
    /// [`NnError::Tch`] when memory is short.
    pub fn channels_last(&mut self) -> Result<(), NnError> {
        self.params.channels_last()
    }

    fn check(&self, input: &Tensor) -> Result<(), NnError> {
        let size = input.size();
        let n_axes = if self.kind.is_3d() { 5 } else { 4 };
        if size.len() == n_axes && size[1] == 3 && size.iter().all(|&n| n > 0) {
            return Ok(());
        }
        Err(NnError::Shape {
            what: "the backbone's input",
            expected: self.kind.input().to_owned(),
            found: size,
        })
    }
}

/// Checks that a width is at least 1.
pub(crate) fn at_least_one(name: &'static str, found: i64) -> Result<(), NnError> {
    if found >= 1 {
        Ok(())
    } else {
        Err(NnError::Setting {
            name,
            expected: "at least 1",
            found: found.to_string(),
        })
    }
}
