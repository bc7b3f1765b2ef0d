//! Lion.

use super::rule::{Formula, Rates};
use super::{Real, shrunk};

/// Lion ([Chen et al., 2023](https://arxiv.org/abs/2302.06675), algorithm 2): `c = beta1 · m + (1 − beta1) · g;
/// p −= lr · (sign(c) + weight_decay · p); m = beta2 · m + (1 − beta2) · g`. One state tensor `m`, from zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lion {
    /// How much of the mean there is in the direction, 0 … 1.
    pub beta1: f64,
    /// Decay of the gradient's mean, 0 … 1.
    pub beta2: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

impl Formula for Lion {
    fn states(&self) -> usize {
        1
    }

    fn flops(&self) -> u64 {
        10
    }

    #[inline(always)]
    fn apply<R: Real>(&self, p: R, g: R, state: &mut [R], rates: &Rates<R>) -> R {
        let direction = p.of(self.beta1) * state[0] + p.of(1.0 - self.beta1) * g;
        state[0] = p.of(self.beta2) * state[0] + p.of(1.0 - self.beta2) * g;
        shrunk(p, self.weight_decay, rates) - rates.lr * direction.sign()
    }
}
