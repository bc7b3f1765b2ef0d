//! Convolution: reads `x [N, C, h, w]`, `weight [O, C/groups, kh, kw]`, then the epilogue's operands; writes `y [N, O, oh, ow]`.

use super::ConvGeometry;
use crate::expr::Epilogue;
use crate::plan::Flops;
use crate::shape::Extent;

/// `y[n, o, i, j] = epilogue(Σ_{c, a, b} x[n, c, i·stride − pad + a·dilation, …] · weight[o, c, a, b])`: a cross-correlation, as in PyTorch.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Channels and window.
    pub geometry: ConvGeometry,
    /// What is computed on each sum before it is stored.
    pub epilogue: Epilogue,
}

impl Conv {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops { per_sample: self.geometry.flops(), per_run: 0 }
            + Flops::of(self.epilogue.expr.flops(), &[Extent::Batch(self.geometry.output_len())])
    }
}
