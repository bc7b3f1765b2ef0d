//! A sum along one axis: reads `x [outer, reduce, inner]`, writes `y [outer, inner]`.

use convoke_shaders::reduce as template;
use super::shader::{self, Shader, Target, factor, lanes, vector};
use super::tiling::TYPICAL_SAMPLES;
use crate::shape::Extent;
use crate::plan::Flops;

/// `y[o, i] = scale · Σ_r x[o, r, i]`, and divided by the samples of the global batch where `mean_over_batch` is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// Elements before the axis.
    pub outer: Extent,
    /// The length of the axis.
    pub reduce: Extent,
    /// Elements after the axis.
    pub inner: Extent,
    /// A constant factor.
    pub scale: f32,
    /// Whether the sum is also multiplied by `1 / (samples of the global batch)`.
    pub mean_over_batch: bool,
}

impl Reduce {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(1, &[self.outer, self.reduce, self.inner])
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
        let sum = ["v.x", "v.y", "v.z", "v.w"][..lanes].join(" + ");
        let ty = vector("f32", lanes);
        let x = format!("alias X = {ty};\nconst X_LANES: u32 = {lanes}u;");
        let y = match along_axis {
            true if lanes > 1 => format!("alias Y = f32;\nconst ALONG_AXIS: bool = true;\nfn y_of(v: X) -> Y {{ return {sum}; }}"),
            _ => format!("alias Y = X;\nconst ALONG_AXIS: bool = {along_axis};\nfn y_of(v: X) -> Y {{ return v; }}"),
        };
        let params = template::Params {
            workgroup: workgroup as u32,
            scale: self.scale,
            mean_over_batch: self.mean_over_batch,
            shared_sum: shared,
        };
        let mut slots = vec![("extents", extents.as_str()), ("x", x.as_str()), ("y", y.as_str())];
        if shared {
            slots.push(("shared", SHARED));
        }
        let inner = (self.inner, if along_axis { 1 } else { lanes });
        let each = (Extent::Fixed(if shared { workgroup } else { 1 }), 1);
        Shader::new(params.fill(&slots), [1, 1, 0]).over(workgroup, [(self.outer, 1), inner, each])
    }
}

/// The sum of what a workgroup's threads have, in their order.
const SHARED: &str = "var<workgroup> parts: array<Y, WORKGROUP>;
fn workgroup_sum(value: Y, local: u32) -> Y {
    parts[local] = value;
    workgroupBarrier();
    var sum = Y();
    if (local == 0u) {
        for (var i = 0u; i < WORKGROUP; i++) {
            sum += parts[i];
        }
    }
    return sum;
}";
