//! A pointwise expression: reads its operands; writes one tensor.

use crate::expr::{Broadcast, Expr};
use crate::shape::Extent;
use crate::plan::Flops;

/// `y[i] = expr(operand_0[broadcast_0(i)], operand_1[broadcast_1(i)], …)` for each `i < len`.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The number of elements that are written.
    pub len: Extent,
    /// The expression; `Input(k)` is operand `k`.
    pub expr: Expr,
    /// How each operand is indexed.
    pub operands: Vec<Broadcast>,
}

impl Map {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(self.expr.flops(), &[self.len])
    }
}
