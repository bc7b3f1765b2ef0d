//! Softmax cross-entropy: reads `logits [N, classes]`, and `labels [N]` (u32) or `targets [N, classes]`; writes `losses [N]`.

use convoke_shaders::cross_entropy as template;
use super::shader::{Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// With `log_sum = log Σ_c exp(logits[n, c] − max) + max`: against labels, `losses[n] = log_sum − logits[n, label]`, NaN where a label is not
/// below `classes`; against `soft` targets, `losses[n] = Σ_c targets[n, c] · (log_sum − logits[n, c])`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropy {
    /// The number of classes.
    pub classes: usize,
    /// Whether a sample has a row of targets instead of a label.
    pub soft: bool,
}

impl CrossEntropy {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(if self.soft { 7 } else { 4 }, &[Extent::Batch(self.classes)])
    }
}

/// The slot `loss` for targets.
const SOFT: &str = "@group(0) @binding(2) var<storage, read> targets: array<f32>;
fn loss(n: u32, largest: f32, log_sum: f32) -> f32 {
    var loss = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
        let i = n * CLASSES + c;
        loss += targets[i] * (log_sum - (logits[i] - largest));
    }
    return loss;
}";

/// The shader.
impl CrossEntropy {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let workgroup = target.tile_workgroup();
        let slots: &[_] = if self.soft { &[("loss", SOFT)] } else { &[] };
        let source = template::Params { workgroup: workgroup as u32, classes: self.classes as u32 }.fill(slots);
        Shader::new(source, [2, 1, 0]).over(workgroup, [(Extent::Batch(1), 1)])
    }
}
