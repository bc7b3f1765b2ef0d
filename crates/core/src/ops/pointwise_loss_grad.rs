//! The gradient of a loss of single numbers.

use super::pointwise_loss::{ALL, Pointwise};
use super::{Example, Fill, Generator, Op, arity, floats, not_differentiable};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `gx[i] = g[i] · loss'(x[i], t[i])`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointwiseLossGrad {
    /// Which loss.
    pub loss: Pointwise,
}

impl Op for PointwiseLossGrad {
    fn name(&self) -> &'static str {
        "pointwise_loss_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, t, g] = arity(inputs)?;
        floats(x, "input")?;
        if x != t || x != g {
            return Err(Problem::new(format!(
                "wants a target and a gradient for each number of {x}, and was given {t} and {g}"
            )));
        }
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [x, t, g] = [inputs[0], inputs[1], inputs[2]];
        vec![Tensor::from_fn(x.dims.clone(), |i| g.data[i] * self.loss.slope(x.data[i], t.data[i]))]
    }

    // Second derivatives of the loss are not among the ops.
    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        let expr = self.loss.slope_expr().binary(Binary::Mul, Expr::Input(2));
        lowering.node(Map { len, expr, operands: vec![Broadcast::Element; 3] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let example = |loss| {
        let ty = TensorType::batched([7]);
        let inputs = vec![(ty.clone(), Fill::Numbers), (ty.clone(), Fill::Shares), (ty, Fill::Numbers)];
        Example { inputs, ..Example::of_numbers(PointwiseLossGrad { loss }, []) }
    };
    ALL.map(example).to_vec()
}
