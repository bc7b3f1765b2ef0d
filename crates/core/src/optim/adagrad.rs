//! Adagrad.

use super::rule::{Formula, Rates};
use super::{Real, decayed};

/// Adagrad ([Duchi, Hazan and Singer, 2011](https://jmlr.org/papers/v12/duchi11a.html)), as
/// [PyTorch's `Adagrad`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html): `g += weight_decay · p; s = s + g²;
/// p −= step_size · g / (√(initial + s) + eps)`, with `step_size = lr / (1 + (t − 1) · lr_decay)` from the step block. One state tensor
/// `s`, from zero: PyTorch's `initial_accumulator_value` is added where it is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// What the sum of squared gradients begins with, 0 or more.
    pub initial: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
}

impl Formula for Adagrad {
    fn states(&self) -> usize {
        1
    }

    fn flops(&self) -> u64 {
        8
    }

    #[inline(always)]
    fn apply<R: Real>(&self, p: R, g: R, state: &mut [R], rates: &Rates<R>) -> R {
        let g = decayed(g, p, self.weight_decay);
        state[0] = state[0] + g * g;
        let sum = if self.initial == 0.0 { state[0] } else { state[0] + p.of(self.initial) };
        p - rates.step_size * g / (sum.sqrt() + p.of(self.eps))
    }
}
