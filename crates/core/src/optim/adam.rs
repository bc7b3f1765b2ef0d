//! Adam and AdamW.

use super::rule::{Formula, Rates};
use super::{Real, decayed, shrunk};

/// Adam ([Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980)), as
/// [PyTorch's `Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html): `g += weight_decay · p;
/// m = m + (g − m) · (1 − beta1); v = beta2 · v + (1 − beta2) · g²; p −= step_size · m / (√v · inverse_sqrt_correction + eps)`, with
/// `step_size = lr / (1 − beta1^t)` and `inverse_sqrt_correction = 1 / √(1 − beta2^t)` from the step block. State tensors `m`, `v`, from
/// zero.
///
/// `decoupled` makes it AdamW ([Loshchilov and Hutter, 2017](https://arxiv.org/abs/1711.05101)): the weight decay is
/// `p −= lr · weight_decay · p` before all else, and no part of the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the gradient's mean, 0 … 1.
    pub beta1: f64,
    /// Decay of the squared gradient's mean, 0 … 1.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, or decoupled weight decay.
    pub weight_decay: f64,
    /// Whether the weight decay is AdamW's.
    pub decoupled: bool,
}

impl Formula for Adam {
    fn states(&self) -> usize {
        2
    }

    fn flops(&self) -> u64 {
        12
    }

    #[inline(always)]
    fn apply<R: Real>(&self, p: R, g: R, state: &mut [R], rates: &Rates<R>) -> R {
        let (p, g) = if self.decoupled {
            (shrunk(p, self.weight_decay, rates), g)
        } else {
            (p, decayed(g, p, self.weight_decay))
        };
        // 1 − beta is rounded once: the difference of two numbers in single precision would lose digits.
        state[0] = state[0] + (g - state[0]) * p.of(1.0 - self.beta1);
        state[1] = p.of(self.beta2) * state[1] + p.of(1.0 - self.beta2) * (g * g);
        p - rates.step_size * state[0] / (state[1].sqrt() * rates.inverse_sqrt_correction + p.of(self.eps))
    }
}
