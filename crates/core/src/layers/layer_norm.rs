//! Layer norm.

use serde::{Deserialize, Serialize};

use super::{Builder, norm};
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops::{self, Over};

/// `[N, C, …] → [N, C, …]`: the channels of each place are normalised together, as PyTorch's `LayerNorm(C)` does with the features of rows
/// and torchvision's `LayerNorm2d` with pictures. Parameters: `weight [C]`, `bias [C]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNorm {
    /// Added to the variance, above 0; 1e-5 unless given.
    #[serde(default = "norm::eps")]
    pub eps: f32,
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self { eps: norm::eps() }
    }
}

impl LayerNorm {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let (x, [weight, bias], _) = norm::parameters(builder, "layer_norm", self.eps, inputs)?;
        builder.graph.apply1(ops::Norm { over: Over::Channels, eps: self.eps }, &[x, weight, bias])
    }
}
