//! Dropout.

use super::{Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::random::{StreamId, uniform_at};
use crate::reference::{Batch, Draws};
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y = x / (1 − p)` where a random number in 0 … 1 is above `p`, else 0 ([Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html)).
/// The numbers follow from the seed, the step, the sample and the element, so that the backward pass draws them again, and any engine,
/// split or resumed run draws the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share that is dropped, from 0 up to but not including 1.
    pub p: f32,
    /// What tells several dropouts of a network apart.
    pub number: u32,
}

impl Dropout {
    fn stream(&self) -> u32 {
        StreamId::Dropout as u32 | self.number << 8
    }

    /// What is kept is multiplied by this.
    fn scale(&self) -> f32 {
        1.0 / (1.0 - self.p)
    }
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        if !x.batched || !(0.0..1.0).contains(&self.p) {
            let p = self.p;
            return Err(Problem::new(format!("wants a batch, and p from 0 up to but not including 1; was given {x} and {p}")));
        }
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let (x, Draws { seed, step, first_sample }) = (inputs[0], batch.draws);
        let inner: usize = x.dims[1..].iter().product();
        vec![Tensor::from_fn(x.dims.clone(), |i| {
            let sample = first_sample + (i / inner) as u32;
            let drawn = uniform_at(seed, self.stream(), step, sample, (i % inner) as u32);
            if drawn > self.p { x.data[i] * f64::from(self.scale()) } else { 0.0 }
        })]
    }

    // What was dropped passes nothing on: the same numbers are drawn again.
    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply1(*self, &[g])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[0]);
        let drawn = Expr::Uniform { inner: x.inner(), stream: self.stream() };
        let above = drawn.binary(Binary::Sub, Expr::Const(self.p));
        let expr = Expr::Input(0).binary(Binary::Mul, Expr::Const(self.scale())).binary(Binary::WherePositive, above);
        lowering.node(Map { len: x.extent(), expr, operands: vec![Broadcast::Element] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let of = |p, number, dims: Vec<usize>| Example::of_numbers(Dropout { p, number }, [TensorType::batched(dims)]);
    vec![of(0.5, 0, vec![3, 5, 7]), of(0.2, 1, vec![8, 4, 4]), of(0.9, 2, vec![6]), of(0.0, 3, vec![10])]
}
