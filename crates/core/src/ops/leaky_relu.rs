//! Leaky rectified linear unit.

use super::{Example, Generator, Op, ReluGrad, WeightedSum, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr, Unary};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y = x` where `x > 0`, else `slope · x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// The slope below 0.
    pub slope: f32,
}

impl Op for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let slope = f64::from(self.slope);
        let leak = |x: f64| if x > 0.0 { x } else { slope * x };
        vec![Tensor::from_fn(inputs[0].dims.clone(), |i| leak(inputs[0].data[i]))]
    }

    // dy = dx where x > 0, else slope · dx: slope · g + (1 − slope) · (g where x > 0).
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let above = graph.apply1(ReluGrad, &[g, node.inputs[0]])?;
        let weights = [self.slope, 1.0 - self.slope];
        Ok(vec![Some(graph.apply1(WeightedSum { weights }, &[g, above])?)])
    }

    // relu(x) − slope · relu(−x)
    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        let relu = |x: Expr| x.unary(Unary::Relu);
        let below = relu(Expr::Input(0).unary(Unary::Neg)).binary(Binary::Mul, Expr::Const(self.slope));
        let expr = relu(Expr::Input(0)).binary(Binary::Sub, below);
        lowering.node(Map { len, expr, operands: vec![Broadcast::Element] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    vec![
        Example::of_numbers(LeakyRelu { slope: 0.01 }, [TensorType::batched([3, 5, 7])]),
        Example::of_numbers(LeakyRelu { slope: 0.3 }, [TensorType::batched([6])]),
    ]
}
