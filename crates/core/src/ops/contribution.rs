//! What a run contributes to a running statistic of its step.

use super::{Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr, Unary};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y = x · (samples of this run / samples of the global batch)`, so that the contributions of the runs that share a step add up to
/// their mean. With `count`, `x` is the biased variance of `count` elements of each sample and becomes the unbiased one:
/// times `n / (n − 1)` with `n = count · samples`, and 0 where `n` is 1. Where statistics are
/// [synchronized](Lowering::synchronized), the samples are those of the global batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// For a variance, the elements of each sample that it is of.
    pub count: Option<usize>,
}

impl Op for Contribution {
    fn name(&self) -> &'static str {
        "contribution"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let unbiased = self.count.map_or(1.0, |count| {
            let n = (count * batch.samples) as f64;
            if n > 1.0 { n / (n - 1.0) } else { 0.0 }
        });
        let factor = batch.samples as f64 / batch.global as f64 * unbiased;
        vec![Tensor::from_fn(inputs[0].dims.clone(), |i| inputs[0].data[i] * factor)]
    }

    // It is linear, and its own adjoint.
    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply1(*self, &[g])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let mut expr = Expr::Input(0).binary(Binary::Mul, Expr::Share);
        if let Some(count) = self.count {
            let inverse = if lowering.synchronized { Expr::InverseSamples } else { Expr::InverseHeld };
            let of_each = Expr::Const(1.0 / count as f32).binary(Binary::Mul, inverse);
            let rest = Expr::Const(1.0).binary(Binary::Sub, of_each);
            let root = || rest.clone().unary(Unary::InverseSqrt).binary(Binary::WherePositive, rest.clone());
            expr = expr.binary(Binary::Mul, root()).binary(Binary::Mul, root());
        }
        let len = lowering.extent(node.outputs[0].into());
        lowering.node(Map { len, expr, operands: vec![Broadcast::Element] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let of = |count| Example::of_numbers(Contribution { count }, [TensorType::fixed([5])]);
    vec![of(None), of(Some(1)), of(Some(49))]
}
