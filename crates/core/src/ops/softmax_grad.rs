//! The gradient behind a softmax.

use super::softmax::{by_place, check, over_channels};
use super::{Example, Generator, Op, arity, not_differentiable};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::{Lowering, TensorId};
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `gx[n, c, …] = y · (g − Σ_k g[n, k, …] · y[n, k, …])`, with the softmax's output `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxGrad;

impl Op for SoftmaxGrad {
    fn name(&self) -> &'static str {
        "softmax_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [g, y] = arity(inputs)?;
        check(y)?;
        if g != y {
            return Err(Problem::new(format!("wants a gradient of the softmax's shape {y}, and was given {g}")));
        }
        Ok(vec![y.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [g, y] = [inputs[0], inputs[1]];
        let mut gx = g.clone();
        by_place(g, |row| {
            let sum: f64 = row.iter().map(|&i| g.data[i] * y.data[i]).sum();
            row.iter().for_each(|&i| gx.data[i] = y.data[i] * (g.data[i] - sum));
        });
        vec![gx]
    }

    // Second derivatives are not among the ops.
    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let [g, y]: [TensorId; 2] = [node.inputs[0].into(), node.inputs[1].into()];
        let gx: TensorId = node.outputs[0].into();
        let (reduce, places, along) = over_channels(lowering.graph.ty(node.inputs[1]));
        let sum = lowering.temporary(places);
        let input = Expr::Input;
        let product = input(0).binary(Binary::Mul, input(1));
        lowering.step(reduce.of(product, vec![Broadcast::Element; 2]), [g, y], [sum]);
        let expr = input(1).binary(Binary::Mul, input(0).binary(Binary::Sub, input(2)));
        let operands = vec![Broadcast::Element, Broadcast::Element, along];
        lowering.step(Map { len: lowering.extent(gx), expr, operands }, [g, y, sum], [gx]);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    [vec![10], vec![5, 3, 4], vec![8, 2, 2]]
        .map(|dims| {
            let ty = TensorType::batched(dims);
            Example::of_numbers(SoftmaxGrad, [ty.clone(), ty])
        })
        .to_vec()
}
