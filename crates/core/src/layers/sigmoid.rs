//! Logistic function.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `1 / (1 + e⁻ˣ)` of each element, as PyTorch's `Sigmoid`. Any shape; no settings, no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {}

impl Sigmoid {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("sigmoid", inputs)?;
        builder.graph.apply1(ops::Activation::Sigmoid, &[x])
    }
}
