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

/// Geometry of a convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<const N: usize> {
    pub(crate) kernel: [i64; N],
    pub(crate) stride: [i64; N],
    pub(crate) padding: [i64; N],
    pub(crate) dilation: [i64; N],
    pub(crate) groups: i64,
    /// True if the padding is computed from the input's size instead, see [`Shape::same`].
    pub(crate) same: bool,
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
            same: false,
        }
    }

    /// Padding that keeps the size at stride 1.
    pub(crate) fn centred(kernel: [i64; N]) -> Self {
        Self {
            padding: kernel.map(|width| (width - 1) / 2),
            ..Self::kernel(kernel)
        }
    }

    /// TensorFlow's padding `SAME`: ⌈size / stride⌉ outputs, with as many zeros as they need.
    ///
    /// At stride 1 this is [`centred`](Self::centred), and also at stride 2 for an odd size. For an
    /// even one, the first output of a kernel of 3 begins at the first input, and the zeros lie
    /// behind the last.
    pub(crate) fn same(kernel: [i64; N]) -> Self {
        Self {
            same: true,
            ..Self::centred(kernel)
        }
    }

    pub(crate) fn stride(self, stride: [i64; N]) -> Self {
        Self { stride, ..self }
    }
}

impl<const N: usize> Shape<N> {
    /// Computes `SAME` for an input of this size. Returns the shape with the padding that libtorch
    /// adds on both sides, and the extra zeros that each axis needs behind its last input.
    fn fitted(mut self, size: &[i64]) -> (Self, [i64; N]) {
        let mut behind = [0; N];
        for axis in 0..N {
            let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
            let n_outputs = (size[axis] + stride - 1) / stride;
            let total = ((n_outputs - 1) * stride + kernel - size[axis]).max(0);
            self.padding[axis] = total / 2;
            behind[axis] = total % 2;
        }
        (self, behind)
    }
}

impl<const N: usize> Conv<N> {
    /// Creates it with PyTorch's initialisation. The weight is drawn before the bias.
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
        let bias = self.bias.as_ref();
        if !self.shape.same {
            return convolve(input, &self.weight, bias, &self.shape);
        }
        let (shape, behind) = self.shape.fitted(&input.size()[2..]);
        if behind.iter().all(|&n| n == 0) {
            return convolve(input, &self.weight, bias, &shape);
        }
        // Pairs of zeros in front and behind, from the last axis to the first.
        let pad: Vec<i64> = behind.iter().rev().flat_map(|&n| [0, n]).collect();
        convolve(&input.f_constant_pad_nd(pad)?, &self.weight, bias, &shape)
    }
}

/// Convolves with any weight. Calls `conv1d` to `conv3d`, because autocast knows these.
pub(crate) fn convolve<const N: usize>(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    shape: &Shape<N>,
) -> Result<Tensor, NnError> {
    if N == 3 && shape.padding[0] == 1 && input.size().get(2) == Some(&2) {
        // Pad two frames ourselves. If oneDNN pads them, its bfloat16 gradient of a weight reads
        // uninitialised memory (libtorch 2.11, processors with AVX512_BF16).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_is_tensorflows() {
        let check = |kernel, stride, size, padding, behind| {
            let shape = Shape::same([kernel]).stride([stride]);
            let (fitted, found) = shape.fitted(&[size]);
            assert_eq!((fitted.padding, found), ([padding], [behind]), "{size}");
            let n_outputs = (size + behind + 2 * padding - kernel) / stride + 1;
            assert_eq!(n_outputs, (size + stride - 1) / stride, "{size}");
        };
        check(3, 1, 8, 1, 0);
        check(5, 1, 7, 2, 0);
        check(3, 2, 7, 1, 0);
        check(3, 2, 8, 0, 1);
        check(5, 2, 9, 2, 0);
        check(5, 2, 8, 1, 1);
        check(5, 2, 1, 2, 0);
        check(3, 2, 2, 0, 1);
        check(1, 2, 8, 0, 0);
    }
}
