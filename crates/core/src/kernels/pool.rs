//! Pooling: reads `x [N, C, h, w]`, writes `y [N, C, oh, ow]`; a maximum also writes `index [N, C, oh, ow]` (u32).

use super::Window;
use crate::plan::Flops;
use crate::shape::Extent;

/// Which value stands for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest; the first in row-major order where several are, NaN where there is one. Padding is never chosen.
    Max,
    /// The mean over `kernel height × kernel width`, padding counted as zeros (PyTorch's `count_include_pad=True`).
    Average,
}

/// One value for each window of each channel.
///
/// `index` is the position `row · w + column` of the maximum in its channel's plane, as PyTorch's `return_indices`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    /// Maximum or average.
    pub kind: PoolKind,
    /// Channels.
    pub channels: usize,
    /// The window.
    pub window: Window,
}

impl Pool {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        let outputs = self.channels * self.window.output_len();
        Flops::of(self.window.kernel_len() as u64, &[Extent::Batch(outputs)])
    }
}
