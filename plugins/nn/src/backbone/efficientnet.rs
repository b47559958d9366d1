//! Tan & Le 2019's EfficientNet in its smallest size, without a classifier. EfficientNet-B0 and
//! EfficientNet-Lite0 share this trunk.

use tch::Tensor;

use super::mb_conv::MbConv;
use crate::layer::activation::Activation;
use crate::layer::batch_norm::NormSettings;
use crate::layer::conv::Shape;
use crate::layer::conv_norm::ConvNorm;
use crate::layer::dropout::Dropout;
use crate::layer::stochastic_depth::Draw;
use crate::{Mode, NnError};

/// Channels of the last convolution.
pub(super) const N_FEATURES: i64 = 1280;
/// Dropout before the classifier.
pub(super) const DROPOUT: Dropout = Dropout::new(0.2);
/// The probability of stochastic depth rises linearly from 0 in the first block; one block after
/// the last, it would reach this.
const STOCHASTIC_DEPTH: f64 = 0.2;
/// Channels after the first convolution.
const N_STEM: i64 = 32;

/// Settings of blocks that share a width (Table 1 of Tan & Le 2019).
pub(super) struct Stage {
    pub(super) expand: i64,
    pub(super) kernel: i64,
    stride: i64,
    pub(super) n_outputs: i64,
    n_blocks: usize,
}

const fn stage(expand: i64, kernel: i64, stride: i64, n_outputs: i64, n_blocks: usize) -> Stage {
    Stage {
        expand,
        kernel,
        stride,
        n_outputs,
        n_blocks,
    }
}

const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 16, 1),
    stage(6, 3, 2, 24, 2),
    stage(6, 5, 2, 40, 2),
    stage(6, 3, 2, 80, 3),
    stage(6, 5, 1, 112, 3),
    stage(6, 5, 2, 192, 4),
    stage(6, 3, 1, 320, 1),
];

/// The differences between the members of the family, apart from the names of tensors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    pub(super) activation: Activation,
    pub(super) norm: NormSettings,
    /// Makes the shape of a convolution, with this member's padding.
    pub(super) shape: fn([i64; 2]) -> Shape<2>,
    /// True if blocks use squeeze and excitation.
    pub(super) has_excitation: bool,
    pub(super) draw: Draw,
}

/// The network without its classifier.
#[derive(Debug)]
pub(super) struct Trunk {
    variant: Variant,
    pub(super) stem: ConvNorm<2>,
    pub(super) stages: Vec<Vec<MbConv>>,
    pub(super) last: ConvNorm<2>,
}

impl Trunk {
    /// Builds the trunk. Weights are drawn in the order of the computation.
    pub(super) fn new(variant: Variant) -> Result<Self, NnError> {
        let stem = (variant.shape)([3, 3]).stride([2, 2]);
        let stem = ConvNorm::new(3, N_STEM, stem, variant.norm)?;
        let n_blocks: usize = STAGES.iter().map(|stage| stage.n_blocks).sum();
        let mut block_idx = 0;
        let mut n_inputs = N_STEM;
        let mut stages = Vec::with_capacity(STAGES.len());
        for stage in &STAGES {
            let mut blocks = Vec::with_capacity(stage.n_blocks);
            for within in 0..stage.n_blocks {
                let stride = if within == 0 { stage.stride } else { 1 };
                let left_out = STOCHASTIC_DEPTH * block_idx as f64 / n_blocks as f64;
                blocks.push(MbConv::new(variant, stage, n_inputs, stride, left_out)?);
                n_inputs = stage.n_outputs;
                block_idx += 1;
            }
            stages.push(blocks);
        }
        let last = ConvNorm::new(n_inputs, N_FEATURES, Shape::kernel([1, 1]), variant.norm)?;
        Ok(Self {
            variant,
            stem,
            stages,
            last,
        })
    }

    pub(super) fn features(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let activation = self.variant.activation;
        let mut x = activation.apply(self.stem.forward(input, mode)?, mode)?;
        for block in self.stages.iter().flatten() {
            x = block.forward(&x, mode)?;
        }
        let x = activation.apply(self.last.forward(&x, mode)?, mode)?;
        Ok(x.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}
