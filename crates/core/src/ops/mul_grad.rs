//! The gradient of a product's smaller factor.

use super::mul::{Each, Mul};
use super::norm::{Term, channel_sum, sides};
use super::{Example, Generator, Op, arity};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{BatchMean, Reduce};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// `s[j] = Σ g · x` over all elements that `s[j]` is a factor of in [`Mul`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MulGrad {
    /// What the sums are of: a channel, or a channel of a sample.
    pub each: Each,
}

impl Op for MulGrad {
    fn name(&self) -> &'static str {
        "mul_grad"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [g, x] = arity(inputs)?;
        self.each.check(x)?;
        if g != x {
            return Err(Problem::new(format!("wants two tensors of one shape, and was given {g} and {x}")));
        }
        Ok(vec![self.each.of(x)])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let [g, x] = [inputs[0], inputs[1]];
        let ty = TensorType::batched(&x.dims[1..]);
        let along = self.each.broadcast(&ty);
        let mut sums = Tensor::zeros(self.each.of(&ty).resolve(batch.samples));
        g.data.iter().zip(&x.data).enumerate().for_each(|(i, (g, x))| sums.data[along.index(i)] += g * x);
        vec![sums]
    }

    // Linear in each: the other, times what arrives at the sum.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(a) = arriving[0] else { return Ok(vec![None, None]) };
        let mut times = |other| graph.apply1(Mul { each: self.each }, &[other, a]);
        Ok(vec![Some(times(node.inputs[1])?), Some(times(node.inputs[0])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[1]).clone();
        let (expr, operands) = (Expr::Input(0).binary(Binary::Mul, Expr::Input(1)), vec![Broadcast::Element; 2]);
        let (reads, to) = (node.inputs.iter().map(|&v| v.into()).collect(), node.outputs[0].into());
        let [channels, inner] = sides(&x);
        if self.each == Each::Channel {
            return channel_sum(lowering, &x, Term { expr, operands, reads }, 1.0, BatchMean::None, to);
        }
        let planes = Reduce::new(Extent::Batch(channels), Extent::Fixed(inner), Extent::Fixed(1));
        lowering.step(planes.of(expr, operands), reads, [to]);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for dims in [vec![3, 5, 7], vec![4, 2, 2], vec![6]] {
        for each in [Each::Channel, Each::Plane] {
            let x = TensorType::batched(dims.clone());
            examples.push(Example::of_numbers(MulGrad { each }, [x.clone(), x]));
        }
    }
    examples
}
