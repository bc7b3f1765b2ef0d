//! Mean of each window.

use super::max_pool2d::for_each_tap;
use super::{AvgPool2dGrad, Example, Generator, Op, arity, check_pool_window, floats, images};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{Pool, PoolKind, Window};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// The mean of each window, padding counted as zeros, as PyTorch's `avg_pool2d`. A window as large as the image is global average
/// pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2d {
    /// The window's height and width.
    pub kernel: [usize; 2],
    /// How far it moves.
    pub stride: [usize; 2],
    /// Rows and columns of zeros around the input.
    pub padding: [usize; 2],
}

impl AvgPool2d {
    fn window(&self, height: usize, width: usize) -> Window {
        let Self { kernel, stride, padding } = *self;
        Window { input: [height, width], kernel, stride, padding, dilation: [1, 1] }
    }
}

impl Op for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        let [channels, height, width] = images(x, "an input")?;
        let window = self.window(height, width);
        check_pool_window(&window)?;
        let [oh, ow] = window.output();
        Ok(vec![TensorType::batched([channels, oh, ow])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let x = inputs[0];
        let window = self.window(x.dims[2], x.dims[3]);
        let ([oh, ow], count) = (window.output(), window.kernel_len() as f64);
        let mut y = Tensor::zeros([x.dims[0], x.dims[1], oh, ow]);
        for plane in 0..x.dims[0] * x.dims[1] {
            for_each_tap(&window, |out, source| {
                y.data[plane * oh * ow + out] += x.data[plane * window.input_len() + source] / count;
            });
        }
        vec![y]
    }

    // Each tap has an equal share in its window's mean.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let &[channels, height, width] = graph.ty(node.inputs[0]).dims.as_slice() else { unreachable!("images") };
        let grad = AvgPool2dGrad { channels, window: self.window(height, width) };
        Ok(vec![Some(graph.apply1(grad, &[g])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let &[channels, height, width] = lowering.graph.ty(node.inputs[0]).dims.as_slice() else { unreachable!("images") };
        lowering.node(Pool { kind: PoolKind::Average, channels, window: self.window(height, width) }, node);
    }
}

/// A pool with its channels and window.
pub(super) fn generate(generator: &mut Generator) -> (AvgPool2d, usize, Window) {
    let mut window = generator.pool_window(9);
    window.dilation = [1, 1];
    let Window { kernel, stride, padding, .. } = window;
    (AvgPool2d { kernel, stride, padding }, generator.between(1, 3), window)
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let (pool, channels, window) = generate(generator);
        let [h, w] = window.input;
        examples.push(Example::of_numbers(pool, [TensorType::batched([channels, h, w])]));
    }
    let global = AvgPool2d { kernel: [7, 5], stride: [7, 5], padding: [0, 0] };
    examples.push(Example::of_numbers(global, [TensorType::batched([4, 7, 5])]));
    examples
}
