//! Softmax over channels.

use super::{Example, Generator, Op, SoftmaxGrad, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr, Unary};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{Combine, Map, Reduce};
use crate::lower::{Lowering, TensorId};
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// `y[n, c, …] = exp(x[n, c, …]) / Σ_k exp(x[n, k, …])`: over the first dimension behind the batch, for each place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax;

/// Checks that a value is a batch with channels.
pub(super) fn check(ty: &TensorType) -> std::result::Result<(), Problem> {
    floats(ty, "input")?;
    if ty.batched && !ty.dims.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(format!("wants [N, channels, …], and was given {ty}")))
    }
}

/// A reduction over channels, and how its result lies along the tensor.
pub(super) fn over_channels(ty: &TensorType) -> (Reduce, Extent, Broadcast) {
    let (channels, inner) = (ty.dims[0], ty.dims[1..].iter().product());
    let along = match inner {
        1 => Broadcast::Sample { inner: channels },
        _ => Broadcast::Place { channels, inner },
    };
    let sum = Reduce::new(Extent::Batch(1), Extent::Fixed(channels), Extent::Fixed(inner));
    (sum, Extent::Batch(inner), along)
}

/// Calls `row` with the elements of each sample's place, along the channels.
pub(super) fn by_place(like: &Tensor, mut row: impl FnMut(&[usize])) {
    let (channels, inner) = (like.dims[1], like.dims[2..].iter().product::<usize>());
    for place in 0..like.dims[0] * inner {
        let first = place / inner * channels * inner + place % inner;
        row(&(0..channels).map(|c| first + c * inner).collect::<Vec<_>>());
    }
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        check(x)?;
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let mut y = inputs[0].clone();
        by_place(inputs[0], |row| {
            let largest = row.iter().map(|&i| inputs[0].data[i]).fold(f64::NEG_INFINITY, f64::max);
            let power = |i: usize| (inputs[0].data[i] - largest).exp();
            let sum: f64 = row.iter().map(|&i| power(i)).sum();
            row.iter().for_each(|&i| y.data[i] = power(i) / sum);
        });
        vec![y]
    }

    // dx = y · (g − Σ g · y).
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply1(SoftmaxGrad, &[g, node.outputs[0]])?)])
    }

    // The largest is subtracted, so that no power overflows.
    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let (x, y): (TensorId, TensorId) = (node.inputs[0].into(), node.outputs[0].into());
        let (reduce, places, along) = over_channels(lowering.graph.ty(node.inputs[0]));
        let (largest, sum) = (lowering.temporary(places), lowering.temporary(places));
        let power = Expr::Input(0).binary(Binary::Sub, Expr::Input(1)).unary(Unary::Exp);
        let operands = vec![Broadcast::Element, along];
        lowering.step(reduce.clone().combined(Combine::Max), [x], [largest]);
        lowering.step(reduce.of(power.clone(), operands.clone()), [x, largest], [sum]);
        let expr = power.binary(Binary::Mul, Expr::Input(2).unary(Unary::Reciprocal));
        let operands = [operands, vec![along]].concat();
        lowering.step(Map { len: lowering.extent(y), expr, operands }, [x, largest, sum], [y]);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let shapes = [vec![10], vec![1], vec![5, 3, 4], vec![8, 2, 2], vec![4, 1, 1]];
    shapes.map(|dims| Example::of_numbers(Softmax, [TensorType::batched(dims)])).to_vec()
}
