//! Leaky rectified linear unit.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `x` where it is above 0, else `negative_slope · x`, as PyTorch's `LeakyReLU`. Any shape; no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakyRelu {
    /// The slope below 0, any finite number; 0.01 unless given.
    #[serde(default = "hundredth")]
    pub negative_slope: f32,
}

fn hundredth() -> f32 {
    0.01
}

impl LeakyRelu {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("leaky_relu", inputs)?;
        let slope = self.negative_slope;
        if !slope.is_finite() {
            return Err(builder.problem("leaky_relu", format!("negative_slope is {slope}; it has to be a finite number, such as 0.01")));
        }
        builder.graph.apply1(ops::LeakyRelu { slope }, &[x])
    }
}
