//! Batch norm.

use serde::{Deserialize, Serialize};

use super::{Builder, norm};
use crate::error::Result;
use crate::graph::{Init, ValueId};
use crate::ops::{self, Over};

/// `[N, C, …] → [N, C, …]`, as PyTorch's `BatchNorm1d` and `BatchNorm2d`: in training each channel is normalised by the mean and the variance
/// of the batch at hand, behind it by running averages of these. Parameters: `weight [C]`, `bias [C]`; averages: `running_mean [C]`,
/// `running_var [C]` (of the unbiased variance).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Added to the variance, above 0; 1e-5 unless given.
    #[serde(default = "norm::eps")]
    pub eps: f32,
    /// How far the averages follow each batch, 0 … 1; 0.1 unless given.
    #[serde(default = "tenth")]
    pub momentum: f32,
}

fn tenth() -> f32 {
    0.1
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: norm::eps(), momentum: tenth() }
    }
}

impl BatchNorm {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let Self { eps, momentum } = *self;
        if !(0.0..=1.0).contains(&momentum) {
            return Err(builder.problem("batch_norm", format!("momentum is {momentum}; it has to be from 0 to 1, such as 0.1")));
        }
        let (x, [weight, bias], channels) = norm::parameters(builder, "batch_norm", eps, inputs)?;
        let mean = builder.statistic("running_mean", [channels], Init::Constant(0.0))?;
        let variance = builder.statistic("running_var", [channels], Init::Constant(1.0))?;
        if !builder.training {
            return builder.graph.apply1(ops::NormInference { eps }, &[x, weight, bias, mean, variance]);
        }
        let count = builder.graph.ty(x).dims[1..].iter().product();
        let outputs = builder.graph.apply(ops::Norm { over: Over::Batch, eps }, &[x, weight, bias])?;
        for (running, statistic, count) in [(mean, outputs[1], None), (variance, outputs[2], Some(count))] {
            let contribution = builder.graph.apply1(ops::Contribution { count }, &[statistic])?;
            builder.graph.follow(running, contribution, momentum);
        }
        Ok(outputs[0])
    }
}
