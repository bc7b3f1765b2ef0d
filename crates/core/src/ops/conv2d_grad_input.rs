//! A convolution's gradient with respect to its input: the transposed convolution.

use super::conv2d::{for_each_product, generate};
use super::{Conv2d, Conv2dGradWeight, Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::Epilogue;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{ConvGeometry, ConvGradInput};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `gx` from `gy` and the weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dGradInput {
    /// The forward convolution's channels and window.
    pub geometry: ConvGeometry,
}

/// The hyperparameters of the convolution with that geometry.
pub(super) fn forward(g: &ConvGeometry) -> Conv2d {
    let w = g.window;
    Conv2d { stride: w.stride, padding: w.padding, dilation: w.dilation, groups: g.groups }
}

/// The types of the convolution's input, weight and output.
pub(super) fn types(g: &ConvGeometry) -> [TensorType; 3] {
    let ([h, w], [kh, kw], [oh, ow]) = (g.window.input, g.window.kernel, g.window.output());
    let x = TensorType::batched([g.in_channels, h, w]);
    let weight = TensorType::fixed([g.out_channels, g.group_in(), kh, kw]);
    [x, weight, TensorType::batched([g.out_channels, oh, ow])]
}

impl Op for Conv2dGradInput {
    fn name(&self) -> &'static str {
        "conv2d_grad_input"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [gy, weight] = arity(inputs)?;
        floats(gy, "gradient")?;
        let [x, wanted_weight, y] = types(&self.geometry);
        if *gy != y || *weight != wanted_weight {
            return Err(Problem::new(format!("wants {y} and {wanted_weight}, and was given {gy} and {weight}")));
        }
        Ok(vec![x])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let [gy, weight] = [inputs[0], inputs[1]];
        let mut gx = Tensor::zeros(types(&self.geometry)[0].resolve(batch.samples));
        for_each_product(&self.geometry, batch.samples, |i, k, o| gx.data[i] += gy.data[o] * weight.data[k]);
        vec![gx]
    }

    // gx is linear in gy (its transpose is the convolution itself) and in the weight.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let (gy, weight) = (node.inputs[0], node.inputs[1]);
        let to_gy = graph.apply1(forward(&self.geometry), &[g, weight])?;
        let to_weight = graph.apply1(Conv2dGradWeight { geometry: self.geometry }, &[g, gy])?;
        Ok(vec![Some(to_gy), Some(to_weight)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        lowering.node(ConvGradInput { geometry: self.geometry, epilogue: Epilogue::identity() }, node);
    }
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let (_, geometry, [_, weight, y]) = generate(generator);
        examples.push(Example::of_numbers(Conv2dGradInput { geometry }, [y, weight]));
    }
    examples
}
