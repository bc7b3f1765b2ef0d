//! Transposed convolution.

use serde::{Deserialize, Serialize};

use super::pair::{one, single, yes, zero};
use super::{Builder, Features, Pair, kaiming};
use crate::error::Result;
use crate::graph::ValueId;
use crate::kernels::{ConvGeometry, Window};
use crate::ops;

/// `[N, C, h, w] → [N, out_channels, oh, ow]`, as PyTorch's `ConvTranspose2d`: how a convolution's gradient goes back to its input. With
/// `oh = (h − 1) · stride − 2 · padding + dilation · (kernel_size − 1) + output_padding + 1`. Parameters:
/// `weight [C, out_channels / groups, kh, kw]`, `bias [out_channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvTranspose2d {
    /// Channels that go out.
    pub out_channels: Features,
    /// The window's height and width, each 1 … 16384.
    pub kernel_size: Pair,
    /// The distance between what two neighbours of the input add to; 1 unless given.
    #[serde(default = "one")]
    pub stride: Pair,
    /// Rows and columns that are cut off on each side; 0 unless given.
    #[serde(default = "zero")]
    pub padding: Pair,
    /// Rows more at the bottom and columns more on the right, fewer than the stride; 0 unless given.
    #[serde(default = "zero")]
    pub output_padding: Pair,
    /// The distance between two taps; 1 unless given.
    #[serde(default = "one")]
    pub dilation: Pair,
    /// Groups of channels that don't see one another; 1 unless given.
    #[serde(default = "single")]
    pub groups: usize,
    /// Whether there is a bias; there is unless `false` is given.
    #[serde(default = "yes")]
    pub bias: bool,
}

impl ConvTranspose2d {
    /// The convolution that this is the transpose of, for images of that type.
    fn geometry(&self, builder: &Builder<'_>, [channels, height, width]: [usize; 3]) -> Result<ConvGeometry> {
        let problem = |text: String| builder.problem("conv_transpose2d", text);
        let (out, groups) = (self.out_channels.resolve(builder.classes), self.groups);
        if groups == 0 || channels % groups != 0 || out % groups != 0 {
            let text = format!("groups = {groups} has to divide the {channels} channels that come in and the {out} that go out");
            return Err(problem(text));
        }
        let [kernel, stride, dilation] = [
            builder.sizes("conv_transpose2d", "kernel_size", self.kernel_size)?,
            builder.sizes("conv_transpose2d", "stride", self.stride)?,
            builder.sizes("conv_transpose2d", "dilation", self.dilation)?,
        ];
        let (padding, more) = (self.padding.0, self.output_padding.0);
        if padding.iter().any(|&cut| cut > ops::LARGEST) {
            return Err(problem(format!("wants a padding in 0 … {}, and was given {padding:?}", ops::LARGEST)));
        }
        if more[0] >= stride[0] || more[1] >= stride[1] {
            return Err(problem(format!("output_padding has to be smaller than the stride, and was given {more:?} with a stride of {stride:?}")));
        }
        let size = |d: usize, length: usize| {
            let spread = (length - 1).saturating_mul(stride[d]);
            spread.saturating_add(dilation[d] * (kernel[d] - 1) + more[d] + 1).saturating_sub(2 * padding[d])
        };
        let input = [size(0, height), size(1, width)];
        if input.contains(&0) {
            return Err(problem(format!("a padding of {padding:?} leaves nothing of the output; choose a smaller one")));
        }
        let window = Window { input, kernel, stride, padding, dilation };
        Ok(ConvGeometry { in_channels: out, out_channels: channels, groups, window })
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("conv_transpose2d", inputs)?;
        let images = builder.images("conv_transpose2d", x)?;
        let geometry = self.geometry(builder, images)?;
        let [kernel_height, kernel_width] = geometry.window.kernel;
        let dims = [geometry.out_channels, geometry.group_in(), kernel_height, kernel_width];
        // As PyTorch counts it, of the weight's second dimension.
        let fan_in = dims[1..].iter().fold(1_usize, |product, &dim| product.saturating_mul(dim));
        let weight = builder.parameter("weight", dims, kaiming(fan_in))?;
        let y = builder.graph.apply1(ops::Conv2dGradInput { geometry }, &[x, weight])?;
        if !self.bias {
            return Ok(y);
        }
        let bias = builder.parameter("bias", [geometry.in_channels], kaiming(fan_in))?;
        builder.graph.apply1(ops::Bias, &[y, bias])
    }
}
