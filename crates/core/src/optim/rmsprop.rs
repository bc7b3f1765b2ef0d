//! RMSprop.

use super::rule::{Formula, Rates};
use super::{Real, decayed};

/// RMSprop (Hinton, "Neural networks for machine learning", lecture 6, 2012), as
/// [PyTorch's `RMSprop`](https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html): `g += weight_decay · p;
/// v = alpha · v + (1 − alpha) · g²; d = √v + eps`, with `centered` (Graves, 2013) `m = m + (g − m) · (1 − alpha); d = √(v − m²) + eps`;
/// `p −= lr · g / d`, with momentum `b = momentum · b + g / d; p −= lr · b`. State tensors `v`, then `m` where it is centered, then `b` where
/// there is momentum, from zero. Where rounding makes `v − m²` negative it counts as 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Decay of the squared gradient's mean, 0 … 1.
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Momentum, 0 … 1.
    pub momentum: f64,
    /// Whether the squared mean of the gradient is taken off.
    pub centered: bool,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
}

impl Formula for RmsProp {
    fn states(&self) -> usize {
        1 + usize::from(self.centered) + usize::from(self.momentum != 0.0)
    }

    fn flops(&self) -> u64 {
        14
    }

    #[inline(always)]
    fn apply<R: Real>(&self, p: R, g: R, state: &mut [R], rates: &Rates<R>) -> R {
        let g = decayed(g, p, self.weight_decay);
        let rest = p.of(1.0 - self.alpha);
        state[0] = p.of(self.alpha) * state[0] + rest * (g * g);
        let mut square = state[0];
        if self.centered {
            state[1] = state[1] + (g - state[1]) * rest;
            let variance = square - state[1] * state[1];
            square = variance.if_positive(variance, p.of(0.0));
        }
        let direction = g / (square.sqrt() + p.of(self.eps));
        match state.last_mut() {
            Some(buffer) if self.momentum != 0.0 => {
                *buffer = p.of(self.momentum) * *buffer + direction;
                p - rates.lr * *buffer
            }
            _ => p - rates.lr * direction,
        }
    }
}
