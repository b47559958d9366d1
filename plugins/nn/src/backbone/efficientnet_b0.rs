//! Tan & Le 2019's EfficientNet-B0, as in torchvision 0.26 (`torchvision.models.efficientnet`).

use tch::Tensor;

use super::efficientnet::{Trunk, Variant};
use super::mb_conv::MbConv;
use crate::layer::activation::Activation;
use crate::layer::batch_norm::NormSettings;
use crate::layer::conv::Shape;
use crate::layer::stochastic_depth::Draw;
use crate::{Mode, NnError, Parameters, init};

const VARIANT: Variant = Variant {
    activation: Activation::Silu,
    norm: NormSettings::PYTORCH,
    shape: Shape::centred,
    has_excitation: true,
    draw: Draw::Bernoulli,
};

/// The network without its classifier.
#[derive(Debug)]
pub(super) struct EfficientNetB0(Trunk);

impl EfficientNetB0 {
    pub(super) fn new() -> Result<Self, NnError> {
        Ok(Self(Trunk::new(VARIANT)?))
    }

    pub(super) fn register(&self, params: &mut Parameters) -> Result<(), NnError> {
        let Trunk {
            stem, stages, last, ..
        } = &self.0;
        stem.register(params, "features.0")?;
        for (stage_idx, blocks) in stages.iter().enumerate() {
            for (block_idx, block) in blocks.iter().enumerate() {
                let name = format!("features.{}.{block_idx}", stage_idx + 1);
                register(block, params, &name)?;
            }
        }
        last.register(params, &format!("features.{}", stages.len() + 1))
    }

    pub(super) fn features(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        self.0.features(input, mode)
    }
}

fn register(block: &MbConv, params: &mut Parameters, name: &str) -> Result<(), NnError> {
    // torchvision numbers only the children that a block has: 0 is `expand`, or else `depthwise`.
    let mut child = 0;
    let mut next = || {
        child += 1;
        format!("{name}.block.{}", child - 1)
    };
    if let Some(expand) = &block.expand {
        expand.register(params, &next())?;
    }
    block.depthwise.register(params, &next())?;
    if let Some(excitation) = &block.excitation {
        excitation.register(params, &next())?;
    }
    block.project.register(params, &next())
}

/// torchvision's initialisation, which replaces PyTorch's own: convolutions by He's, the classifier
/// U(±1/√outputs), biases 0.
pub(super) fn initialise(params: &Parameters) -> Result<(), NnError> {
    for (name, tensor) in params.trainable() {
        let mut tensor = tensor.shallow_clone();
        match tensor.dim() {
            4 => init::kaiming_normal(&mut tensor)?,
            2 => {
                let bound = 1.0 / (tensor.size()[0] as f64).sqrt();
                init::uniform(&mut tensor, bound)?;
            }
            _ if name.ends_with(".bias") => init::zeros(&mut tensor)?,
            // BatchNorm's weight is 1 already.
            _ => {}
        }
    }
    Ok(())
}
