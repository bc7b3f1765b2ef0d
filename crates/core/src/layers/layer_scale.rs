//! A learned factor for each channel.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::{Init, ValueId};
use crate::ops::{self, Each};

/// `[N, C, …] → [N, C, …]`: each channel times a learned number ([Touvron et al., 2021](https://arxiv.org/abs/2103.17239)). Parameter: `gamma [C]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerScale {
    /// What the factors are at first; 1e-6 unless given.
    #[serde(default = "millionth")]
    pub init: f32,
}

fn millionth() -> f32 {
    1e-6
}

impl Default for LayerScale {
    fn default() -> Self {
        Self { init: millionth() }
    }
}

impl LayerScale {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("layer_scale", inputs)?;
        if !self.init.is_finite() {
            return Err(builder.problem("layer_scale", format!("init is {}; it has to be a finite number, such as 0.000001", self.init)));
        }
        let ty = builder.graph.ty(x);
        let Some(&channels) = ty.dims.first() else {
            return Err(builder.problem("layer_scale", format!("wants channels, [N, channels, …], and was given {ty}")));
        };
        let gamma = builder.parameter("gamma", [channels], Init::Constant(self.init))?;
        builder.graph.apply1(ops::Mul { each: Each::Channel }, &[x, gamma])
    }
}
