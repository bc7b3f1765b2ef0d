//! A convolution's gradient with respect to its weight.

use super::conv2d::{for_each_product, generate};
use super::conv2d_grad_input::{forward, types};
use super::{Conv2dGradInput, Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{self, ConvGeometry, ConvGradWeight};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// `gw` from `x` and `gy`, summed over the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dGradWeight {
    /// The forward convolution's channels and window.
    pub geometry: ConvGeometry,
}

impl Conv2dGradWeight {
    /// Samples whose sum one partial holds. Small weights need many partials for the work to be wide; large ones are wide
    /// themselves, and many partials of them would fill the memory.
    fn chunk(&self) -> usize {
        (self.geometry.weight_len() / 2048).clamp(4, 64)
    }
}

impl Op for Conv2dGradWeight {
    fn name(&self) -> &'static str {
        "conv2d_grad_weight"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, gy] = arity(inputs)?;
        floats(gy, "gradient")?;
        let [wanted_x, weight, y] = types(&self.geometry);
        if *x != wanted_x || *gy != y {
            return Err(Problem::new(format!("wants {wanted_x} and {y}, and was given {x} and {gy}")));
        }
        Ok(vec![weight])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let [x, gy] = [inputs[0], inputs[1]];
        let mut gw = Tensor::zeros(types(&self.geometry)[1].dims.clone());
        for_each_product(&self.geometry, batch.samples, |i, k, o| gw.data[k] += x.data[i] * gy.data[o]);
        vec![gw]
    }

    // gw is linear in x and in gy.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let (x, gy) = (node.inputs[0], node.inputs[1]);
        let to_x = graph.apply1(Conv2dGradInput { geometry: self.geometry }, &[gy, g])?;
        let to_gy = graph.apply1(forward(&self.geometry), &[x, g])?;
        Ok(vec![Some(to_x), Some(to_gy)])
    }

    // Partial sums of fixed chunks of samples, then their sum in order.
    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let (geometry, chunk) = (self.geometry, self.chunk());
        let weight = geometry.weight_len();
        let partials = lowering.temporary(Extent::Chunks { samples: chunk, times: weight });
        let inputs = [node.inputs[0].into(), node.inputs[1].into()];
        lowering.step(ConvGradWeight { geometry, chunk }, inputs, [partials]);
        let chunks = Extent::Chunks { samples: chunk, times: 1 };
        let sum = kernels::Reduce::new(Extent::Fixed(1), chunks, Extent::Fixed(weight));
        lowering.step(sum, [partials], [node.outputs[0].into()]);
    }
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let (_, geometry, [x, _, y]) = generate(generator);
        examples.push(Example::of_numbers(Conv2dGradWeight { geometry }, [x, y]));
    }
    examples
}
