//! Maximum of each window.

use serde::{Deserialize, Serialize};

use super::pair::{one, zero};
use super::{Builder, Pair};
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// The largest element of each window, as PyTorch's `MaxPool2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2d {
    /// The window's height and width.
    pub kernel_size: Pair,
    /// How far the window moves; as far as it is large unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Pair>,
    /// Rows and columns around the image, half the kernel at most; 0 unless given.
    #[serde(default = "zero")]
    pub padding: Pair,
    /// The distance between two taps; 1 unless given.
    #[serde(default = "one")]
    pub dilation: Pair,
}

impl MaxPool2d {
    /// A pool that moves as far as it is large, without padding.
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self { kernel_size: kernel_size.into(), stride: None, padding: zero(), dilation: one() }
    }

    /// With another stride.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.stride = Some(stride.into());
        self
    }

    /// With padding.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.padding = padding.into();
        self
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("max_pool2d", inputs)?;
        let stride = self.stride.unwrap_or(self.kernel_size).0;
        let (kernel, padding, dilation) = (self.kernel_size.0, self.padding.0, self.dilation.0);
        builder.graph.apply1(ops::MaxPool2d { kernel, stride, padding, dilation }, &[x])
    }
}
