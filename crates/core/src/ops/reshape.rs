//! The same elements under another shape: flatten, among others. Nothing is computed.

use super::{Example, Generator, Op, arity};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// Gives each sample the shape `dims`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    /// The new lengths, without the batch.
    pub dims: Vec<usize>,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        if !x.batched {
            return Err(Problem::new(format!("wants a batch, and was given {x}")));
        }
        let y = TensorType { dims: self.dims.clone(), ..x.clone() };
        if x.inner() != y.inner() {
            return Err(Problem::new(format!("can't give {x} the shape {y}: {} and {} elements", x.inner(), y.inner())));
        }
        Ok(vec![y])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let dims = TensorType::batched(self.dims.clone()).resolve(batch.samples);
        vec![Tensor::new(dims, inputs[0].data.clone())]
    }

    // The gradient takes the old shape again.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let dims = graph.ty(node.inputs[0]).dims.clone();
        Ok(vec![Some(graph.apply1(Self { dims }, &[g])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        lowering.alias(node.outputs[0], node.inputs[0]);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    vec![
        Example::of_numbers(Reshape { dims: vec![30] }, [TensorType::batched([2, 3, 5])]),
        Example::of_numbers(Reshape { dims: vec![5, 3] }, [TensorType::batched([15])]),
    ]
}
