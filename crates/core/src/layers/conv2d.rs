//! Convolution with bias.

use serde::{Deserialize, Serialize};

use super::pair::{one, single, yes, zero};
use super::{Builder, Features, Pair, kaiming};
use crate::error::Result;
use crate::graph::ValueId;
use crate::kernels::Window;
use crate::ops;

/// `[N, C, h, w] → [N, out_channels, oh, ow]`, as PyTorch's `Conv2d`. Parameters: `weight [out_channels, C / groups, kh, kw]`, `bias [out_channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Channels that go out.
    pub out_channels: Features,
    /// The window's height and width, each 1 … 16384.
    pub kernel_size: Pair,
    /// How far the window moves, 1 … 16384; 1 unless given.
    #[serde(default = "one")]
    pub stride: Pair,
    /// Rows and columns of zeros on each side, 0 … 16384; 0 unless given.
    #[serde(default = "zero")]
    pub padding: Pair,
    /// The distance between two taps, 1 … 16384; 1 unless given.
    #[serde(default = "one")]
    pub dilation: Pair,
    /// Groups of channels that don't see one another; a divisor of the channels that come in and that go out. 1 unless given.
    #[serde(default = "single")]
    pub groups: usize,
    /// Whether there is a bias; there is unless `false` is given.
    #[serde(default = "yes")]
    pub bias: bool,
}

impl Conv2d {
    /// A convolution with stride 1, no padding, one group and a bias.
    pub fn new(out_channels: impl Into<Features>, kernel_size: impl Into<Pair>) -> Self {
        let (out_channels, kernel_size) = (out_channels.into(), kernel_size.into());
        Self { out_channels, kernel_size, stride: one(), padding: zero(), dilation: one(), groups: 1, bias: true }
    }

    /// With another stride.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.stride = stride.into();
        self
    }

    /// With padding.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.padding = padding.into();
        self
    }

    /// With another dilation.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.dilation = dilation.into();
        self
    }

    /// In groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Without a bias.
    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("conv2d", inputs)?;
        let ty = builder.graph.ty(x).clone();
        let &[channels, height, width] = ty.dims.as_slice() else {
            let problem = format!("wants images, [N, channels, height, width], and was given {ty}");
            return Err(builder.problem("conv2d", problem));
        };
        let (out, groups) = (self.out_channels.resolve(builder.classes), self.groups);
        if groups == 0 || channels % groups != 0 {
            let problem = format!("groups = {groups} has to divide the {channels} channels that come in");
            return Err(builder.problem("conv2d", problem));
        }
        let (kernel, stride, padding, dilation) = (self.kernel_size.0, self.stride.0, self.padding.0, self.dilation.0);
        // Before the weight, whose size would be the first complaint.
        let window = Window { input: [height, width], kernel, stride, padding, dilation };
        ops::check_window(&window).map_err(|problem| builder.problem("conv2d", problem.0))?;
        let [kernel_height, kernel_width] = kernel;
        let dims = [out, channels / groups, kernel_height, kernel_width];
        let fan_in = dims[1..].iter().fold(1_usize, |product, &dim| product.saturating_mul(dim));
        let weight = builder.parameter("weight", dims, kaiming(fan_in))?;
        let conv = ops::Conv2d { stride, padding, dilation, groups };
        let y = builder.graph.apply1(conv, &[x, weight])?;
        if !self.bias {
            return Ok(y);
        }
        let bias = builder.parameter("bias", [out], kaiming(fan_in))?;
        builder.graph.apply1(ops::Bias, &[y, bias])
    }
}
