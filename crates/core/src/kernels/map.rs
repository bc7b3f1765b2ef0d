//! A pointwise expression: reads its operands; writes one tensor.

use convoke_shaders::map as template;
use super::shader::{self, Shader, Target, expression, factor, lanes};
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

/// The shader.
impl Map {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let lanes = lanes(&[factor(self.len)]);
        let workgroup = target.workgroup();
        let length = format!("fn length() -> u32 {{ return {}; }}", shader::extent(self.len));
        let source = template::Params { workgroup: workgroup as u32 }
            .fill(&[("length", &length), ("expression", &expression(&self.expr, &self.operands, 2, lanes))]);
        Shader::new(source, [0, 1, self.operands.len()]).over(workgroup, [(self.len, lanes)])
    }
}
