//! A product of two inputs.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops::{self, Each};
use crate::shape::TensorType;

/// The product of the two tensors that `from` names: of one shape, or the second with one number for each channel of each sample
/// (`[N, C]` or `[N, C, 1, 1]`), as an excitation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiply {}

impl Multiply {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let &[x, s] = inputs else {
            let problem = format!("takes two inputs, and was given {}; name them: from = [\"a\", \"b\"]", inputs.len());
            return Err(builder.problem("multiply", problem));
        };
        let graph = &mut builder.graph;
        let (large, small) = (graph.ty(x).clone(), graph.ty(s).clone());
        if large == small {
            return graph.apply1(ops::Mul { each: Each::Element }, &[x, s]);
        }
        let whole_planes = small.dims.first() == large.dims.first() && small.dims[1..].iter().all(|&side| side == 1);
        if !whole_planes {
            let problem = format!("wants a second factor of {large}, or of one number a channel, and was given {small}");
            return Err(builder.problem("multiply", problem));
        }
        let to = TensorType::batched([large.dims[0]]);
        let s = if small == to { s } else { graph.apply1(ops::Reshape { dims: to.dims.clone() }, &[s])? };
        graph.apply1(ops::Mul { each: Each::Plane }, &[x, s])
    }
}
