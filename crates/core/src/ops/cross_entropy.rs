//! Softmax cross-entropy, fused and stable.

use super::{CrossEntropyGrad, Example, Fill, Generator, Op, arity};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{DType, TensorType};
use crate::tensor::Tensor;

/// `loss[n] = −log softmax(logits[n])[label[n]]`, a number a sample, as PyTorch's `cross_entropy` with `reduction="none"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropy;

/// Checks logits and labels and returns the number of classes.
pub(super) fn classes(logits: &TensorType, labels: &TensorType) -> std::result::Result<usize, Problem> {
    let one_label = TensorType::batched([]).with_dtype(DType::U32);
    match (logits.batched, logits.dtype, logits.dims.as_slice()) {
        (true, DType::F32, &[classes]) if *labels == one_label => Ok(classes),
        _ => Err(Problem::new(format!(
            "wants one row of numbers a sample, [N, classes], with one label each, and was given {logits} and {labels}; put a flatten or a global pool before it"
        ))),
    }
}

/// Checks logits and rows of targets.
pub(super) fn rows(logits: &TensorType, targets: &TensorType) -> std::result::Result<(), Problem> {
    if logits.batched && logits.dtype == DType::F32 && logits.dims.len() == 1 && logits == targets {
        return Ok(());
    }
    Err(Problem::new(format!(
        "wants one row of numbers a sample, [N, classes], with a target for each, and was given {logits} and {targets}; put a flatten or a global pool before it"
    )))
}

/// Checks what arrives at losses.
pub(super) fn check_gradient(g: &TensorType) -> std::result::Result<(), Problem> {
    match *g == TensorType::batched([]) {
        true => Ok(()),
        false => Err(Problem::new(format!("wants one gradient a sample, and was given {g}"))),
    }
}

/// The logarithm of the sum of a row's exponentials, its largest element subtracted first so that nothing overflows.
pub(super) fn log_sum(row: &[f64]) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

/// The softmax of a row, its largest element subtracted first so that nothing overflows.
pub(super) fn softmax(row: &[f64]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|p| p / sum).collect()
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [logits, labels] = arity(inputs)?;
        classes(logits, labels)?;
        Ok(vec![TensorType::batched([])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [logits, labels] = [inputs[0], inputs[1]];
        let rows = logits.data.chunks(logits.dims[1]).zip(&labels.data);
        let loss = |(row, &label): (&[f64], &f64)| match row.get(label as usize) {
            Some(logit) => {
                let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln() - (logit - largest)
            }
            None => f64::NAN,
        };
        vec![Tensor::new([logits.dims[0]], rows.map(loss).collect())]
    }

    // d loss / d logits = softmax − one-hot
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let to_logits = graph.apply1(CrossEntropyGrad, &[node.inputs[0], node.inputs[1], g])?;
        Ok(vec![Some(to_logits), None])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let classes = lowering.graph.ty(node.inputs[0]).dims[0];
        lowering.node(kernels::CrossEntropy { classes, soft: false }, node);
    }
}

/// Logits with labels for so many classes.
pub(super) fn inputs(classes: usize) -> Vec<(TensorType, Fill)> {
    let labels = TensorType::batched([]).with_dtype(DType::U32);
    vec![(TensorType::batched([classes]), Fill::Numbers), (labels, Fill::Labels(classes))]
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    [1, 2, 10, 37].map(|n| Example { inputs: inputs(n), ..Example::of_numbers(CrossEntropy, []) }).to_vec()
}
