//! Rectified linear unit with a ceiling.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `min(max(x, 0), 6)` of each element, as PyTorch's `ReLU6`. Any shape; no settings, no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu6 {}

impl Relu6 {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("relu6", inputs)?;
        builder.graph.apply1(ops::Activation::Relu6, &[x])
    }
}
