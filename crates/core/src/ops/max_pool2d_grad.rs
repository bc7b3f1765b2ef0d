//! The gradient of a maximum of windows.

use super::max_pool2d::for_each_tap;
use super::{Example, Fill, Generator, Op, arity, floats, not_differentiable};
use crate::error::{Problem, Result};
use crate::expr::Epilogue;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{PoolGrad, PoolKind, Window};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{DType, TensorType};
use crate::tensor::Tensor;

/// `gx` from `gy` and the positions of the maxima: an element receives from each window that it was chosen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2dGrad {
    /// Channels.
    pub channels: usize,
    /// The pool's window.
    pub window: Window,
}

impl Op for MaxPool2dGrad {
    fn name(&self) -> &'static str {
        "max_pool2d_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [gy, index] = arity(inputs)?;
        floats(gy, "gradient")?;
        let ([h, w], [oh, ow]) = (self.window.input, self.window.output());
        let y = TensorType::batched([self.channels, oh, ow]);
        if *gy != y || *index != y.clone().with_dtype(DType::U32) {
            return Err(Problem::new(format!("wants two of {y}, and was given {gy} and {index}")));
        }
        Ok(vec![TensorType::batched([self.channels, h, w])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let [gy, index] = [inputs[0], inputs[1]];
        let (w, outputs) = (&self.window, self.window.output_len());
        let mut gx = Tensor::zeros([batch.samples, self.channels, w.input[0], w.input[1]]);
        for plane in 0..batch.samples * self.channels {
            for_each_tap(w, |out, source| {
                if index.data[plane * outputs + out] == source as f64 {
                    gx.data[plane * w.input_len() + source] += gy.data[plane * outputs + out];
                }
            });
        }
        vec![gx]
    }

    // Linear in gy, but its adjoint (a gather by position) is not among the ops.
    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let Self { channels, window } = *self;
        lowering.node(PoolGrad { kind: PoolKind::Max, channels, window, epilogue: Epilogue::identity() }, node);
    }
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let (channels, window) = (generator.between(1, 3), generator.pool_window(9));
        examples.push(example(channels, window));
    }
    let window = Window { input: [15, 14], kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };
    examples.push(example(3, window));
    examples
}

fn example(channels: usize, window: Window) -> Example {
    let [oh, ow] = window.output();
    let gy = TensorType::batched([channels, oh, ow]);
    let index = (gy.clone().with_dtype(DType::U32), Fill::Taps(window));
    Example { inputs: vec![(gy, Fill::Numbers), index], ..Example::of_numbers(MaxPool2dGrad { channels, window }, []) }
}
