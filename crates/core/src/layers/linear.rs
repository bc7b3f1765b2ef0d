//! A fully connected layer.

use serde::{Deserialize, Serialize};

use super::pair::yes;
use super::{Builder, Features, kaiming};
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `[N, in] → [N, out_features]`, as PyTorch's `Linear`. Parameters: `weight [out_features, in]`, `bias [out_features]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Numbers that go out.
    pub out_features: Features,
    /// Whether there is a bias; there is unless `false` is given.
    #[serde(default = "yes")]
    pub bias: bool,
}

impl Linear {
    /// A layer with a bias.
    pub fn new(out_features: impl Into<Features>) -> Self {
        Self { out_features: out_features.into(), bias: true }
    }

    /// Without a bias.
    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("linear", inputs)?;
        let ty = builder.graph.ty(x).clone();
        let &[in_features] = ty.dims.as_slice() else {
            let problem = format!("wants one row a sample, [N, features], and was given {ty}; put a flatten before it");
            return Err(builder.problem("linear", problem));
        };
        let out = self.out_features.resolve(builder.classes);
        let weight = builder.parameter("weight", [out, in_features], kaiming(in_features))?;
        let y = builder.graph.apply1(ops::MatMul { transpose_a: false, transpose_b: true }, &[x, weight])?;
        if !self.bias {
            return Ok(y);
        }
        let bias = builder.parameter("bias", [out], kaiming(in_features))?;
        builder.graph.apply1(ops::Bias, &[y, bias])
    }
}
