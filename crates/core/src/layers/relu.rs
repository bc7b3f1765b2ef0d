//! Rectified linear unit.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `max(x, 0)` of each element, as PyTorch's `ReLU`. Any shape; no settings, no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

impl Relu {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("relu", inputs)?;
        builder.graph.apply1(ops::Relu, &[x])
    }
}
