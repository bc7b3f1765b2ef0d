//! Functions of one element, smooth or bounded: what stands behind a layer in place of a ReLU.

use super::{ActivationGrad, Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr, Unary};
use crate::functions::exact;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y = f(x)` for each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `1 / (1 + e⁻ˣ)`
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x · Φ(x)`, with the normal distribution function: the exact GELU, which is PyTorch's default.
    Gelu,
    /// `x / (1 + e⁻ˣ)`
    Silu,
    /// `min(max(x, 0), 6)`
    Relu6,
}

impl Activation {
    pub(super) const ALL: [Self; 5] = [Self::Sigmoid, Self::Tanh, Self::Gelu, Self::Silu, Self::Relu6];

    /// Whether the slope is computed from the output: then the input need not be kept for it.
    pub(super) fn slope_of_output(self) -> bool {
        matches!(self, Self::Sigmoid | Self::Tanh | Self::Relu6)
    }

    fn value(self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => exact::sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Gelu => exact::gelu(x),
            Self::Silu => exact::silu(x),
            Self::Relu6 => x.clamp(0.0, 6.0),
        }
    }

    fn expr(self) -> Expr {
        Expr::Input(0).unary(match self {
            Self::Sigmoid => Unary::Sigmoid,
            Self::Tanh => Unary::Tanh,
            Self::Gelu => Unary::Gelu,
            Self::Silu => Unary::Silu,
            Self::Relu6 => return Expr::Input(0).unary(Unary::Relu).binary(Binary::Min, Expr::Const(6.0)),
        })
    }
}

impl Op for Activation {
    fn name(&self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Relu6 => "relu6",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        vec![Tensor::from_fn(inputs[0].dims.clone(), |i| self.value(inputs[0].data[i]))]
    }

    // dx = g · f′(x).
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let of = if self.slope_of_output() { node.outputs[0] } else { node.inputs[0] };
        Ok(vec![Some(graph.apply1(ActivationGrad { of: *self }, &[g, of])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        lowering.node(Map { len, expr: self.expr(), operands: vec![Broadcast::Element] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let each = |op| [TensorType::batched([3, 5, 7]), TensorType::fixed([6])].map(|ty| Example::of_numbers(op, [ty]));
    Activation::ALL.into_iter().flat_map(each).collect()
}
