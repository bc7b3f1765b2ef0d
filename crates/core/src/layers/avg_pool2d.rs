//! Mean of each window.

use serde::{Deserialize, Serialize};

use super::pair::zero;
use super::{Builder, Pair};
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// The mean of each window, padding counted as zeros, as PyTorch's `AvgPool2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPool2d {
    /// The window's height and width.
    pub kernel_size: Pair,
    /// How far the window moves; as far as it is large unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Pair>,
    /// Rows and columns of zeros around the image, half the kernel at most; 0 unless given.
    #[serde(default = "zero")]
    pub padding: Pair,
}

impl AvgPool2d {
    /// A pool that moves as far as it is large, without padding.
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self { kernel_size: kernel_size.into(), stride: None, padding: zero() }
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("avg_pool2d", inputs)?;
        let stride = self.stride.unwrap_or(self.kernel_size).0;
        let pool = ops::AvgPool2d { kernel: self.kernel_size.0, stride, padding: self.padding.0 };
        builder.graph.apply1(pool, &[x])
    }
}
