//! Optimizers: how parameters follow from gradients.

use serde::{Deserialize, Serialize};

use crate::exact;
use crate::kernels::Rule;

/// An optimizer with its constants. The update formulas stand at [`Rule`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum.
    Sgd {
        /// The learning rate, above 0.
        #[serde(with = "exact")]
        lr: f64,
        /// Momentum, from 0 up to but not including 1.
        #[serde(with = "exact")]
        momentum: f64,
        /// Nesterov's look-ahead, which needs momentum.
        nesterov: bool,
        /// L2 penalty, 0 or more.
        #[serde(with = "exact")]
        weight_decay: f64,
    },
    /// Adam.
    Adam {
        /// The learning rate, above 0.
        #[serde(with = "exact")]
        lr: f64,
        /// Decay of the gradient's mean, from 0 up to but not including 1.
        #[serde(with = "exact")]
        beta1: f64,
        /// Decay of the squared gradient's mean, from 0 up to but not including 1.
        #[serde(with = "exact")]
        beta2: f64,
        /// Added to the denominator, above 0.
        #[serde(with = "exact")]
        eps: f64,
        /// L2 penalty, 0 or more.
        #[serde(with = "exact")]
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

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        match *self {
            Self::Sgd { lr, .. } | Self::Adam { lr, .. } => lr,
        }
    }

    /// The rule that kernels apply.
    pub fn rule(&self) -> Rule {
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay, .. } => {
                Rule::Sgd { momentum: momentum as f32, nesterov, weight_decay: weight_decay as f32 }
            }
            Self::Adam { beta1, beta2, eps, weight_decay, .. } => Rule::Adam {
                beta1: beta1 as f32,
                beta2: beta2 as f32,
                one_minus_beta1: (1.0 - beta1) as f32,
                one_minus_beta2: (1.0 - beta2) as f32,
                eps: eps as f32,
                weight_decay: weight_decay as f32,
            },
        }
    }

    /// What the step block carries at step `t` (from 1): the step size and `1 / √(second bias correction)`, computed in
    /// double precision as PyTorch does.
    pub fn scalars(&self, t: u64) -> [f32; 2] {
        match *self {
            Self::Sgd { lr, .. } => [lr as f32, 1.0],
            Self::Adam { lr, beta1, beta2, .. } => {
                let correction = |beta: f64| 1.0 - beta.powf(t as f64);
                [(lr / correction(beta1)) as f32, (1.0 / correction(beta2).sqrt()) as f32]
            }
        }
    }

    /// Checks the constants.
    ///
    /// # Errors
    /// A sentence that names the constant, its value and its range.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: f64, ok: bool, range: &str| {
            // Engines hold it in single precision.
            if (value as f32).is_finite() && ok {
                Ok(())
            } else {
                Err(format!("{name} is {value:?}; it has to be {range}"))
            }
        };
        let lr = self.lr();
        within("the learning rate", lr, lr > 0.0, "a number above 0, such as 0.01")?;
        let fraction = |name: &str, value: f64| {
            within(name, value, (0.0..1.0).contains(&value), "from 0 up to but not including 1, such as 0.9")
        };
        let penalty = |value: f64| within("weight decay", value, value >= 0.0, "0 or more, such as 0.0001");
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay, .. } => {
                fraction("momentum", momentum)?;
                penalty(weight_decay)?;
                if nesterov && momentum == 0.0 {
                    return Err("Nesterov's look-ahead needs momentum; give one, such as 0.9".into());
                }
                Ok(())
            }
            Self::Adam { beta1, beta2, eps, weight_decay, .. } => {
                fraction("beta1", beta1)?;
                fraction("beta2", beta2)?;
                within("eps", eps, eps > 0.0, "above 0, such as 1e-8")?;
                penalty(weight_decay)
            }
        }
    }

    /// The definition of the update, in double precision: changes `parameters` and the rule's `states` by the gradients of step `t`.
    pub fn reference(&self, t: u64, parameters: &mut [f64], gradients: &[f64], states: &mut [Vec<f64>]) {
        for (i, parameter) in parameters.iter_mut().enumerate() {
            match *self {
                Self::Sgd { lr, momentum, nesterov, weight_decay } => {
                    let g = gradients[i] + weight_decay * *parameter;
                    let step = match states.first_mut() {
                        Some(velocity) => {
                            velocity[i] = momentum * velocity[i] + g;
                            if nesterov { g + momentum * velocity[i] } else { velocity[i] }
                        }
                        None => g,
                    };
                    *parameter -= lr * step;
                }
                Self::Adam { lr, beta1, beta2, eps, weight_decay } => {
                    let (b1, b2) = (beta1, beta2);
                    let g = gradients[i] + weight_decay * *parameter;
                    states[0][i] = b1 * states[0][i] + (1.0 - b1) * g;
                    states[1][i] = b2 * states[1][i] + (1.0 - b2) * g * g;
                    let mean = states[0][i] / (1.0 - b1.powf(t as f64));
                    let square = states[1][i] / (1.0 - b2.powf(t as f64));
                    *parameter -= lr * mean / (square.sqrt() + eps);
                }
            }
        }
    }
}
