//! Sigmoid linear unit.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `x / (1 + e⁻ˣ)` of each element, as PyTorch's `SiLU`; also called swish. Any shape; no settings, no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silu {}

impl Silu {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("silu", inputs)?;
        builder.graph.apply1(ops::Activation::Silu, &[x])
    }
}
