//! A run's figures: reads `logits [N, classes]`, `labels [N]` (u32), `losses [N]`; writes words `4·slot …` of the metrics ring.

use convoke_shaders::metrics as template;
use super::shader::{Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// Writes `[Σ losses as f32 bits, samples whose first largest logit is the label, samples, 1 if a loss was NaN or infinite]`
/// to the four words at `4 · step.slot`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Metrics {
    /// The number of classes.
    pub classes: usize,
}

impl Metrics {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(1, &[Extent::Batch(self.classes)])
    }
}

/// The shader.
impl Metrics {
    /// The kernel as WGSL.
    pub fn shader(&self, _: Target) -> Shader {
        let workgroup = 64;
        let source = template::Params { workgroup: workgroup as u32, classes: self.classes as u32 }.fill(&[]);
        Shader::new(source, [3, 1, 0]).over(workgroup, [(Extent::Fixed(1), 1)])
    }
}
