//! Tran et al. 2018's R3D with 18 layers, as in torchvision 0.26
//! (`torchvision.models.video.r3d_18`).

use tch::Tensor;

use crate::layer::activation::relu;
use crate::layer::batch_norm::NormSettings;
use crate::layer::conv::Shape;
use crate::layer::conv_norm::ConvNorm;
use crate::{Mode, NnError, Parameters, init};

/// Channels of the last layer.
pub(super) const N_FEATURES: i64 = 512;
/// Channels after the first convolution.
const N_STEM: i64 = 64;
const NORM: NormSettings = NormSettings::PYTORCH;
/// Width and stride of the four layers, of two blocks each.
const LAYERS: [(i64, i64); 4] = [(64, 1), (128, 2), (256, 2), (N_FEATURES, 2)];

/// The network without its classifier.
#[derive(Debug)]
pub(super) struct R3d18 {
    stem: ConvNorm<3>,
    layers: Vec<[Residual; 2]>,
}

impl R3d18 {
    pub(super) fn new() -> Result<Self, NnError> {
        let stem = Shape::centred([3, 7, 7]).stride([1, 2, 2]);
        let stem = ConvNorm::new(3, N_STEM, stem, NORM)?;
        let mut n_inputs = N_STEM;
        let mut layers = Vec::with_capacity(LAYERS.len());
        for (width, stride) in LAYERS {
            layers.push([
                Residual::new(n_inputs, width, stride)?,
                Residual::new(width, width, 1)?,
            ]);
            n_inputs = width;
        }
        Ok(Self { stem, layers })
    }

    pub(super) fn register(&self, params: &mut Parameters) -> Result<(), NnError> {
        self.stem.register(params, "stem")?;
        for (layer_idx, blocks) in self.layers.iter().enumerate() {
            for (block_idx, block) in blocks.iter().enumerate() {
                block.register(params, &format!("layer{}.{block_idx}", layer_idx + 1))?;
            }
        }
        Ok(())
    }

    pub(super) fn features(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let mut x = relu(self.stem.forward(input, mode)?)?;
        for block in self.layers.iter().flatten() {
            x = block.forward(&x, mode)?;
        }
        Ok(x.f_adaptive_avg_pool3d([1, 1, 1])?.f_flatten(1, -1)?)
    }
}

/// He et al. 2016's basic block with 3 × 3 × 3 kernels.
#[derive(Debug)]
struct Residual {
    conv1: ConvNorm<3>,
    conv2: ConvNorm<3>,
    downsample: Option<ConvNorm<3>>,
}

impl Residual {
    fn new(n_inputs: i64, n_outputs: i64, stride: i64) -> Result<Self, NnError> {
        let cube = Shape::centred([3, 3, 3]);
        let point = Shape::kernel([1, 1, 1]).stride([stride; 3]);
        // torchvision draws the shortcut first, although its name comes last.
        let downsample = if stride == 1 && n_inputs == n_outputs {
            None
        } else {
            Some(ConvNorm::new(n_inputs, n_outputs, point, NORM)?)
        };
        Ok(Self {
            conv1: ConvNorm::new(n_inputs, n_outputs, cube.stride([stride; 3]), NORM)?,
            conv2: ConvNorm::new(n_outputs, n_outputs, cube, NORM)?,
            downsample,
        })
    }

    fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        self.conv1.register(params, &format!("{name}.conv1"))?;
        self.conv2.register(params, &format!("{name}.conv2"))?;
        match &self.downsample {
            Some(conv) => conv.register(params, &format!("{name}.downsample")),
            None => Ok(()),
        }
    }

    fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let hidden = relu(self.conv1.forward(input, mode)?)?;
        let mut branch = self.conv2.forward(&hidden, mode)?;
        relu(match &self.downsample {
            Some(conv) => branch.f_add_(&conv.forward(input, mode)?)?,
            None => branch.f_add_(input)?,
        })
    }
}

/// torchvision's initialisation, which replaces PyTorch's own: convolutions by He's, the classifier
/// N(0, 0.01²), biases 0.
pub(super) fn initialise(params: &Parameters) -> Result<(), NnError> {
    for (name, tensor) in params.trainable() {
        let mut tensor = tensor.shallow_clone();
        match tensor.dim() {
            5 => init::kaiming_normal(&mut tensor)?,
            2 => init::normal(&mut tensor, 0.01)?,
            _ if name.ends_with(".bias") => init::zeros(&mut tensor)?,
            // BatchNorm's weight is 1 already.
            _ => {}
        }
    }
    Ok(())
}
