//! Sums and means over the batch, over samples, over all but the channels.

use super::{Example, Expand, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{self, BatchMean};
use crate::lower::{Lowering, TensorId};
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// What a reduction leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// One number a channel, `[N, C, …] → [C]`: a bias' gradient.
    Channel,
    /// One number a sample, `[N, …] → [N]`.
    Sample,
    /// One number, `[N, …] → []`.
    Nothing,
}

impl Keep {
    /// The type that remains of `x`.
    pub(super) fn of(self, x: &TensorType) -> TensorType {
        match self {
            Self::Channel => TensorType::fixed([x.dims[0]]),
            Self::Sample => TensorType::batched([]),
            Self::Nothing => TensorType::fixed([]),
        }
    }

    /// The position in the reduced tensor of the element `i` of a tensor with the given type.
    pub(super) fn index(self, x: &TensorType, i: usize) -> usize {
        match self {
            Self::Channel => i / x.dims[1..].iter().product::<usize>() % x.dims[0],
            Self::Sample => i / x.inner(),
            Self::Nothing => 0,
        }
    }

    /// The constant part of a mean's divisor: how many elements of one sample make one number.
    pub(super) fn divisor(self, x: &TensorType) -> usize {
        match self {
            Self::Channel => x.dims[1..].iter().product(),
            Self::Sample | Self::Nothing => x.inner(),
        }
    }

    /// Whether a mean also divides by the samples of the global batch.
    pub(super) fn spans_batch(self) -> bool {
        self != Self::Sample
    }

    /// What a mean multiplies its sum by.
    pub(super) fn factor(self, x: &TensorType, batch: Batch) -> f64 {
        let samples = if self.spans_batch() { batch.global } else { 1 };
        1.0 / (self.divisor(x) * samples) as f64
    }
}

/// The sum, or the mean, of all elements that fall together. A mean over the batch divides by the samples of the
/// global batch, of which this run may hold a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// What is left.
    pub keep: Keep,
    /// The mean instead of the sum.
    pub mean: bool,
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        if self.mean { "reduce_mean" } else { "reduce_sum" }
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        if !x.batched || (self.keep == Keep::Channel && x.dims.is_empty()) {
            return Err(Problem::new(format!("wants a batch with channels, and was given {x}")));
        }
        Ok(vec![self.keep.of(x)])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let x = inputs[0];
        let ty = TensorType::batched(&x.dims[1..]);
        let mut y = Tensor::zeros(self.keep.of(&ty).resolve(batch.samples));
        for (i, value) in x.data.iter().enumerate() {
            y.data[self.keep.index(&ty, i)] += value;
        }
        if self.mean {
            let factor = self.keep.factor(&ty, batch);
            y.data.iter_mut().for_each(|sum| *sum *= factor);
        }
        vec![y]
    }

    // Every element of a sum receives what arrives at the sum.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let to = graph.ty(node.inputs[0]).clone();
        Ok(vec![Some(graph.apply1(Expand { keep: self.keep, mean: self.mean, to }, &[g])?)])
    }

    // First within each sample, then over the batch: both stages are wide, and the order of summation is fixed.
    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[0]).clone();
        let kept = if self.keep == Keep::Channel { x.dims[0] } else { 1 };
        let within = x.inner() / kept;
        let scale = if self.mean { 1.0 / self.keep.divisor(&x) as f32 } else { 1.0 };
        let (input, output) = (node.inputs[0].into(), node.outputs[0].into());
        let partial = lowering.temporary(Extent::Batch(kept));
        let mut stage = |from: TensorId, to: TensorId, outer, reduce, inner, scale, mean: bool| {
            let mean = if mean { BatchMean::Global } else { BatchMean::None };
            let kernel = kernels::Reduce::new(outer, reduce, Extent::Fixed(inner)).scaled(scale).mean(mean);
            lowering.step(kernel, [from], [to]);
        };
        let (samples, one) = (Extent::Batch(kept), Extent::Fixed(1));
        if !self.keep.spans_batch() {
            stage(input, output, samples, Extent::Fixed(within), 1, scale, false);
        } else if within == 1 {
            stage(input, output, one, Extent::Batch(1), kept, scale, self.mean);
        } else {
            stage(input, partial, samples, Extent::Fixed(within), 1, scale, false);
            stage(partial, output, one, Extent::Batch(1), kept, 1.0, self.mean);
        }
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let shapes = [vec![3, 5, 7], vec![4], vec![2, 1, 1]];
    let mut examples = Vec::new();
    for dims in shapes {
        for keep in [Keep::Channel, Keep::Sample, Keep::Nothing] {
            for mean in [false, true] {
                examples.push(Example::of_numbers(Reduce { keep, mean }, [TensorType::batched(dims.clone())]));
            }
        }
    }
    examples.push(Example::of_numbers(Reduce { keep: Keep::Nothing, mean: true }, [TensorType::batched([])]));
    examples
}
