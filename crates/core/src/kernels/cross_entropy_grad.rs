//! The gradient of softmax cross-entropy: reads `logits [N, classes]`, `labels [N]` (u32) or `targets [N, classes]`, and `g [N]`; writes
//! `glogits [N, classes]`.

use convoke_shaders::cross_entropy_grad as template;
use super::shader::{Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// Against labels, `glogits[n, c] = g[n] · (softmax(logits[n])[c] − (c = labels[n]))`; against `soft` targets,
/// `glogits[n, c] = g[n] · (softmax(logits[n])[c] · Σ targets[n] − targets[n, c])`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropyGrad {
    /// The number of classes.
    pub classes: usize,
    /// Whether a sample has a row of targets instead of a label.
    pub soft: bool,
}

impl CrossEntropyGrad {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(if self.soft { 7 } else { 5 }, &[Extent::Batch(self.classes)])
    }
}

/// The slot `target` for targets.
const SOFT: &str = "@group(0) @binding(2) var<storage, read> targets: array<f32>;
fn target_sum(n: u32) -> f32 {
    var sum = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
        sum += targets[n * CLASSES + c];
    }
    return sum;
}
fn target_of(n: u32, c: u32) -> f32 {
    return targets[n * CLASSES + c];
}";

/// The shader.
impl CrossEntropyGrad {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let workgroup = target.tile_workgroup();
        let slots: &[_] = if self.soft { &[("target", SOFT)] } else { &[] };
        let source = template::Params { workgroup: workgroup as u32, classes: self.classes as u32 }.fill(slots);
        Shader::new(source, [3, 1, 0]).over(workgroup, [(Extent::Batch(1), 1)])
    }
}
