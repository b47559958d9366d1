use tch::Tensor;

use super::efficientnet::{Stage, Variant};
use crate::layer::activation::Activation;
use crate::layer::conv::Shape;
use crate::layer::conv_norm::ConvNorm;
use crate::layer::squeeze_excitation::SqueezeExcitation;
use crate::layer::stochastic_depth::StochasticDepth;
use crate::{Mode, NnError};

/// Sandler et al. 2018's inverted residual, with or without squeeze and excitation.
#[derive(Debug)]
pub(super) struct MbConv {
    pub(super) expand: Option<ConvNorm<2>>,
    pub(super) depthwise: ConvNorm<2>,
    pub(super) excitation: Option<SqueezeExcitation>,
    pub(super) project: ConvNorm<2>,
    /// `None` if the block has no residual connection.
    residual: Option<StochasticDepth>,
    activation: Activation,
}

impl MbConv {
    pub(super) fn new(
        variant: Variant,
        stage: &Stage,
        n_inputs: i64,
        stride: i64,
        left_out: f64,
    ) -> Result<Self, NnError> {
        let conv = |from, to, shape| ConvNorm::new(from, to, shape, variant.norm);
        let point = Shape::kernel([1, 1]);
        let n_expanded = n_inputs * stage.expand;
        let expand = if n_expanded == n_inputs {
            None
        } else {
            Some(conv(n_inputs, n_expanded, point)?)
        };
        let depthwise = Shape {
            groups: n_expanded,
            ..(variant.shape)([stage.kernel; 2]).stride([stride; 2])
        };
        let depthwise = conv(n_expanded, n_expanded, depthwise)?;
        // Squeezes to a quarter of the block's inputs, not of the expanded channels.
        let excitation = if variant.has_excitation {
            Some(SqueezeExcitation::new(n_expanded, (n_inputs / 4).max(1))?)
        } else {
            None
        };
        Ok(Self {
            expand,
            depthwise,
            excitation,
            project: conv(n_expanded, stage.n_outputs, point)?,
            residual: (stride == 1 && n_inputs == stage.n_outputs)
                .then(|| StochasticDepth::new(left_out, variant.draw)),
            activation: variant.activation,
        })
    }

    pub(super) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let active = |x| self.activation.apply(x, mode);
        let expanded = match &self.expand {
            Some(expand) => Some(active(expand.forward(input, mode)?)?),
            None => None,
        };
        let deep = expanded.as_ref().unwrap_or(input);
        let deep = active(self.depthwise.forward(deep, mode)?)?;
        let scaled = match &self.excitation {
            Some(excitation) => excitation.forward(deep, mode)?,
            None => deep,
        };
        let projected = self.project.forward(&scaled, mode)?;
        match &self.residual {
            Some(residual) => residual.join(projected, input, mode),
            None => Ok(projected),
        }
    }
}
