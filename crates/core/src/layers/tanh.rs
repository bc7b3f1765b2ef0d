//! Hyperbolic tangent.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `tanh x` of each element, as PyTorch's `Tanh`. Any shape; no settings, no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tanh {}

impl Tanh {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("tanh", inputs)?;
        builder.graph.apply1(ops::Activation::Tanh, &[x])
    }
}
