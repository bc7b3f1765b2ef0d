//! The gradient of softmax cross-entropy: reads `logits [N, classes]`, `labels [N]` (u32), `g [N]`; writes `glogits [N, classes]`.

use convoke_shaders::cross_entropy_grad as template;
use super::shader::{Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// `glogits[n, c] = g[n] · (softmax(logits[n])[c] − (c = labels[n]))`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropyGrad {
    /// The number of classes.
    pub classes: usize,
}

impl CrossEntropyGrad {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(5, &[Extent::Batch(self.classes)])
    }
}

/// The shader.
impl CrossEntropyGrad {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let workgroup = target.tile_workgroup();
        let source = template::Params { workgroup: workgroup as u32, classes: self.classes as u32 }.fill(&[]);
        Shader::new(source, [3, 1, 0]).over(workgroup, [(Extent::Batch(1), 1)])
    }
}
