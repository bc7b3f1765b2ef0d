//! One number a channel, added to all of the channel.

use super::{Example, Generator, Op, Reduce, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::ops::Keep;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y[n, c, …] = x[n, c, …] + b[c]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bias;

/// How an operand with one element a channel lies along a tensor of that type.
pub(super) fn along_channels(ty: &TensorType) -> Broadcast {
    Broadcast::Channel { channels: ty.dims[0], inner: ty.dims[1..].iter().product() }
}

impl Op for Bias {
    fn name(&self) -> &'static str {
        "bias"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, b] = arity(inputs)?;
        floats(x, "input")?;
        if !x.batched || x.dims.is_empty() || *b != TensorType::fixed([x.dims[0]]) {
            return Err(Problem::new(format!("wants one number a channel of {x}, and was given {b}")));
        }
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [x, b] = [inputs[0], inputs[1]];
        let inner: usize = x.dims[2..].iter().product();
        vec![Tensor::from_fn(x.dims.clone(), |i| x.data[i] + b.data[i / inner % x.dims[1]])]
    }

    // dy = dx + db: the bias gathers what arrives at its channel.
    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let to_bias = graph.apply1(Reduce { keep: Keep::Channel, mean: false }, &[g])?;
        Ok(vec![Some(g), Some(to_bias)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[0]);
        let operands = vec![Broadcast::Element, along_channels(x)];
        let expr = Expr::Input(0).binary(Binary::Add, Expr::Input(1));
        lowering.node(Map { len: x.extent(), expr, operands }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    vec![
        Example::of_numbers(Bias, [TensorType::batched([3, 5, 7]), TensorType::fixed([3])]),
        Example::of_numbers(Bias, [TensorType::batched([11]), TensorType::fixed([11])]),
    ]
}
