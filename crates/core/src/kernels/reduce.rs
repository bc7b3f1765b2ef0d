//! A sum along one axis: reads `x [outer, reduce, inner]`, writes `y [outer, inner]`.

use crate::shape::Extent;
use crate::plan::Flops;

/// `y[o, i] = scale · Σ_r x[o, r, i]`, and divided by the samples of the global batch where `mean_over_batch` is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// Elements before the axis.
    pub outer: Extent,
    /// The length of the axis.
    pub reduce: Extent,
    /// Elements after the axis.
    pub inner: Extent,
    /// A constant factor.
    pub scale: f32,
    /// Whether the sum is also multiplied by `1 / (samples of the global batch)`.
    pub mean_over_batch: bool,
}

impl Reduce {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(1, &[self.outer, self.reduce, self.inner])
    }
}
