//! The gradient of softmax cross-entropy.

use super::cross_entropy::{check_gradient, classes, inputs, softmax};
use super::{Example, Fill, Generator, Op, arity, not_differentiable};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `glogits[n] = g[n] · (softmax(logits[n]) − onehot(label[n]))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropyGrad;

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [logits, labels, g] = arity(inputs)?;
        classes(logits, labels)?;
        check_gradient(g)?;
        Ok(vec![logits.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [logits, labels, g] = [inputs[0], inputs[1], inputs[2]];
        let classes = logits.dims[1];
        let mut data = Vec::with_capacity(logits.data.len());
        for (n, row) in logits.data.chunks(classes).enumerate() {
            let onehot = |c| if labels.data[n] == c as f64 { 1.0 } else { 0.0 };
            data.extend(softmax(row).iter().enumerate().map(|(c, p)| g.data[n] * (p - onehot(c))));
        }
        vec![Tensor::new(logits.dims.clone(), data)]
    }

    // Second derivatives of the loss are not among the ops.
    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let classes = lowering.graph.ty(node.inputs[0]).dims[0];
        lowering.node(kernels::CrossEntropyGrad { classes, soft: false }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let with_gradient = |classes| {
        let mut inputs = inputs(classes);
        inputs.push((TensorType::batched([]), Fill::Numbers));
        Example { inputs, ..Example::of_numbers(CrossEntropyGrad, []) }
    };
    [1, 2, 10, 37].map(with_gradient).to_vec()
}
