//! Labels as rows of targets.

use super::{Example, Fill, Generator, Op};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{DType, TensorType};
use crate::tensor::Tensor;

/// `t[n, c] = scale · weight[c] · ((1 − label_smoothing) · share(n, c) + label_smoothing / classes)`: a row of targets for each label.
///
/// `share(n, c)` is 1 where `c` is sample `n`'s label and 0 elsewhere; where samples are `mixed`, it is the first share where `c` is
/// the first label, and what is left to 1 where it is the second. Weights and their `scale`, which is
/// [`Step::weight_scale`](crate::step::Step), are there where classes are `weighted`: the definition has the scale 1. Inputs are `labels [N]`
/// (integers); for mixed samples `second [N]` (integers) and `first_share [N]`; for weighted classes `weight [classes]`. All of them are data:
/// none has a gradient. A label beyond the classes makes its row NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneHot {
    /// The number of classes.
    pub classes: usize,
    /// The part of each target that is spread evenly over all classes, 0 … 1.
    pub label_smoothing: f32,
    /// Whether samples have two labels.
    pub mixed: bool,
    /// Whether classes have weights.
    pub weighted: bool,
}

impl OneHot {
    /// The types of the inputs, in their order.
    fn inputs(&self) -> Vec<(TensorType, Fill)> {
        let labels = || (TensorType::batched([]).with_dtype(DType::U32), Fill::Labels(self.classes));
        let mut inputs = vec![labels()];
        if self.mixed {
            inputs.extend([labels(), (TensorType::batched([]), Fill::Shares)]);
        }
        if self.weighted {
            inputs.push((TensorType::fixed([self.classes]), Fill::Shares));
        }
        inputs
    }
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let wanted: Vec<TensorType> = self.inputs().into_iter().map(|(ty, _)| ty).collect();
        if inputs != wanted {
            let list = |types: &[TensorType]| types.iter().map(TensorType::to_string).collect::<Vec<_>>().join(", ");
            return Err(Problem::new(format!("wants {}, and was given {}", list(&wanted), list(inputs))));
        }
        Ok(vec![TensorType::batched([self.classes])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let classes = self.classes;
        let smoothing = f64::from(self.label_smoothing);
        let weight = |c: usize| if self.weighted { inputs[inputs.len() - 1].data[c] } else { 1.0 };
        let labelled = |input: usize, n: usize, c: usize| if inputs[input].data[n] == c as f64 { 1.0 } else { 0.0 };
        let beyond = |n: usize| inputs[..if self.mixed { 2 } else { 1 }].iter().any(|y| y.data[n] >= classes as f64);
        let target = |i: usize| {
            let (n, c) = (i / classes, i % classes);
            let share = match self.mixed {
                true => {
                    let first = inputs[2].data[n];
                    first * labelled(0, n, c) + (1.0 - first) * labelled(1, n, c)
                }
                false => labelled(0, n, c),
            };
            let target = weight(c) * ((1.0 - smoothing) * share + smoothing / classes as f64);
            if beyond(n) { f64::NAN } else { target }
        };
        vec![Tensor::from_fn([batch.samples, classes], target)]
    }

    // Labels, shares and weights are data.
    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Ok(vec![None; node.inputs.len()])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let Self { classes, label_smoothing, mixed, weighted } = *self;
        lowering.node(kernels::OneHot { classes, label_smoothing, mixed, weighted }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for (classes, label_smoothing) in [(10, 0.0), (3, 0.1), (1, 0.5), (37, 0.25)] {
        for (mixed, weighted) in [(false, false), (true, false), (false, true), (true, true)] {
            let op = OneHot { classes, label_smoothing, mixed, weighted };
            examples.push(Example { inputs: op.inputs(), ..Example::of_numbers(op, []) });
        }
    }
    examples
}
