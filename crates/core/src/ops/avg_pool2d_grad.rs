//! The gradient of a mean of windows.

use super::avg_pool2d::generate;
use super::max_pool2d::for_each_tap;
use super::{AvgPool2d, Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::Epilogue;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{PoolGrad, PoolKind, Window};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `gx` from `gy`: an element receives an equal share from each window that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2dGrad {
    /// Channels.
    pub channels: usize,
    /// The pool's window.
    pub window: Window,
}

impl Op for AvgPool2dGrad {
    fn name(&self) -> &'static str {
        "avg_pool2d_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [gy] = arity(inputs)?;
        floats(gy, "gradient")?;
        let ([h, w], [oh, ow]) = (self.window.input, self.window.output());
        let y = TensorType::batched([self.channels, oh, ow]);
        if *gy != y {
            return Err(Problem::new(format!("wants {y}, and was given {gy}")));
        }
        Ok(vec![TensorType::batched([self.channels, h, w])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let (w, gy, outputs) = (&self.window, inputs[0], self.window.output_len());
        let mut gx = Tensor::zeros([batch.samples, self.channels, w.input[0], w.input[1]]);
        for plane in 0..batch.samples * self.channels {
            for_each_tap(w, |out, source| {
                gx.data[plane * w.input_len() + source] += gy.data[plane * outputs + out] / w.kernel_len() as f64;
            });
        }
        vec![gx]
    }

    // Linear: its adjoint is the pool.
    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let Window { kernel, stride, padding, .. } = self.window;
        Ok(vec![Some(graph.apply1(AvgPool2d { kernel, stride, padding }, &[g])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let Self { channels, window } = *self;
        lowering.node(PoolGrad { kind: PoolKind::Average, channels, window, epilogue: Epilogue::identity() }, node);
    }
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let (_, channels, window) = generate(generator);
        let [oh, ow] = window.output();
        let gy = TensorType::batched([channels, oh, ow]);
        examples.push(Example::of_numbers(AvgPool2dGrad { channels, window }, [gy]));
    }
    examples
}
