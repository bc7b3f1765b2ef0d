//! The optimizers that users choose from.

use serde::{Deserialize, Serialize};

use super::{Adagrad, Adam, Lion, OptimizerOptions, Rates, RmsProp, Rule, Sgd};
use crate::step::Step;

/// An optimizer with its constants. The update formulas stand at each [`Rule`]. It is written and read as [`OptimizerOptions`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "OptimizerOptions", into = "OptimizerOptions")]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum: [`Sgd`].
    Sgd {
        /// The learning rate, above 0.
        lr: f64,
        /// Momentum, from 0 up to but not including 1.
        momentum: f64,
        /// Nesterov's look-ahead, which needs momentum.
        nesterov: bool,
        /// L2 penalty, 0 or more.
        weight_decay: f64,
    },
    /// Adam: [`Adam`](struct@Adam).
    Adam {
        /// The learning rate, above 0.
        lr: f64,
        /// Decay of the gradient's mean, from 0 up to but not including 1.
        beta1: f64,
        /// Decay of the squared gradient's mean, from 0 up to but not including 1.
        beta2: f64,
        /// Added to the denominator, above 0.
        eps: f64,
        /// L2 penalty, 0 or more.
        weight_decay: f64,
    },
    /// AdamW, Adam with decoupled weight decay: [`Adam`](struct@Adam).
    AdamW {
        /// The learning rate, above 0.
        lr: f64,
        /// Decay of the gradient's mean, from 0 up to but not including 1.
        beta1: f64,
        /// Decay of the squared gradient's mean, from 0 up to but not including 1.
        beta2: f64,
        /// Added to the denominator, above 0.
        eps: f64,
        /// Decoupled weight decay, 0 or more.
        weight_decay: f64,
    },
    /// RMSprop: [`RmsProp`](struct@RmsProp).
    RmsProp {
        /// The learning rate, above 0.
        lr: f64,
        /// Decay of the squared gradient's mean, from 0 up to but not including 1.
        alpha: f64,
        /// Added to the denominator, above 0.
        eps: f64,
        /// Momentum, from 0 up to but not including 1.
        momentum: f64,
        /// Whether the squared mean of the gradient is taken off.
        centered: bool,
        /// L2 penalty, 0 or more.
        weight_decay: f64,
    },
    /// Adagrad: [`Adagrad`](struct@Adagrad).
    Adagrad {
        /// The learning rate, above 0.
        lr: f64,
        /// How the rate falls: step `t` has `lr / (1 + (t − 1) · lr_decay)`; 0 or more.
        lr_decay: f64,
        /// Added to the denominator, above 0.
        eps: f64,
        /// What the sum of squared gradients begins with, 0 or more.
        initial_accumulator_value: f64,
        /// L2 penalty, 0 or more.
        weight_decay: f64,
    },
    /// Lion: [`Lion`](struct@Lion).
    Lion {
        /// The learning rate, above 0.
        lr: f64,
        /// How much of the mean there is in the direction, from 0 up to but not including 1.
        beta1: f64,
        /// Decay of the gradient's mean, from 0 up to but not including 1.
        beta2: f64,
        /// Decoupled weight decay, 0 or more.
        weight_decay: f64,
    },
}

impl Default for Optimizer {
    /// SGD with learning rate 0.01 and momentum 0.9.
    fn default() -> Self {
        Self::sgd(0.01, 0.9)
    }
}

impl Optimizer {
    /// SGD without Nesterov's look-ahead and without weight decay.
    pub fn sgd(lr: f64, momentum: f64) -> Self {
        Self::Sgd { lr, momentum, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with the constants of its paper.
    pub fn adam(lr: f64) -> Self {
        Self::Adam { lr, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
    }

    /// AdamW with the constants of its paper.
    pub fn adamw(lr: f64, weight_decay: f64) -> Self {
        Self::AdamW { lr, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay }
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        match *self {
            Self::Sgd { lr, .. }
            | Self::Adam { lr, .. }
            | Self::AdamW { lr, .. }
            | Self::RmsProp { lr, .. }
            | Self::Adagrad { lr, .. }
            | Self::Lion { lr, .. } => lr,
        }
    }

    /// The weight decay.
    pub fn weight_decay(&self) -> f64 {
        match *self {
            Self::Sgd { weight_decay, .. }
            | Self::Adam { weight_decay, .. }
            | Self::AdamW { weight_decay, .. }
            | Self::RmsProp { weight_decay, .. }
            | Self::Adagrad { weight_decay, .. }
            | Self::Lion { weight_decay, .. } => weight_decay,
        }
    }

    /// The same with another weight decay.
    #[must_use]
    pub fn with_weight_decay(mut self, decay: f64) -> Self {
        match &mut self {
            Self::Sgd { weight_decay, .. }
            | Self::Adam { weight_decay, .. }
            | Self::AdamW { weight_decay, .. }
            | Self::RmsProp { weight_decay, .. }
            | Self::Adagrad { weight_decay, .. }
            | Self::Lion { weight_decay, .. } => *weight_decay = decay,
        }
        self
    }

    /// The rule that kernels apply.
    pub fn rule(&self) -> Rule {
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay, .. } => Sgd { momentum, nesterov, weight_decay }.into(),
            Self::Adam { beta1, beta2, eps, weight_decay, .. } => {
                Adam { beta1, beta2, eps, weight_decay, decoupled: false }.into()
            }
            Self::AdamW { beta1, beta2, eps, weight_decay, .. } => {
                Adam { beta1, beta2, eps, weight_decay, decoupled: true }.into()
            }
            Self::RmsProp { alpha, eps, momentum, centered, weight_decay, .. } => {
                RmsProp { alpha, eps, momentum, centered, weight_decay }.into()
            }
            Self::Adagrad { eps, initial_accumulator_value: initial, weight_decay, .. } => {
                Adagrad { initial, eps, weight_decay }.into()
            }
            Self::Lion { beta1, beta2, weight_decay, .. } => Lion { beta1, beta2, weight_decay }.into(),
        }
    }

    /// The step size at step `t` (from 1) under the learning rate `lr`, and `1 / √(second bias correction)`, which is Adam's and 1 for all
    /// others.
    pub fn scalars(&self, t: u64, lr: f64) -> [f64; 2] {
        match *self {
            Self::Adam { beta1, beta2, .. } | Self::AdamW { beta1, beta2, .. } => {
                let correction = |beta: f64| 1.0 - beta.powf(t as f64);
                [lr / correction(beta1), 1.0 / correction(beta2).sqrt()]
            }
            Self::Adagrad { lr_decay, .. } => [lr / (1.0 + (t.max(1) - 1) as f64 * lr_decay), 1.0],
            _ => [lr, 1.0],
        }
    }

    /// Writes into a step block what the rule finds there at step `t` (from 1) under the learning rate `lr`: computed in double precision,
    /// as PyTorch does.
    pub fn fill(&self, block: &mut Step, t: u64, lr: f64) {
        block.learning_rate = lr as f32;
        [block.step_size, block.inverse_sqrt_correction] = self.scalars(t, lr).map(|scalar| scalar as f32);
    }

    /// Checks the constants.
    ///
    /// # Errors
    /// A sentence that names the constant, its value and its range.
    pub fn check(&self) -> Result<(), String> {
        within("the learning rate", self.lr(), self.lr() > 0.0, "a number above 0, such as 0.01")?;
        within("weight decay", self.weight_decay(), self.weight_decay() >= 0.0, "0 or more, such as 0.0001")?;
        match *self {
            Self::Sgd { momentum, nesterov, .. } => {
                fraction("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err("Nesterov's look-ahead needs momentum; give one, such as 0.9".into());
                }
                Ok(())
            }
            Self::Adam { beta1, beta2, eps, .. } | Self::AdamW { beta1, beta2, eps, .. } => {
                fraction("beta1", beta1)?;
                fraction("beta2", beta2)?;
                positive("eps", eps)
            }
            Self::RmsProp { alpha, eps, momentum, .. } => {
                fraction("alpha", alpha)?;
                fraction("momentum", momentum)?;
                positive("eps", eps)
            }
            Self::Adagrad { lr_decay, eps, initial_accumulator_value: initial, .. } => {
                within("lr_decay", lr_decay, lr_decay >= 0.0, "0 or more, such as 0.001")?;
                within("initial_accumulator_value", initial, initial >= 0.0, "0 or more, such as 0.1")?;
                positive("eps", eps)
            }
            Self::Lion { beta1, beta2, .. } => {
                fraction("beta1", beta1)?;
                fraction("beta2", beta2)
            }
        }
    }

    /// The definition of the update, in double precision: changes `parameters` and the rule's `states` by the gradients of step `t`.
    pub fn reference(&self, t: u64, parameters: &mut [f64], gradients: &[f64], states: &mut [Vec<f64>]) {
        let (rule, lr) = (self.rule(), self.lr());
        let [step_size, inverse_sqrt_correction] = self.scalars(t, lr);
        let rates = Rates { lr, step_size, inverse_sqrt_correction, continues: 0.0 };
        let mut state = vec![0.0; states.len()];
        for (i, parameter) in parameters.iter_mut().enumerate() {
            state.iter_mut().zip(&*states).for_each(|(one, all)| *one = all[i]);
            *parameter = rule.apply(*parameter, gradients[i], &mut state, &rates);
            state.iter().zip(&mut *states).for_each(|(one, all)| all[i] = *one);
        }
    }
}

/// Engines hold numbers in single precision.
fn within(name: &str, value: f64, ok: bool, range: &str) -> Result<(), String> {
    if (value as f32).is_finite() && ok { Ok(()) } else { Err(format!("{name} is {value:?}; it has to be {range}")) }
}

fn fraction(name: &str, value: f64) -> Result<(), String> {
    within(name, value, (0.0..1.0).contains(&value), "from 0 up to but not including 1, such as 0.9")
}

fn positive(name: &str, value: f64) -> Result<(), String> {
    within(name, value, value > 0.0, "above 0, such as 1e-8")
}
