//! Maximum of each window.

use super::{Example, Generator, MaxPool2dGrad, Op, arity, check_pool_window, floats, images};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{Pool, PoolKind, Window};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{DType, TensorType};
use crate::tensor::Tensor;

/// The largest value of each window and its position in its plane, as PyTorch's `max_pool2d` with `return_indices`. Where several
/// are largest, the first in row-major order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    /// The window's height and width.
    pub kernel: [usize; 2],
    /// How far it moves.
    pub stride: [usize; 2],
    /// Rows and columns around the input, which are never the largest.
    pub padding: [usize; 2],
    /// The distance between two taps.
    pub dilation: [usize; 2],
}

impl MaxPool2d {
    fn window(&self, height: usize, width: usize) -> Window {
        let Self { kernel, stride, padding, dilation } = *self;
        Window { input: [height, width], kernel, stride, padding, dilation }
    }
}

/// Calls `f` with the output's and the input's position in their planes for each tap that is not in the padding.
pub(super) fn for_each_tap(w: &Window, mut f: impl FnMut(usize, usize)) {
    let [oh, ow] = w.output();
    for out in 0..oh * ow {
        for tap in 0..w.kernel_len() {
            let row = w.source(0, out / ow, tap / w.kernel[1]);
            let column = w.source(1, out % ow, tap % w.kernel[1]);
            if let (Some(row), Some(column)) = (row, column) {
                f(out, row * w.input[1] + column);
            }
        }
    }
}

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        let [channels, height, width] = images(x, "an input")?;
        let window = self.window(height, width);
        check_pool_window(&window)?;
        let [oh, ow] = window.output();
        let y = TensorType::batched([channels, oh, ow]);
        Ok(vec![y.clone(), y.with_dtype(DType::U32)])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let x = inputs[0];
        let window = self.window(x.dims[2], x.dims[3]);
        let [oh, ow] = window.output();
        let dims = [x.dims[0], x.dims[1], oh, ow];
        let (mut y, mut index) = (Tensor::from_fn(dims, |_| f64::NEG_INFINITY), Tensor::zeros(dims));
        for plane in 0..x.dims[0] * x.dims[1] {
            for_each_tap(&window, |out, source| {
                let (out, value) = (plane * oh * ow + out, x.data[plane * window.input_len() + source]);
                if value > y.data[out] || (value.is_nan() && !y.data[out].is_nan()) {
                    y.data[out] = value;
                    index.data[out] = source as f64;
                }
            });
        }
        vec![y, index]
    }

    // What arrives at a window leaves to its largest element; the position has no derivative.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let &[channels, height, width] = graph.ty(node.inputs[0]).dims.as_slice() else { unreachable!("images") };
        let grad = MaxPool2dGrad { channels, window: self.window(height, width) };
        Ok(vec![Some(graph.apply1(grad, &[g, node.outputs[1]])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let &[channels, height, width] = lowering.graph.ty(node.inputs[0]).dims.as_slice() else { unreachable!("images") };
        lowering.node(Pool { kind: PoolKind::Max, channels, window: self.window(height, width) }, node);
    }
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let Window { input: [h, w], kernel, stride, padding, dilation } = generator.pool_window(9);
        let x = TensorType::batched([generator.between(1, 3), h, w]);
        examples.push(Example::of_numbers(MaxPool2d { kernel, stride, padding, dilation }, [x]));
    }
    let plain = MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };
    examples.push(Example::of_numbers(plain, [TensorType::batched([4, 14, 14])]));
    examples.push(Example::of_numbers(plain, [TensorType::batched([2, 7, 5])]));
    examples
}
