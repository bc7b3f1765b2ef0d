//! The gradient behind a rectified linear unit.

use super::{Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `gx = g` where `y > 0`, else 0; `y` is the unit's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReluGrad;

impl Op for ReluGrad {
    fn name(&self) -> &'static str {
        "relu_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [g, y] = arity(inputs)?;
        floats(y, "output of the ReLU")?;
        if g != y {
            return Err(Problem::new(format!("wants a gradient of the output's shape {y}, and was given {g}")));
        }
        Ok(vec![g.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [g, y] = [inputs[0], inputs[1]];
        vec![Tensor::from_fn(g.dims.clone(), |i| if y.data[i] > 0.0 { g.data[i] } else { 0.0 })]
    }

    // Linear in g with the same mask; constant in y, away from the kink.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        Ok(vec![Some(graph.apply1(Self, &[g, node.inputs[1]])?), None])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        let expr = Expr::Input(0).binary(Binary::WherePositive, Expr::Input(1));
        lowering.node(Map { len, expr, operands: vec![Broadcast::Element; 2] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let ty = TensorType::batched([4, 5]);
    vec![Example::of_numbers(ReluGrad, [ty.clone(), ty])]
}
