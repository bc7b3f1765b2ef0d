//! The adjoint of a reduction: one number for all elements that fell together.

use super::reduce::Keep;
use super::{Example, Generator, Op, Reduce, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y[i] = x[j]`, with `j` the place that element `i` has in the reduction to `keep`; divided as the mean divides where
/// `mean` is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Expand {
    /// What the reduction left.
    pub keep: Keep,
    /// Whether the reduction was a mean.
    pub mean: bool,
    /// The type that the reduction began with.
    pub to: TensorType,
}

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        let wanted = self.keep.of(&self.to);
        if *x != wanted {
            return Err(Problem::new(format!("wants {wanted} to expand to {}, and was given {x}", self.to)));
        }
        Ok(vec![self.to.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let factor = if self.mean { self.keep.factor(&self.to, batch) } else { 1.0 };
        let y = |i| inputs[0].data[self.keep.index(&self.to, i)] * factor;
        vec![Tensor::from_fn(self.to.resolve(batch.samples), y)]
    }

    // The adjoint of the adjoint.
    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply1(Reduce { keep: self.keep, mean: self.mean }, &[g])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let operand = match self.keep {
            Keep::Channel => super::bias::along_channels(&self.to),
            Keep::Sample => Broadcast::Sample { inner: self.to.inner() },
            Keep::Nothing => Broadcast::Scalar,
        };
        let mut expr = Expr::Input(0);
        if self.mean {
            expr = expr.binary(Binary::Mul, Expr::Const(1.0 / self.keep.divisor(&self.to) as f32));
            if self.keep.spans_batch() {
                expr = expr.binary(Binary::Mul, Expr::InverseSamples);
            }
        }
        lowering.node(Map { len: self.to.extent(), expr, operands: vec![operand] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for keep in [Keep::Channel, Keep::Sample, Keep::Nothing] {
        for mean in [false, true] {
            let to = TensorType::batched([3, 5, 2]);
            let x = keep.of(&to);
            examples.push(Example::of_numbers(Expand { keep, mean, to }, [x]));
        }
    }
    examples
}
