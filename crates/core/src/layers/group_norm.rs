//! Group norm.

use serde::{Deserialize, Serialize};

use super::{Builder, norm};
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops::{self, Over};

/// `[N, C, …] → [N, C, …]`, as PyTorch's `GroupNorm`: each sample's channels are normalised in groups of neighbours, in training and
/// behind it alike. One group is layer norm over all of a sample, as many as channels instance norm. Parameters: `weight [C]`, `bias [C]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupNorm {
    /// The number of groups, which divides that of the channels.
    pub groups: usize,
    /// Added to the variance, above 0; 1e-5 unless given.
    #[serde(default = "norm::eps")]
    pub eps: f32,
}

impl GroupNorm {
    /// So many groups.
    pub fn new(groups: usize) -> Self {
        Self { groups, eps: norm::eps() }
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let (x, [weight, bias], _) = norm::parameters(builder, "group_norm", self.eps, inputs)?;
        builder.graph.apply1(ops::Norm { over: Over::Groups(self.groups), eps: self.eps }, &[x, weight, bias])
    }
}
