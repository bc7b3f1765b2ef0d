//! The gate: reads `gradients [len]`, `metrics` (the ring, words); in place `flag` (one u32).

use crate::plan::Flops;
use crate::shape::Extent;

/// Sets `flag`, where it is 0, to `step.number` (1 if that is 0) when any gradient, or this run's losses (word 3 of its metrics), is NaN or infinite, by the bits of the
/// exponent, for adapters may assume that there are none. It never clears it: after a broken step no later one
/// changes a weight either, until the host clears the flag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finite {
    /// The number of gradients, padding included.
    pub len: usize,
}

impl Finite {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(1, &[Extent::Fixed(self.len)])
    }
}
