//! What follows from each step beside learned parameters: running statistics, and sums over the runs of a step.

use super::Real;
use super::rule::{Formula, Rates};

/// A running statistic, whose gradient is the statistic of the step: `p += momentum · (g − p)`. No state tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// How far it follows, 0 … 1.
    pub momentum: f64,
}

impl Formula for Running {
    fn states(&self) -> usize {
        0
    }

    fn flops(&self) -> u64 {
        3
    }

    #[inline(always)]
    fn apply<R: Real>(&self, p: R, g: R, _: &mut [R], _: &Rates<R>) -> R {
        p + p.of(self.momentum) * (g - p)
    }
}

/// The sum over the runs that share a step: `p = g` at its first run, `p += g` at the others. No state tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {}

impl Formula for Sum {
    fn states(&self) -> usize {
        0
    }

    fn flops(&self) -> u64 {
        1
    }

    #[inline(always)]
    fn apply<R: Real>(&self, p: R, g: R, _: &mut [R], rates: &Rates<R>) -> R {
        (p + g).if_positive(rates.continues, g)
    }
}
