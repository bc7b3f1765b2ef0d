//! A sum along one axis: reads the operands of what is summed, writes `y [outer, inner]`.

use convoke_shaders::reduce as template;
use super::shader::{self, Shader, Target, expression, factor, lanes};
use super::tiling::TYPICAL_SAMPLES;
use crate::expr::{Broadcast, Expr};
use crate::shape::Extent;
use crate::plan::Flops;

/// What a sum over the batch is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchMean {
    /// Nothing.
    None,
    /// The samples of the global batch, of which a run may hold a part: a loss.
    Global,
    /// The samples of the run at hand: its statistics.
    Held,
}

/// What becomes of the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combine {
    /// Their sum.
    #[default]
    Sum,
    /// The largest.
    Max,
}

/// `y[o, i] = scale · Σ_r term[o, r, i]`, divided as `mean` says. The term is an expression as a [`Map`](super::Map)'s, over
/// elements of `[outer, reduce, inner]`: what is summed need not lie in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// Elements before the axis.
    pub outer: Extent,
    /// The length of the axis.
    pub reduce: Extent,
    /// Elements after the axis.
    pub inner: Extent,
    /// What becomes of the terms; the formula has their sum.
    pub combine: Combine,
    /// A constant factor.
    pub scale: f32,
    /// What the sum is divided by.
    pub mean: BatchMean,
    /// What is summed; `Input(k)` is operand `k`.
    pub term: Expr,
    /// How each operand is indexed.
    pub operands: Vec<Broadcast>,
}

impl Reduce {
    /// The sum of one operand's own elements.
    pub fn new(outer: Extent, reduce: Extent, inner: Extent) -> Self {
        Self { outer, reduce, inner, combine: Combine::Sum, scale: 1.0, mean: BatchMean::None, term: Expr::Input(0), operands: vec![Broadcast::Element] }
    }

    /// Combined in another way than by addition.
    pub fn combined(self, combine: Combine) -> Self {
        Self { combine, ..self }
    }

    /// Times a constant.
    pub fn scaled(self, scale: f32) -> Self {
        Self { scale, ..self }
    }

    /// Divided by samples.
    pub fn mean(self, mean: BatchMean) -> Self {
        Self { mean, ..self }
    }

    /// Of an expression.
    pub fn of(self, term: Expr, operands: Vec<Broadcast>) -> Self {
        Self { term, operands, ..self }
    }

    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(1 + self.term.flops(), &[self.outer, self.reduce, self.inner])
    }
}

/// Sums of which there are fewer than this many, and that are at least as long, are shared by a workgroup each.
const FEW: usize = 256;

/// The shader.
impl Reduce {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let along_axis = self.inner == Extent::Fixed(1);
        let lanes = lanes(&[factor(if along_axis { self.reduce } else { self.inner })]);
        let [outputs, length] = [self.outer.at(TYPICAL_SAMPLES) * self.inner.at(TYPICAL_SAMPLES), self.reduce.at(TYPICAL_SAMPLES)];
        let shared = outputs < FEW && length / lanes >= FEW;
        let workgroup = if shared { 64 } else { target.workgroup() };
        let length = |name: &str, length: Extent| format!("fn {name}() -> u32 {{ return {}; }}\n", shader::extent(length));
        let extents = length("outer", self.outer) + &length("reduced", self.reduce) + &length("inner", self.inner);
        let (start, join) = match self.combine {
            Combine::Sum => ("0.0", "a + b"),
            Combine::Max => ("-3.4028234e38", "max(a, b)"),
        };
        let parts = &["v.x", "v.y", "v.z", "v.w"][..lanes];
        let sum = parts[1..].iter().fold(parts[0].to_string(), |all, part| format!("joined_f32({all}, {part})"));
        let term = expression(&self.term, &self.operands, 2, lanes);
        let result = match along_axis {
            true if lanes > 1 => format!("alias Z = f32;\nconst ALONG_AXIS: bool = true;\nfn z_of(v: Y) -> Z {{ return {sum}; }}"),
            _ => format!("alias Z = Y;\nconst ALONG_AXIS: bool = {along_axis};\nfn z_of(v: Y) -> Z {{ return v; }}"),
        };
        let mean = match self.mean {
            BatchMean::None => "1.0",
            BatchMean::Global => "step.inverse_samples",
            BatchMean::Held => "1.0 / f32(step.samples)",
        };
        let result = result
            + &format!("\nconst START: f32 = {start};\nfn joined(a: Y, b: Y) -> Y {{ return {join}; }}")
            + &format!("\nfn joined_f32(a: f32, b: f32) -> f32 {{ return {join}; }}")
            + &format!("\nfn joined_z(a: Z, b: Z) -> Z {{ return {join}; }}");
        let extents = extents + &format!("fn mean_factor() -> f32 {{ return {mean}; }}\n");
        let params = template::Params {
            workgroup: workgroup as u32,
            scale: self.scale,
            shared_sum: shared,
        };
        let mut slots = vec![("extents", extents.as_str()), ("expression", term.as_str()), ("result", result.as_str())];
        if shared {
            slots.push(("shared", SHARED));
        }
        let inner = (self.inner, if along_axis { 1 } else { lanes });
        let each = (Extent::Fixed(if shared { workgroup } else { 1 }), 1);
        Shader::new(params.fill(&slots), [0, 1, self.operands.len()]).over(workgroup, [(self.outer, 1), inner, each])
    }
}

/// The sum of what a workgroup's threads have, in their order.
const SHARED: &str = "var<workgroup> parts: array<Z, WORKGROUP>;
fn workgroup_sum(value: Z, local: u32) -> Z {
    parts[local] = value;
    workgroupBarrier();
    var sum = Z(START);
    if (local == 0u) {
        for (var i = 0u; i < WORKGROUP; i++) {
            sum = joined_z(sum, parts[i]);
        }
    }
    return sum;
}";
