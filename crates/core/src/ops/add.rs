//! Sum of two tensors of the same shape: a residual connection.

use super::{Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y = a + b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
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
        vec![Tensor::from_fn(inputs[0].dims.clone(), |i| inputs[0].data[i] + inputs[1].data[i])]
    }

    // d(a + b) = da + db
    fn derivative(&self, _: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Ok(vec![arriving[0], arriving[0]])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        let expr = Expr::Input(0).binary(Binary::Add, Expr::Input(1));
        lowering.node(Map { len, expr, operands: vec![Broadcast::Element; 2] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let of = |ty: TensorType| Example::of_numbers(Add, [ty.clone(), ty]);
    vec![of(TensorType::batched([3, 5, 7])), of(TensorType::fixed([13])), of(TensorType::batched([]))]
}
