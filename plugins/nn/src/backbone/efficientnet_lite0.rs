//! EfficientNet-Lite0, the variant for small devices by TensorFlow's authors (2020,
//! `tensorflow/tpu`, `models/official/efficientnet/lite`), as in the PyPI package
//! `efficientnet-lite-pytorch` 0.1.0: no squeeze and excitation, ReLU6, TensorFlow's padding.
//!
//! The package pads for images of a given size, 224 by default. Here the padding follows the image
//! at hand, as in TensorFlow, and as in the package with `image_size=None`. For sizes that 32
//! divides both are the same.

use tch::Tensor;

use super::efficientnet::{Trunk, Variant};
use crate::layer::activation::Activation;
use crate::layer::batch_norm::NormSettings;
use crate::layer::conv::Shape;
use crate::layer::stochastic_depth::Draw;
use crate::{Mode, NnError, Parameters};

const VARIANT: Variant = Variant {
    activation: Activation::Relu6,
    // TensorFlow's momentum of 0.99 is the weight of the old statistics; ours is that of the new
    // ones.
    norm: NormSettings {
        eps: 1e-3,
        momentum: 1.0 - 0.99,
    },
    shape: Shape::same,
    has_excitation: false,
    draw: Draw::Floor,
};

/// The network without its classifier. It keeps PyTorch's own initialisation, as in the package.
#[derive(Debug)]
pub(super) struct EfficientNetLite0(Trunk);

impl EfficientNetLite0 {
    pub(super) fn new() -> Result<Self, NnError> {
        Ok(Self(Trunk::new(VARIANT)?))
    }

    /// Registers the tensors under the package's names, which the published weights have too.
    pub(super) fn register(&self, params: &mut Parameters) -> Result<(), NnError> {
        let Trunk {
            stem, stages, last, ..
        } = &self.0;
        stem.register_as(params, "_conv_stem", "_bn0")?;
        for (block_idx, block) in stages.iter().flatten().enumerate() {
            let name = |part: &str| format!("_blocks.{block_idx}.{part}");
            if let Some(expand) = &block.expand {
                expand.register_as(params, &name("_expand_conv"), &name("_bn0"))?;
            }
            let (depthwise, project) = (&block.depthwise, &block.project);
            depthwise.register_as(params, &name("_depthwise_conv"), &name("_bn1"))?;
            project.register_as(params, &name("_project_conv"), &name("_bn2"))?;
        }
        last.register_as(params, "_conv_head", "_bn1")
    }

    pub(super) fn features(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        self.0.features(input, mode)
    }
}
