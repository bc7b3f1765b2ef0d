//! Gaussian error linear unit.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `x · Φ(x)` of each element, with the normal distribution function: PyTorch's `GELU` without approximation. Any shape; no settings, no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gelu {}

impl Gelu {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("gelu", inputs)?;
        builder.graph.apply1(ops::Activation::Gelu, &[x])
    }
}
