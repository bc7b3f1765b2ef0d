//! The gradient of softmax cross-entropy: reads `logits [N, classes]`, `labels [N]` (u32), `g [N]`; writes `glogits [N, classes]`.

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
