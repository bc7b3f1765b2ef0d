//! A pool's gradient: reads `gy [N, C, oh, ow]`, for a maximum then `index [N, C, oh, ow]` (u32), then the epilogue's
//! operands; writes `gx [N, C, h, w]`.

use super::{PoolKind, Window};
use crate::expr::Epilogue;
use crate::plan::Flops;
use crate::shape::Extent;

/// Each input element gathers, in row-major order of the windows, from the windows that it lies in: from those whose
/// maximum it was, or an equal share of each.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolGrad {
    /// Maximum or average.
    pub kind: PoolKind,
    /// Channels.
    pub channels: usize,
    /// The forward pool's window.
    pub window: Window,
    /// What is computed on each gathered value before it is stored.
    pub epilogue: Epilogue,
}

impl PoolGrad {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        let outputs = self.channels * self.window.output_len();
        let inputs = self.channels * self.window.input_len();
        let taps = if self.kind == PoolKind::Max { 1 } else { self.window.kernel_len() as u64 };
        Flops::of(taps, &[Extent::Batch(outputs)]) + Flops::of(self.epilogue.expr.flops(), &[Extent::Batch(inputs)])
    }
}
