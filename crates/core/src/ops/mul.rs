//! A product, of which one factor may have fewer elements.

use super::{Example, Generator, MulGrad, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// What the second factor of a product has one element for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    /// Every element: both have one shape.
    Element,
    /// Every channel, `[C]`: a learned scale.
    Channel,
    /// Every channel of every sample, `[N, C]`: an excitation.
    Plane,
}

impl Each {
    /// The second factor's type, of the first one's.
    pub(super) fn of(self, x: &TensorType) -> TensorType {
        match self {
            Self::Element => x.clone(),
            Self::Channel => TensorType::fixed([x.dims[0]]),
            Self::Plane => TensorType::batched([x.dims[0]]),
        }
    }

    /// How the second factor lies along the first.
    pub(super) fn broadcast(self, x: &TensorType) -> Broadcast {
        let inner = x.dims[1..].iter().product();
        match self {
            Self::Element => Broadcast::Element,
            Self::Channel => Broadcast::Channel { channels: x.dims[0], inner },
            Self::Plane => Broadcast::Sample { inner },
        }
    }

    /// Checks that `x` has channels, where that matters.
    pub(super) fn check(self, x: &TensorType) -> std::result::Result<(), Problem> {
        floats(x, "factors")?;
        if self != Self::Element && (!x.batched || x.dims.is_empty()) {
            return Err(Problem::new(format!("wants a batch with channels, and was given {x}")));
        }
        Ok(())
    }
}

/// `y = x · s`, with an element of `s` for each of `x`, for each channel, or for each channel of each sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mul {
    /// What `s` has elements for.
    pub each: Each,
}

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, s] = arity(inputs)?;
        self.each.check(x)?;
        let wanted = self.each.of(x);
        if *s != wanted {
            return Err(Problem::new(format!("wants factors of {x} and {wanted}, and was given {s}")));
        }
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [x, s] = [inputs[0], inputs[1]];
        let along = self.each.broadcast(&TensorType::batched(&x.dims[1..]));
        vec![Tensor::from_fn(x.dims.clone(), |i| x.data[i] * s.data[along.index(i)])]
    }

    // d(x · s) = s · dx + x · ds
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let (x, s) = (node.inputs[0], node.inputs[1]);
        let to_x = graph.apply1(*self, &[g, s])?;
        let to_s = match self.each {
            Each::Element => graph.apply1(*self, &[g, x])?,
            each => graph.apply1(MulGrad { each }, &[g, x])?,
        };
        Ok(vec![Some(to_x), Some(to_s)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[0]);
        let operands = vec![Broadcast::Element, self.each.broadcast(x)];
        let expr = Expr::Input(0).binary(Binary::Mul, Expr::Input(1));
        lowering.node(Map { len: x.extent(), expr, operands }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for dims in [vec![3, 5, 7], vec![4, 2, 2], vec![6]] {
        for each in [Each::Element, Each::Channel, Each::Plane] {
            let x = TensorType::batched(dims.clone());
            examples.push(Example::of_numbers(Mul { each }, [x.clone(), each.of(&x)]));
        }
    }
    examples
}
