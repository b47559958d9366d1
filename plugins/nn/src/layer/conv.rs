use tch::Tensor;

use super::empty;
use crate::{NnError, Parameters, init};

/// A convolution over `N` axes after `[n, channels]`, with zero padding.
#[derive(Debug)]
pub(crate) struct Conv<const N: usize> {
    weight: Tensor,
    bias: Option<Tensor>,
    shape: Shape<N>,
}

/// How a kernel lies on its input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<const N: usize> {
    pub(crate) kernel: [i64; N],
    pub(crate) stride: [i64; N],
    pub(crate) padding: [i64; N],
    pub(crate) dilation: [i64; N],
    pub(crate) groups: i64,
}

impl<const N: usize> Shape<N> {
    /// Stride 1, no padding, one group.
    pub(crate) fn kernel(kernel: [i64; N]) -> Self {
        Self {
            kernel,
            stride: [1; N],
            padding: [0; N],
            dilation: [1; N],
            groups: 1,
        }
    }

    /// Padding that keeps the size at stride 1.
    pub(crate) fn centred(kernel: [i64; N]) -> Self {
        Self {
            padding: kernel.map(|width| (width - 1) / 2),
            ..Self::kernel(kernel)
        }
    }

    pub(crate) fn stride(self, stride: [i64; N]) -> Self {
        Self { stride, ..self }
    }
}

impl<const N: usize> Conv<N> {
    /// With PyTorch's initialisation, drawn weight first.
    pub(crate) fn new(
        n_inputs: i64,
        n_outputs: i64,
        shape: Shape<N>,
        with_bias: bool,
    ) -> Result<Self, NnError> {
        let mut size = vec![n_outputs, n_inputs / shape.groups];
        size.extend(shape.kernel);
        let mut weight = empty(&size)?;
        init::default_weight(&mut weight)?;
        let mut bias = None;
        if with_bias {
            let mut drawn = empty(&[n_outputs])?;
            init::default_bias(&mut drawn, &weight)?;
            bias = Some(drawn);
        }
        Ok(Self {
            weight,
            bias,
            shape,
        })
    }

    pub(crate) fn weight_mut(&mut self) -> &mut Tensor {
        &mut self.weight
    }

    pub(crate) fn register(&self, params: &mut Parameters, name: &str) -> Result<(), NnError> {
        params.add(format!("{name}.weight"), &self.weight)?;
        match &self.bias {
            Some(bias) => params.add(format!("{name}.bias"), bias),
            None => Ok(()),
        }
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, NnError> {
        convolve(input, &self.weight, self.bias.as_ref(), &self.shape)
    }
}

/// The convolution of any weight. By `conv1d` to `conv3d`, because autocast knows these.
pub(crate) fn convolve<const N: usize>(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    shape: &Shape<N>,
) -> Result<Tensor, NnError> {
    if N == 3 && shape.padding[0] == 1 && input.size().get(2) == Some(&2) {
        // oneDNN's bfloat16 gradient of a weight reads memory that nobody wrote where it pads two
        // frames itself (libtorch 2.11, processors with AVX512_BF16).
        let padded = input.f_constant_pad_nd([0, 0, 0, 0, 1, 1])?;
        let mut shape = *shape;
        shape.padding[0] = 0;
        return convolve(&padded, weight, bias, &shape);
    }
    let (stride, padding, dilation) = (&shape.stride[..], &shape.padding[..], &shape.dilation[..]);
    let groups = shape.groups;
    Ok(match N {
        1 => input.f_conv1d(weight, bias, stride, padding, dilation, groups)?,
        2 => input.f_conv2d(weight, bias, stride, padding, dilation, groups)?,
        _ => input.f_conv3d(weight, bias, stride, padding, dilation, groups)?,
    })
}
