//! The gradient behind an activation.

use super::{Activation, Example, Generator, Op, arity, floats, not_differentiable};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr, Unary};
use crate::functions::exact;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `gx = g · slope(v)`. Inputs: `g`, and `v`: the activation's output `y` for the sigmoid (`y · (1 − y)`), the tangent (`1 − y²`)
/// and ReLU6 (1 where `0 < y < 6`, else 0), its input `x` for GELU (`Φ(x) + x · φ(x)`) and SiLU (`s + x · s · (1 − s)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivationGrad {
    /// The activation.
    pub of: Activation,
}

impl ActivationGrad {
    fn slope(self, v: f64) -> f64 {
        match self.of {
            Activation::Sigmoid => v * (1.0 - v),
            Activation::Tanh => 1.0 - v * v,
            Activation::Gelu => exact::gelu_slope(v),
            Activation::Silu => exact::silu_slope(v),
            Activation::Relu6 if v > 0.0 && v < 6.0 => 1.0,
            Activation::Relu6 => 0.0,
        }
    }

    fn expr(self) -> Expr {
        let (g, v, one) = (Expr::Input(0), || Expr::Input(1), Expr::Const(1.0));
        let slope = match self.of {
            Activation::Sigmoid => v().binary(Binary::Mul, one.binary(Binary::Sub, v())),
            Activation::Tanh => one.binary(Binary::Sub, v().binary(Binary::Mul, v())),
            Activation::Gelu => v().unary(Unary::GeluSlope),
            Activation::Silu => v().unary(Unary::SiluSlope),
            Activation::Relu6 => {
                let below = Expr::Const(6.0).binary(Binary::Sub, v());
                return g.binary(Binary::WherePositive, v()).binary(Binary::WherePositive, below);
            }
        };
        g.binary(Binary::Mul, slope)
    }
}

impl Op for ActivationGrad {
    fn name(&self) -> &'static str {
        match self.of {
            Activation::Sigmoid => "sigmoid_grad",
            Activation::Tanh => "tanh_grad",
            Activation::Gelu => "gelu_grad",
            Activation::Silu => "silu_grad",
            Activation::Relu6 => "relu6_grad",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [g, v] = arity(inputs)?;
        floats(v, "values of the activation")?;
        if g != v {
            return Err(Problem::new(format!("wants a gradient of the activation's shape {v}, and was given {g}")));
        }
        Ok(vec![g.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [g, v] = [inputs[0], inputs[1]];
        vec![Tensor::from_fn(g.dims.clone(), |i| g.data[i] * self.slope(v.data[i]))]
    }

    // Second derivatives are not among the ops.
    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        lowering.node(Map { len, expr: self.expr(), operands: vec![Broadcast::Element; 2] }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let each = |of| {
        let ty = TensorType::batched([4, 5]);
        Example::of_numbers(ActivationGrad { of }, [ty.clone(), ty])
    };
    Activation::ALL.map(each).to_vec()
}
