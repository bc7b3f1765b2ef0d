//! Matrix product: reads `a`, `b`, then the epilogue's operands; writes `c [m, n]`.

use crate::expr::Epilogue;
use crate::shape::Extent;
use crate::plan::Flops;

/// `c[i, j] = epilogue(Σ_k a[i, k] · b[k, j])`, all row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Gemm {
    /// Rows of `c`.
    pub m: Extent,
    /// Columns of `c`.
    pub n: Extent,
    /// The length of the sum.
    pub k: Extent,
    /// `a` lies as `[k, m]` instead of `[m, k]`.
    pub transpose_a: bool,
    /// `b` lies as `[n, k]` instead of `[k, n]`.
    pub transpose_b: bool,
    /// What is computed on each sum before it is stored.
    pub epilogue: Epilogue,
}

impl Gemm {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(2, &[self.m, self.n, self.k]) + Flops::of(self.epilogue.expr.flops(), &[self.m, self.n])
    }
}
