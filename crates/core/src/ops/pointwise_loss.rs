//! Losses of single numbers against targets: squared, absolute, Huber's, binary cross-entropy.

use super::{Example, Fill, Generator, Op, PointwiseLossGrad, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr, Unary};
use crate::functions::exact;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Map;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// A loss of one number `x` against its target `t`; `d` is `x − t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pointwise {
    /// `d²`: PyTorch's `mse_loss`.
    Squared,
    /// `|d|`: PyTorch's `l1_loss`. Its slope at 0 is 0.
    Absolute,
    /// `d² / 2` where `|d| ≤ delta`, else `delta · (|d| − delta / 2)`: PyTorch's `huber_loss`.
    Huber {
        /// Where it goes over from squared to absolute, above 0.
        delta: f32,
    },
    /// `−t · log σ(x) − (1 − t) · log(1 − σ(x))`, with the logistic function σ: PyTorch's `binary_cross_entropy_with_logits`.
    BinaryCrossEntropy,
}

impl Pointwise {
    /// The loss.
    pub(super) fn value(self, x: f64, t: f64) -> f64 {
        let d = x - t;
        match self {
            Self::Squared => d * d,
            Self::Absolute => d.abs(),
            Self::Huber { delta } => {
                let delta = f64::from(delta);
                if d.abs() <= delta { d * d / 2.0 } else { delta * (d.abs() - delta / 2.0) }
            }
            // That is log(1 + eˣ) − x·t.
            Self::BinaryCrossEntropy => exact::softplus(x) - x * t,
        }
    }

    /// Its derivative by `x`.
    pub(super) fn slope(self, x: f64, t: f64) -> f64 {
        let d = x - t;
        match self {
            Self::Squared => 2.0 * d,
            Self::Absolute if d == 0.0 => 0.0,
            Self::Absolute => d.signum(),
            Self::Huber { delta } => d.clamp(-f64::from(delta), f64::from(delta)),
            Self::BinaryCrossEntropy => exact::sigmoid(x) - t,
        }
    }

    /// The loss as an expression over `Input(0) = x` and `Input(1) = t`.
    fn value_expr(self) -> Expr {
        let half = |e: Expr| e.binary(Binary::Mul, Expr::Const(0.5));
        match self {
            Self::Squared => difference().binary(Binary::Mul, difference()),
            Self::Absolute => difference()
                .unary(Unary::Relu)
                .binary(Binary::Add, difference().unary(Unary::Neg).unary(Unary::Relu)),
            // With c = d, cut at ±delta: c · (d − c / 2).
            Self::Huber { delta } => {
                let rest = difference().binary(Binary::Sub, half(cut(delta)));
                cut(delta).binary(Binary::Mul, rest)
            }
            Self::BinaryCrossEntropy => {
                let product = Expr::Input(0).binary(Binary::Mul, Expr::Input(1));
                Expr::Input(0).unary(Unary::Softplus).binary(Binary::Sub, product)
            }
        }
    }

    /// The derivative as an expression over the same inputs.
    pub(super) fn slope_expr(self) -> Expr {
        let positive = |e: Expr| Expr::Const(1.0).binary(Binary::WherePositive, e);
        match self {
            Self::Squared => Expr::Const(2.0).binary(Binary::Mul, difference()),
            Self::Absolute => {
                positive(difference()).binary(Binary::Sub, positive(difference().unary(Unary::Neg)))
            }
            Self::Huber { delta } => cut(delta),
            Self::BinaryCrossEntropy => Expr::Input(0).unary(Unary::Sigmoid).binary(Binary::Sub, Expr::Input(1)),
        }
    }
}

/// `x − t`.
fn difference() -> Expr {
    Expr::Input(0).binary(Binary::Sub, Expr::Input(1))
}

/// The difference, cut at `±delta`: exactly the difference in between.
fn cut(delta: f32) -> Expr {
    let above = difference().binary(Binary::Sub, Expr::Const(delta)).unary(Unary::Relu);
    let below = Expr::Const(-delta).binary(Binary::Sub, difference()).unary(Unary::Relu);
    difference().binary(Binary::Sub, above).binary(Binary::Add, below)
}

/// `y[i] = loss(x[i], t[i])`. Targets are data, as labels are: no gradient goes to them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointwiseLoss {
    /// Which loss.
    pub loss: Pointwise,
}

impl Op for PointwiseLoss {
    fn name(&self) -> &'static str {
        "pointwise_loss"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, t] = arity(inputs)?;
        floats(x, "input")?;
        if x != t {
            return Err(Problem::new(format!("wants a target for each number of {x}, and was given {t}")));
        }
        Ok(vec![x.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [x, t] = [inputs[0], inputs[1]];
        vec![Tensor::from_fn(x.dims.clone(), |i| self.loss.value(x.data[i], t.data[i]))]
    }

    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let inputs = [node.inputs[0], node.inputs[1], g];
        Ok(vec![Some(graph.apply1(PointwiseLossGrad { loss: self.loss }, &inputs)?), None])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let len = lowering.extent(node.outputs[0].into());
        lowering.node(Map { len, expr: self.loss.value_expr(), operands: vec![Broadcast::Element; 2] }, node);
    }
}

/// All of them.
pub(super) const ALL: [Pointwise; 5] = [
    Pointwise::Squared,
    Pointwise::Absolute,
    Pointwise::Huber { delta: 1.0 },
    Pointwise::Huber { delta: 0.25 },
    Pointwise::BinaryCrossEntropy,
];

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let example = |loss| {
        let ty = TensorType::batched([7]);
        let inputs = vec![(ty.clone(), Fill::Numbers), (ty, Fill::Shares)];
        Example { inputs, ..Example::of_numbers(PointwiseLoss { loss }, []) }
    };
    ALL.map(example).to_vec()
}
