//! Dropout.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// While training each element is 0 with probability `p`, and what is kept is divided by `1 − p`, as PyTorch's `Dropout`; behind training
/// nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The share that is dropped, from 0 up to but not including 1; 0.5 unless given.
    #[serde(default = "half")]
    pub p: f32,
}

fn half() -> f32 {
    0.5
}

impl Dropout {
    /// Drops the share `p`.
    pub fn new(p: f32) -> Self {
        Self { p }
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("dropout", inputs)?;
        if !(0.0..1.0).contains(&self.p) {
            return Err(builder.problem("dropout", format!("p is {}; it has to be from 0 up to but not including 1", self.p)));
        }
        if !builder.training || self.p == 0.0 {
            return Ok(x);
        }
        let number = builder.graph.nodes.iter().filter(|node| node.op.name() == "dropout").count() as u32;
        builder.graph.apply1(ops::Dropout { p: self.p, number }, &[x])
    }
}
