//! Softmax cross-entropy: reads `logits [N, classes]`, `labels [N]` (u32); writes `losses [N]`.

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
