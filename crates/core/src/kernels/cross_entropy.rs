//! Softmax cross-entropy: reads `logits [N, classes]`, `labels [N]` (u32); writes `losses [N]`.

use convoke_shaders::cross_entropy as template;
use super::shader::{Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// `losses[n] = log Σ_c exp(logits[n, c] − max) − (logits[n, label] − max)`; NaN where a label is not below `classes`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropy {
    /// The number of classes.
    pub classes: usize,
}

impl CrossEntropy {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(4, &[Extent::Batch(self.classes)])
    }
}

/// The shader.
impl CrossEntropy {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let workgroup = target.tile_workgroup();
        let source = template::Params { workgroup: workgroup as u32, classes: self.classes as u32 }.fill(&[]);
        Shader::new(source, [2, 1, 0]).over(workgroup, [(Extent::Batch(1), 1)])
    }
}
