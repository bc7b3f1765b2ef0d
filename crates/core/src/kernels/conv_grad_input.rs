//! A convolution's gradient with respect to its input: reads `gy [N, O, oh, ow]`, `weight`, then the epilogue's operands; writes `gx [N, C, h, w]`.

use super::ConvGeometry;
use crate::expr::Epilogue;
use crate::plan::Flops;
use crate::shape::Extent;

/// `gx[n, c, r, s] = epilogue(Σ gy[n, o, i, j] · weight[o, c, a, b])` over all `(o, i, j, a, b)` whose tap lies on `(c, r, s)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvGradInput {
    /// Channels and window of the forward convolution.
    pub geometry: ConvGeometry,
    /// What is computed on each sum before it is stored.
    pub epilogue: Epilogue,
}

impl ConvGradInput {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops { per_sample: self.geometry.flops(), per_run: 0 }
            + Flops::of(self.epilogue.expr.flops(), &[Extent::Batch(self.geometry.input_len())])
    }
}
