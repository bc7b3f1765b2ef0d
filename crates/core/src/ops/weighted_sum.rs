//! A weighted sum of two tensors of the same shape.

use super::{Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y = weights[0] · a + weights[1] · b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedSum {
    /// The two weights.
    pub weights: [f32; 2],
}

impl Op for WeightedSum {
    fn name(&self) -> &'static str {
        "weighted_sum"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [a, b] = arity(inputs)?;
        floats(a, "terms")?;
        if a != b {
            return Err(Problem::new(format!("wants two tensors of one shape, and was given {a} and {b}")));
        }
        Ok(vec![a.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [u, v] = self.weights.map(f64::from);
        vec![Tensor::from_fn(inputs[0].dims.clone(), |i| u * inputs[0].data[i] + v * inputs[1].data[i])]
    }

    // Each term receives its weight's part of what arrives.
    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let mut part = |weight| graph.apply1(Self { weights: [weight, 0.0] }, &[g, g]);
        Ok(vec![Some(part(self.weights[0])?), Some(part(self.weights[1])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        let [a, b] = [0, 1].map(|i| Expr::Input(i).binary(Binary::Mul, Expr::Const(self.weights[i])));
        lowering.node(Map { len, expr: a.binary(Binary::Add, b), operands: vec![Broadcast::Element; 2] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let ty = TensorType::batched([3, 5]);
    vec![Example::of_numbers(WeightedSum { weights: [0.25, -1.5] }, [ty.clone(), ty])]
}
