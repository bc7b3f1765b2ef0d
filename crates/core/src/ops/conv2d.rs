//! Two-dimensional convolution, as the field calls it: a cross-correlation.

use super::{Conv2dGradInput, Conv2dGradWeight, Example, Generator, Op, arity, check_window, floats, images};
use crate::error::{Problem, Result};
use crate::expr::Epilogue;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{Conv, ConvGeometry, Window};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y[n, o] = Σ_c weight[o, c] ⋆ x[n, c]`, as PyTorch's `conv2d` without its bias. Pairs are `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// How far the window moves from one output to the next.
    pub stride: [usize; 2],
    /// Rows and columns of zeros on each side.
    pub padding: [usize; 2],
    /// The distance between two taps.
    pub dilation: [usize; 2],
    /// The number of groups; each sees its own part of the channels.
    pub groups: usize,
}

impl Conv2d {
    fn geometry(&self, x: &TensorType, weight: &TensorType) -> std::result::Result<ConvGeometry, Problem> {
        let [in_channels, height, width] = images(x, "an input")?;
        let &[out_channels, group_in, kernel_height, kernel_width] = weight.dims.as_slice() else {
            return Err(Problem::new(format!("wants a weight of four dimensions, and was given {weight}")));
        };
        let groups = self.groups;
        if groups == 0 || in_channels % groups != 0 || out_channels % groups != 0 {
            return Err(Problem::new(format!(
                "groups = {groups} has to divide both the {in_channels} channels that come in and the {out_channels} that go out"
            )));
        }
        if group_in * groups != in_channels {
            return Err(Problem::new(format!("a weight of {weight} in {groups} groups takes {} channels, and was given {x}", group_in * groups)));
        }
        let window = Window {
            input: [height, width],
            kernel: [kernel_height, kernel_width],
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
        };
        check_window(&window)?;
        Ok(ConvGeometry { in_channels, out_channels, groups, window })
    }
}

/// Calls `f` with the linear positions in input, weight and output of each product that a convolution sums.
pub(super) fn for_each_product(g: &ConvGeometry, samples: usize, mut f: impl FnMut(usize, usize, usize)) {
    let w = &g.window;
    let ([oh, ow], [kh, kw]) = (w.output(), w.kernel);
    for n in 0..samples {
        for o in 0..g.out_channels {
            for c in 0..g.group_in() {
                let channel = o / g.group_out() * g.group_in() + c;
                for (i, a) in pairs(oh, kh) {
                    let Some(row) = w.source(0, i, a) else { continue };
                    for (j, b) in pairs(ow, kw) {
                        let Some(column) = w.source(1, j, b) else { continue };
                        let x = ((n * g.in_channels + channel) * w.input[0] + row) * w.input[1] + column;
                        let weight = ((o * g.group_in() + c) * kh + a) * kw + b;
                        let y = ((n * g.out_channels + o) * oh + i) * ow + j;
                        f(x, weight, y);
                    }
                }
            }
        }
    }
}

fn pairs(outputs: usize, taps: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outputs).flat_map(move |out| (0..taps).map(move |tap| (out, tap)))
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, weight] = arity(inputs)?;
        floats(x, "input")?;
        let g = self.geometry(x, weight)?;
        let [height, width] = g.window.output();
        Ok(vec![TensorType::batched([g.out_channels, height, width])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let [x, weight] = [inputs[0], inputs[1]];
        let types = [TensorType::batched(&x.dims[1..]), TensorType::fixed(weight.dims.clone())];
        let g = self.geometry(&types[0], &types[1]).expect("the shape rule has accepted these");
        let [height, width] = g.window.output();
        let mut y = Tensor::zeros([batch.samples, g.out_channels, height, width]);
        for_each_product(&g, batch.samples, |i, k, o| y.data[o] += x.data[i] * weight.data[k]);
        vec![y]
    }

    // Linear in each of the two: the gradients are the transposed maps.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let (x, weight) = (node.inputs[0], node.inputs[1]);
        let geometry = self.geometry(graph.ty(x), graph.ty(weight)).expect("the shape rule has accepted these");
        let to_input = graph.apply1(Conv2dGradInput { geometry }, &[g, weight])?;
        let to_weight = graph.apply1(Conv2dGradWeight { geometry }, &[x, g])?;
        Ok(vec![Some(to_input), Some(to_weight)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let [x, weight] = [0, 1].map(|i| lowering.graph.ty(node.inputs[i]));
        let geometry = self.geometry(x, weight).expect("the shape rule has accepted these");
        lowering.node(Conv { geometry, epilogue: Epilogue::identity() }, node);
    }
}

/// A convolution's hyperparameters with the types of its input, weight and output.
pub(super) fn generate(generator: &mut Generator) -> (Conv2d, ConvGeometry, [TensorType; 3]) {
    let groups = generator.between(1, 3);
    let [in_channels, out_channels] = [groups * generator.between(1, 3), groups * generator.between(1, 5)];
    let window = generator.window(9);
    let geometry = ConvGeometry { in_channels, out_channels, groups, window };
    let Window { input: [h, w], kernel: [kh, kw], stride, padding, dilation } = window;
    let [oh, ow] = window.output();
    let x = TensorType::batched([in_channels, h, w]);
    let weight = TensorType::fixed([out_channels, geometry.group_in(), kh, kw]);
    let y = TensorType::batched([out_channels, oh, ow]);
    (Conv2d { stride, padding, dilation, groups }, geometry, [x, weight, y])
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let (conv, _, [x, weight, _]) = generate(generator);
        examples.push(Example::of_numbers(conv, [x, weight]));
    }
    let plain = Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
    examples.push(Example::of_numbers(plain, [TensorType::batched([3, 14, 14]), TensorType::fixed([16, 3, 3, 3])]));
    // As wide as the input, with taps that lie more than a vector outside: what dilated convolutions with "same" padding do.
    for (dilation, kernel, side) in [(17, 3, 40), (9, 5, 21), (20, 3, 33), (1, 5, 11)] {
        let padding = [dilation * (kernel / 2); 2];
        let same = Conv2d { padding, dilation: [dilation; 2], ..plain };
        let weight = TensorType::fixed([3, 2, kernel, kernel]);
        examples.push(Example::of_numbers(same, [TensorType::batched([2, 9, side]), weight]));
    }
    let depthwise = Conv2d { groups: 6, ..plain };
    examples.push(Example::of_numbers(depthwise, [TensorType::batched([6, 7, 5]), TensorType::fixed([6, 1, 3, 3])]));
    examples
}
