//! Softmax cross-entropy against rows of targets.

use super::cross_entropy::{log_sum, rows};
use super::{Example, Fill, Generator, Op, SoftCrossEntropyGrad, arity};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `loss[n] = −Σ_c target[n, c] · log softmax(logits[n])[c]`, as PyTorch's `cross_entropy` on class probabilities with `reduction="none"`.
/// Targets need not add up to 1. They are data, as labels are: no gradient goes to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftCrossEntropy;

impl Op for SoftCrossEntropy {
    fn name(&self) -> &'static str {
        "soft_cross_entropy"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [logits, targets] = arity(inputs)?;
        rows(logits, targets)?;
        Ok(vec![TensorType::batched([])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [logits, targets] = [inputs[0], inputs[1]];
        let classes = logits.dims[1];
        let pairs = logits.data.chunks(classes).zip(targets.data.chunks(classes));
        let losses = pairs.map(|(row, targets)| {
            let log_sum = log_sum(row);
            row.iter().zip(targets).map(|(x, t)| t * (log_sum - x)).sum()
        });
        vec![Tensor::new([logits.dims[0]], losses.collect())]
    }

    // d loss / d logits = softmax · Σ targets − targets
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let to_logits = graph.apply1(SoftCrossEntropyGrad, &[node.inputs[0], node.inputs[1], g])?;
        Ok(vec![Some(to_logits), None])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let classes = lowering.graph.ty(node.inputs[0]).dims[0];
        lowering.node(kernels::CrossEntropy { classes, soft: true }, node);
    }
}

/// Logits with targets for so many classes.
pub(super) fn inputs(classes: usize) -> Vec<(TensorType, Fill)> {
    let rows = TensorType::batched([classes]);
    vec![(rows.clone(), Fill::Numbers), (rows, Fill::Shares)]
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    [1, 2, 10, 37].map(|n| Example { inputs: inputs(n), ..Example::of_numbers(SoftCrossEntropy, []) }).to_vec()
}
