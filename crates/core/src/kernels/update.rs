//! The optimizer's step on all parameters at once: reads `gradients [len]`, `flag` (one u32); in place `parameters [len]` and
//! the rule's state tensors, each `[len]`. Where `flag` is not 0 nothing is written.

use crate::plan::Flops;
use crate::shape::Extent;

/// An update rule with its constants. The learning rate and the bias corrections come from the step block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent, as [PyTorch's `SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html):
    /// `g += weight_decay · p; v = momentum · v + g; p −= lr · v` (with `nesterov`: `p −= lr · (g + momentum · v)`).
    /// One state tensor `v`, from zero; none where `momentum` is 0.
    Sgd {
        /// Momentum, 0 … 1.
        momentum: f32,
        /// Whether Nesterov's look-ahead is used.
        nesterov: bool,
        /// L2 penalty, added to the gradient.
        weight_decay: f32,
    },
    /// Adam ([Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980)), as PyTorch's `Adam`: `g += weight_decay · p;
    /// m = m + (g − m) · (1 − beta1); v = beta2 · v + (1 − beta2) · g²; p −= step_size · m / (√v · inverse_sqrt_correction + eps)`, with
    /// `step_size = lr / (1 − beta1^t)` and `inverse_sqrt_correction = 1 / √(1 − beta2^t)` from the step block. State tensors `m`, `v`, from zero.
    Adam {
        /// Decay of the gradient's mean, 0 … 1.
        beta1: f32,
        /// Decay of the squared gradient's mean, 0 … 1.
        beta2: f32,
        /// `1 − beta1`, rounded once: the difference of two single-precision numbers would lose digits.
        one_minus_beta1: f32,
        /// `1 − beta2`, rounded once.
        one_minus_beta2: f32,
        /// Added to the denominator.
        eps: f32,
        /// L2 penalty, added to the gradient.
        weight_decay: f32,
    },
}

impl Rule {
    /// The number of state tensors that the rule keeps beside the parameters.
    pub fn states(&self) -> usize {
        match self {
            Self::Sgd { momentum, .. } => usize::from(*momentum != 0.0),
            Self::Adam { .. } => 2,
        }
    }
}

/// One dispatch over all parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The rule.
    pub rule: Rule,
    /// The number of parameters, padding included.
    pub len: usize,
}

impl Update {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        let each = match self.rule {
            Rule::Sgd { .. } => 4,
            Rule::Adam { .. } => 12,
        };
        Flops::of(each, &[Extent::Fixed(self.len)])
    }
}
