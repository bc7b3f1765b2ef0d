//! Means over as many windows as are asked for.

use serde::{Deserialize, Serialize};

use super::{Builder, Pair};
use crate::error::Result;
use crate::graph::ValueId;
use crate::kernels::Bands;

/// `[N, C, h, w] → [N, C, output_size]`: the mean of each of so many windows, as PyTorch's `AdaptiveAvgPool2d`. Output row `i` of `o` is the
/// mean of the rows from `⌊i · h / o⌋` to before `⌈(i + 1) · h / o⌉`. No parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveAvgPool2d {
    /// The output's height and width, each 1 … 16384.
    pub output_size: Pair,
}

impl AdaptiveAvgPool2d {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("adaptive_avg_pool2d", inputs)?;
        let [_, height, width] = builder.images("adaptive_avg_pool2d", x)?;
        let [oh, ow] = builder.sizes("adaptive_avg_pool2d", "output_size", self.output_size)?;
        let bands = Bands::adaptive_average;
        builder.resample("adaptive_avg_pool2d", x, [oh, ow], || (bands(height, oh), bands(width, ow)))
    }
}
