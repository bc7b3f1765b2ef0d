//! Squeeze and excitation.

use serde::{Deserialize, Serialize};

use super::{Builder, kaiming};
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops::{self, Each};

/// `[N, C, h, w] → [N, C, h, w]`: each channel times a number in 0 … 1 that two small layers make of all channels' means
/// ([Hu et al., 2017](https://arxiv.org/abs/1709.01507)), as torchvision's `SqueezeExcitation`. Parameters: `fc1.weight [squeeze, C, 1, 1]`,
/// `fc1.bias [squeeze]`, `fc2.weight [C, squeeze, 1, 1]`, `fc2.bias [C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqueezeExcite {
    /// Channels in between, above 0; a sixteenth of those that come in is usual.
    pub squeeze_channels: usize,
}

impl SqueezeExcite {
    /// So many channels in between.
    pub fn new(squeeze_channels: usize) -> Self {
        Self { squeeze_channels }
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("squeeze_excite", inputs)?;
        let ty = builder.graph.ty(x).clone();
        let &[channels, height, width] = ty.dims.as_slice() else {
            let problem = format!("wants images, [N, channels, height, width], and was given {ty}");
            return Err(builder.problem("squeeze_excite", problem));
        };
        let kernel = [height, width];
        let mean = builder.graph.apply1(ops::AvgPool2d { kernel, stride: kernel, padding: [0, 0] }, &[x])?;
        let squeezed = pointwise(builder, "fc1", mean, [channels, self.squeeze_channels])?;
        let squeezed = builder.graph.apply1(ops::Relu, &[squeezed])?;
        let excited = pointwise(builder, "fc2", squeezed, [self.squeeze_channels, channels])?;
        let gate = builder.graph.apply1(ops::Activation::Sigmoid, &[excited])?;
        let gate = builder.graph.apply1(ops::Reshape { dims: vec![channels] }, &[gate])?;
        builder.graph.apply1(ops::Mul { each: Each::Plane }, &[x, gate])
    }
}

/// A convolution of 1×1 with a bias.
fn pointwise(builder: &mut Builder<'_>, role: &str, x: ValueId, [channels, out]: [usize; 2]) -> Result<ValueId> {
    let weight = builder.parameter(&format!("{role}.weight"), [out, channels, 1, 1], kaiming(channels))?;
    let bias = builder.parameter(&format!("{role}.bias"), [out], kaiming(channels))?;
    let conv = ops::Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
    let y = builder.graph.apply1(conv, &[x, weight])?;
    builder.graph.apply1(ops::Bias, &[y, bias])
}
