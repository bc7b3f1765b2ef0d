//! Rectified linear unit.

use super::{Example, Generator, Op, ReluGrad, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Broadcast, Expr, Unary};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y = max(x, 0)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu;

impl Op for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        vec![Tensor::from_fn(inputs[0].dims.clone(), |i| inputs[0].data[i].max(0.0))]
    }

    // dy = dx where y > 0, and 0 elsewhere, at the kink too.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply1(ReluGrad, &[g, node.outputs[0]])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        lowering.node(Map { len, expr: Expr::Input(0).unary(Unary::Relu), operands: vec![Broadcast::Element] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    vec![
        Example::of_numbers(Relu, [TensorType::batched([3, 5, 7])]),
        Example::of_numbers(Relu, [TensorType::fixed([6])]),
    ]
}
