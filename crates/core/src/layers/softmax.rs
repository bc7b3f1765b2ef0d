//! Softmax over channels.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `exp(x) / Σ exp(x)` over the channels (the features of a flat input) of each place, as PyTorch's `Softmax(dim=1)`. `[N, C, …]`, of
/// the same shape; no settings, no parameters. A classifier needs none at its end: the loss has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {}

impl Softmax {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("softmax", inputs)?;
        builder.graph.apply1(ops::Softmax, &[x])
    }
}
