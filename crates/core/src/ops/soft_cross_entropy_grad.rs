//! The gradient of softmax cross-entropy against rows of targets.

use super::cross_entropy::{check_gradient, rows, softmax};
use super::soft_cross_entropy::inputs;
use super::{Example, Fill, Generator, Op, arity, not_differentiable};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `glogits[n] = g[n] · (softmax(logits[n]) · Σ_c targets[n, c] − targets[n])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftCrossEntropyGrad;

impl Op for SoftCrossEntropyGrad {
    fn name(&self) -> &'static str {
        "soft_cross_entropy_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [logits, targets, g] = arity(inputs)?;
        rows(logits, targets)?;
        check_gradient(g)?;
        Ok(vec![logits.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [logits, targets, g] = [inputs[0], inputs[1], inputs[2]];
        let classes = logits.dims[1];
        let mut data = Vec::with_capacity(logits.data.len());
        let pairs = logits.data.chunks(classes).zip(targets.data.chunks(classes));
        for ((row, targets), g) in pairs.zip(&g.data) {
            let total: f64 = targets.iter().sum();
            data.extend(softmax(row).iter().zip(targets).map(|(p, t)| g * (p * total - t)));
        }
        vec![Tensor::new(logits.dims.clone(), data)]
    }

    // Second derivatives of the loss are not among the ops.
    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let classes = lowering.graph.ty(node.inputs[0]).dims[0];
        lowering.node(kernels::CrossEntropyGrad { classes, soft: true }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let with_gradient = |classes| {
        let mut inputs = inputs(classes);
        inputs.push((TensorType::batched([]), Fill::Numbers));
        Example { inputs, ..Example::of_numbers(SoftCrossEntropyGrad, []) }
    };
    [1, 2, 10, 37].map(with_gradient).to_vec()
}
