//! Tan & Le 2019's EfficientNet-B0 as torchvision 0.26 has it (`torchvision.models.efficientnet`).

use tch::Tensor;

use crate::layer::activation::silu;
use crate::layer::conv::Shape;
use crate::layer::conv_norm::ConvNorm;
use crate::layer::dropout::Dropout;
use crate::layer::squeeze_excitation::SqueezeExcitation;
use crate::layer::stochastic_depth::StochasticDepth;
use crate::{Mode, NnError, Parameters, init};

/// Channels of the last convolution.
pub(super) const N_FEATURES: i64 = 1280;
/// Before the classifier.
pub(super) const DROPOUT: Dropout = Dropout::new(0.2);
/// What stochastic depth would reach one block after the last.
const STOCHASTIC_DEPTH: f64 = 0.2;
/// Channels after the first convolution.
const N_STEM: i64 = 32;

/// Blocks that share a width: Table 1 of the paper.
struct Stage {
    expand: i64,
    kernel: i64,
    stride: i64,
    n_outputs: i64,
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

/// All but the classifier.
#[derive(Debug)]
pub(super) struct EfficientNetB0 {
    stem: ConvNorm<2>,
    stages: Vec<Vec<MbConv>>,
    last: ConvNorm<2>,
}

impl EfficientNetB0 {
    pub(super) fn new() -> Result<Self, NnError> {
        let stem = ConvNorm::new(3, N_STEM, Shape::centred([3, 3]).stride([2, 2]))?;
        let n_blocks: usize = STAGES.iter().map(|stage| stage.n_blocks).sum();
        let mut block_idx = 0;
        let mut n_inputs = N_STEM;
        let mut stages = Vec::with_capacity(STAGES.len());
        for stage in &STAGES {
            let mut blocks = Vec::with_capacity(stage.n_blocks);
            for within in 0..stage.n_blocks {
                let stride = if within == 0 { stage.stride } else { 1 };
                let left_out = STOCHASTIC_DEPTH * block_idx as f64 / n_blocks as f64;
                blocks.push(MbConv::new(stage, n_inputs, stride, left_out)?);
                n_inputs = stage.n_outputs;
                block_idx += 1;
            }
            stages.push(blocks);
        }
        let last = ConvNorm::new(n_inputs, N_FEATURES, Shape::kernel([1, 1]))?;
        Ok(Self { stem, stages, last })
    }

    pub(super) fn register(&self, params: &mut Parameters) -> Result<(), NnError> {
        self.stem.register(params, "features.0")?;
        for (stage_idx, blocks) in self.stages.iter().enumerate() {
            for (block_idx, block) in blocks.iter().enumerate() {
                block.register(params, &format!("features.{}.{block_idx}", stage_idx + 1))?;
            }
        }
        let last = self.stages.len() + 1;
        self.last.register(params, &format!("features.{last}"))
    }

    pub(super) fn features(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let mut x = silu(self.stem.forward(input, mode)?, mode)?;
        for block in self.stages.iter().flatten() {
            x = block.forward(&x, mode)?;
        }
        let x = silu(self.last.forward(&x, mode)?, mode)?;
        Ok(x.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}

/// Sandler et al. 2018's inverted residual with squeeze and excitation.
#[derive(Debug)]
struct MbConv {
    expand: Option<ConvNorm<2>>,
    depthwise: ConvNorm<2>,
    excitation: SqueezeExcitation,
    project: ConvNorm<2>,
    /// Where the block is residual.
    residual: Option<StochasticDepth>,
}

impl MbConv {
    fn new(stage: &Stage, n_inputs: i64, stride: i64, left_out: f64) -> Result<Self, NnError> {
        let point = Shape::kernel([1, 1]);
        let n_expanded = n_inputs * stage.expand;
        let expand = match n_expanded == n_inputs {
            true => None,
            false => Some(ConvNorm::new(n_inputs, n_expanded, point)?),
        };
        let depthwise = Shape {
            groups: n_expanded,
            ..Shape::centred([stage.kernel; 2]).stride([stride; 2])
        };
        Ok(Self {
            expand,
            depthwise: ConvNorm::new(n_expanded, n_expanded, depthwise)?,
            excitation: SqueezeExcitation::new(n_expanded, (n_inputs / 4).max(1))?,
            project: ConvNorm::new(n_expanded, stage.n_outputs, point)?,
            residual: (stride == 1 && n_inputs == stage.n_outputs)
                .then(|| StochasticDepth::new(left_out)),
        })
    }

    fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        let mut child = 0;
        let mut next = || {
            child += 1;
            format!("{name}.block.{}", child - 1)
        };
        if let Some(expand) = &self.expand {
            expand.register(params, &next())?;
        }
        self.depthwise.register(params, &next())?;
        self.excitation.register(params, &next())?;
        self.project.register(params, &next())
    }

    fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let expanded = match &self.expand {
            Some(expand) => Some(silu(expand.forward(input, mode)?, mode)?),
            None => None,
        };
        let deep = self
            .depthwise
            .forward(expanded.as_ref().unwrap_or(input), mode)?;
        let scaled = self.excitation.forward(silu(deep, mode)?, mode)?;
        let projected = self.project.forward(&scaled, mode)?;
        match &self.residual {
            Some(residual) => residual.join(projected, input, mode),
            None => Ok(projected),
        }
    }
}

/// torchvision's initialisation, over PyTorch's own: convolutions by He's, the classifier
/// U(±1/√outputs), no bias.
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
