use tch::Tensor;

use super::activation::relu;
use super::conv::{Conv, Shape};
use super::dropout::Dropout;
use super::weight_norm::WeightNormConv;
use crate::stop::passed;
use crate::{Mode, NnError, Parameters, init};

/// Bai et al. 2018's initialisation of convolutions, N(0, 0.01²).
const STD: f64 = 0.01;

/// Kernel, dilation and direction of a block's convolutions along time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) kernel: i64,
    pub(crate) dilation: i64,
    pub(crate) causal: bool,
}

/// Bai et al. 2018's residual block: twice a dilated convolution with weight norm, ReLU, dropout.
#[derive(Debug)]
pub(crate) struct TemporalBlock {
    conv1: WeightNormConv,
    conv2: WeightNormConv,
    downsample: Option<Conv<1>>,
    dropout: Dropout,
    /// Zeros before and after in time.
    padding: [i64; 2],
}

impl TemporalBlock {
    pub(crate) fn new(
        n_inputs: i64,
        n_outputs: i64,
        reach: Reach,
        dropout: f64,
    ) -> Result<Self, NnError> {
        let shape = Shape {
            dilation: [reach.dilation],
            ..Shape::kernel([reach.kernel])
        };
        // Zeros that keep the length in time.
        let around = (reach.kernel - 1) * reach.dilation;
        let conv1 = WeightNormConv::new(n_inputs, n_outputs, shape, STD)?;
        let conv2 = WeightNormConv::new(n_outputs, n_outputs, shape, STD)?;
        let mut downsample = None;
        if n_inputs != n_outputs {
            let mut point = Conv::new(n_inputs, n_outputs, Shape::kernel([1]), true)?;
            init::normal(point.weight_mut(), STD)?;
            downsample = Some(point);
        }
        Ok(Self {
            conv1,
            conv2,
            downsample,
            dropout: Dropout::new(dropout),
            padding: if reach.causal {
                [around, 0]
            } else {
                [around / 2, around / 2]
            },
        })
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        self.conv1.register(params, &format!("{name}.conv1"))?;
        self.conv2.register(params, &format!("{name}.conv2"))?;
        match &self.downsample {
            Some(conv) => conv.register(params, &format!("{name}.downsample")),
            None => Ok(()),
        }
    }

    /// `[batch, inputs, time]` → `[batch, outputs, time]`. `padded` is true where a sequence has
    /// ended, `[batch, 1, time]`; `None` where that cannot matter.
    pub(crate) fn forward(
        &self,
        input: &Tensor,
        padded: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor, NnError> {
        let hidden = self.half(&self.conv1, input, padded, mode)?;
        let branch = self.half(&self.conv2, &hidden, padded, mode)?;
        // Not in place: without dropout, `branch` is the output of a ReLU, whose derivative needs
        // it.
        relu(match &self.downsample {
            Some(conv) => branch.f_add(&conv.forward(input)?)?,
            None => branch.f_add(input)?,
        })
    }

    fn half(
        &self,
        conv: &WeightNormConv,
        input: &Tensor,
        padded: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor, NnError> {
        // A layer's output is not 0 at padding, so set it to 0 again before the next kernel sees
        // it.
        let around = match padded {
            Some(padded) => input
                .f_masked_fill(padded, 0.0)?
                .f_constant_pad_nd(self.padding)?,
            None => input.f_constant_pad_nd(self.padding)?,
        };
        let convolved = passed(conv.forward(&around)?)?;
        self.dropout.forward(relu(convolved)?, mode)
    }
}
