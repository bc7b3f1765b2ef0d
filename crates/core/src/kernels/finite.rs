//! The gate: reads `gradients [len]`, `metrics` (the ring, words); in place `flag` (one u32).

/// Sets `flag` to 1 where any gradient, or this run's losses (word 3 of its metrics), is NaN or infinite, by the bits of the
/// exponent, for adapters may assume that there are none. It never clears it: after a broken step no later one
/// changes a weight either, until the host clears the flag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finite {
    /// The number of gradients, padding included.
    pub len: usize,
}
