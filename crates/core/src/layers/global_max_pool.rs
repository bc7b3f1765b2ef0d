//! Largest element of each channel.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `[N, C, h, w] → [N, C, 1, 1]`: the largest element of each channel, as PyTorch's `AdaptiveMaxPool2d(1)`. No settings, no parameters. A
/// flatten follows before a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPool {}

impl GlobalMaxPool {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("global_max_pool", inputs)?;
        let [_, height, width] = builder.images("global_max_pool", x)?;
        let whole = [height, width];
        let pool = ops::MaxPool2d { kernel: whole, stride: whole, padding: [0, 0], dilation: [1, 1] };
        Ok(builder.graph.apply(pool, &[x])?[0])
    }
}
