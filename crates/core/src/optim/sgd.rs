//! Stochastic gradient descent.

use super::rule::{Formula, Rates};
use super::{Real, decayed};

/// Stochastic gradient descent, as [PyTorch's `SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html):
/// `g += weight_decay · p; v = momentum · v + g; p −= lr · v` (with `nesterov`: `p −= lr · (g + momentum · v)`).
/// One state tensor `v`, from zero; none where `momentum` is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Momentum, 0 … 1.
    pub momentum: f64,
    /// Whether Nesterov's look-ahead is used.
    pub nesterov: bool,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
}

impl Formula for Sgd {
    fn states(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn flops(&self) -> u64 {
        4
    }

    #[inline(always)]
    fn apply<R: Real>(&self, p: R, g: R, state: &mut [R], rates: &Rates<R>) -> R {
        let g = decayed(g, p, self.weight_decay);
        let [v] = state else { return p - rates.lr * g };
        let momentum = p.of(self.momentum);
        *v = momentum * *v + g;
        p - rates.lr * if self.nesterov { g + momentum * *v } else { *v }
    }
}
