//! Mean of each channel.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `[N, C, h, w] → [N, C, 1, 1]`: the mean of each channel, as PyTorch's `AdaptiveAvgPool2d(1)`. No settings, no parameters. A flatten follows before a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAvgPool {}

impl GlobalAvgPool {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("global_avg_pool", inputs)?;
        let ty = builder.graph.ty(x);
        let &[_, height, width] = ty.dims.as_slice() else {
            let problem = format!("wants images, [N, channels, height, width], and was given {ty}");
            return Err(builder.problem("global_avg_pool", problem));
        };
        let whole = [height, width];
        builder.graph.apply1(ops::AvgPool2d { kernel: whole, stride: whole, padding: [0, 0] }, &[x])
    }
}
