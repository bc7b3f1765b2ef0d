//! Batch norm behind training: with the statistics that were kept.

use super::norm::{check, inverse_deviation, sides};
use super::{Example, Generator, Op, arity, not_differentiable};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::{Lowering, TensorId};
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// `y = (x − mean[c]) / √(variance[c] + eps) · weight[c] + bias[c]`. Inputs: `x [N, C, …]`, then `weight`, `bias`, mean and variance, each `[C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormInference {
    /// Added to the variance.
    pub eps: f32,
}

impl Op for NormInference {
    fn name(&self) -> &'static str {
        "batch_norm_inference"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, weight, bias, mean, variance] = arity(inputs)?;
        check(x, &[weight, bias, mean, variance])?;
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [x, weight, bias, mean, variance] = [0, 1, 2, 3, 4].map(|i| inputs[i]);
        let [channels, inner] = sides(&TensorType::batched(&x.dims[1..]));
        vec![Tensor::from_fn(x.dims.clone(), |i| {
            let c = i / inner % channels;
            let deviation = (variance.data[c] + f64::from(self.eps)).sqrt();
            (x.data[i] - mean.data[c]) / deviation * weight.data[c] + bias.data[c]
        })]
    }

    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    // x · scale + shift with two numbers a channel, which a convolution's epilogue takes in.
    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[0]).clone();
        let [input, weight, bias, mean, variance]: [TensorId; 5] = [0, 1, 2, 3, 4].map(|i| node.inputs[i].into());
        let [channels, inner] = sides(&x);
        let (channel, len) = (Broadcast::Channel { channels, inner }, Extent::Fixed(channels));
        let (add, mul, sub) = (Binary::Add, Binary::Mul, Binary::Sub);
        let [a, b, c] = [0, 1, 2].map(|k| move || Expr::Input(k));
        let [scale, shift] = [lowering.temporary(len), lowering.temporary(len)];
        let mut each_channel = |expr, reads: Vec<TensorId>, to| {
            lowering.step(Map { len, expr, operands: vec![Broadcast::Element; reads.len()] }, reads, [to]);
        };
        each_channel(a().binary(mul, inverse_deviation(b(), self.eps)), vec![weight, variance], scale);
        each_channel(a().binary(sub, b().binary(mul, c())), vec![bias, mean, scale], shift);
        let operands = vec![Broadcast::Element, channel, channel];
        let expr = a().binary(mul, b()).binary(add, c());
        lowering.step(Map { len: x.extent(), expr, operands }, [input, scale, shift], [node.outputs[0].into()]);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let example = |dims: Vec<usize>| {
        let channel = TensorType::fixed([dims[0]]);
        let inputs = [TensorType::batched(dims), channel.clone(), channel.clone(), channel.clone(), channel];
        Example::of_numbers(NormInference { eps: 1.5 }, inputs)
    };
    [vec![3, 5, 7], vec![8, 2, 2], vec![6]].into_iter().map(example).collect()
}
