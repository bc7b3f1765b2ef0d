//! A tensor of one number: the seed of a derivative.

use super::{Example, Generator, Op, arity};
use crate::error::{Problem, Result};
use crate::expr::Expr;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// A tensor that holds `value` everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// The number.
    pub value: f32,
    /// The tensor's shape.
    pub ty: TensorType,
}

impl Op for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [] = arity(inputs)?;
        Ok(vec![self.ty.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, _: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        vec![Tensor::from_fn(self.ty.resolve(batch.samples), |_| f64::from(self.value))]
    }

    // It depends on nothing.
    fn derivative(&self, _: &mut Graph, _: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Ok(Vec::new())
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        lowering.node(Map { len: self.ty.extent(), expr: Expr::Const(self.value), operands: Vec::new() }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    vec![
        Example::of_numbers(Constant { value: 1.0, ty: TensorType::fixed([]) }, []),
        Example::of_numbers(Constant { value: -0.375, ty: TensorType::batched([3, 3]) }, []),
    ]
}
