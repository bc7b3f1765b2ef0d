//! A convolution's gradient with respect to its weight, in partial sums: reads `x [N, C, h, w]`, `gy [N, O, oh, ow]`; writes
//! `partial [⌈N/chunk⌉, O, C/groups, kh, kw]`, which a reduce adds up in order.

use super::ConvGeometry;
use crate::plan::Flops;

/// `partial[p, o, c, a, b] = Σ_{n in chunk p, i, j} gy[n, o, i, j] · x[n, c, i·stride − pad + a·dilation, …]`.
///
/// Chunks are fixed numbers of samples, so that the order of summation depends on nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvGradWeight {
    /// Channels and window of the forward convolution.
    pub geometry: ConvGeometry,
    /// Samples in a chunk; the last chunk may hold fewer.
    pub chunk: usize,
}

impl ConvGradWeight {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops { per_sample: self.geometry.flops(), per_run: 0 }
    }
}
