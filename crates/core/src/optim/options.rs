//! Optimizers as they are written: a type and its options, of which all may be left out.

use serde::{Deserialize, Serialize};

use super::Optimizer;

/// The types of optimizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Stochastic gradient descent.
    #[default]
    Sgd,
    /// Adam.
    Adam,
    /// AdamW: Adam with decoupled weight decay.
    AdamW,
    /// RMSprop.
    RmsProp,
    /// Adagrad.
    Adagrad,
    /// Lion.
    Lion,
}

impl OptimizerKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Sgd, Self::Adam, Self::AdamW, Self::RmsProp, Self::Adagrad, Self::Lion];

    /// The name by which it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Adam => "adam",
            Self::AdamW => "adamw",
            Self::RmsProp => "rmsprop",
            Self::Adagrad => "adagrad",
            Self::Lion => "lion",
        }
    }
}

/// An optimizer as it is written, in a model's `[optimizer]` table, say. What is left out has its default; an option that another type has
/// is an error.
///
/// ```
/// use convoke_core::optim::{Optimizer, OptimizerKind, OptimizerOptions};
///
/// let options = OptimizerOptions { kind: Some(OptimizerKind::Adam), lr: Some(0.002), ..Default::default() };
/// assert_eq!(Optimizer::try_from(options), Ok(Optimizer::adam(0.002)));
/// let misplaced = OptimizerOptions { momentum: Some(0.9), ..options };
/// assert!(Optimizer::try_from(misplaced).unwrap_err().starts_with("momentum is for sgd and rmsprop"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerOptions {
    /// The type; `sgd` where it is left out.
    #[serde(rename = "type")]
    pub kind: Option<OptimizerKind>,
    /// The learning rate: 0.01 for sgd and adagrad, 0.001 for adam, adamw and rmsprop, 0.0001 for lion.
    pub lr: Option<f64>,
    /// Weight decay: 0.01 for adamw, 0 for the others.
    pub weight_decay: Option<f64>,
    /// Momentum: 0.9 for sgd, 0 for rmsprop.
    pub momentum: Option<f64>,
    /// SGD's look-ahead: no.
    pub nesterov: Option<bool>,
    /// Adam's, AdamW's and Lion's first decay: 0.9.
    pub beta1: Option<f64>,
    /// Adam's and AdamW's second decay, 0.999, and Lion's, 0.99.
    pub beta2: Option<f64>,
    /// What is added to the denominator: 1e-8 for adam, adamw and rmsprop, 1e-10 for adagrad.
    pub eps: Option<f64>,
    /// RMSprop's decay: 0.99.
    pub alpha: Option<f64>,
    /// Whether RMSprop takes the squared mean off: no.
    pub centered: Option<bool>,
    /// Adagrad's decay of the rate: 0.
    pub lr_decay: Option<f64>,
    /// What Adagrad's sum begins with: 0.
    pub initial_accumulator_value: Option<f64>,
}

impl TryFrom<OptimizerOptions> for Optimizer {
    type Error = String;

    fn try_from(options: OptimizerOptions) -> Result<Self, String> {
        let kind = options.kind.unwrap_or_default();
        let mut rest = options;
        let optimizer = take(kind, &mut rest);
        // What was not taken has no place in this type.
        match left_over(&rest) {
            None => Ok(optimizer),
            Some((name, kinds)) => {
                let kind = kind.name();
                Err(format!(
                    "{name} is for {kinds}, and the optimizer is {kind}; leave it out, or choose another optimizer"
                ))
            }
        }
    }
}

/// Makes an optimizer of what its type has, and takes that away.
fn take(kind: OptimizerKind, rest: &mut OptimizerOptions) -> Optimizer {
    let or = |value: &mut Option<f64>, default| value.take().unwrap_or(default);
    let weight_decay = or(&mut rest.weight_decay, if kind == OptimizerKind::AdamW { 0.01 } else { 0.0 });
    match kind {
        OptimizerKind::Sgd => Optimizer::Sgd {
            lr: or(&mut rest.lr, 0.01),
            momentum: or(&mut rest.momentum, 0.9),
            nesterov: rest.nesterov.take().unwrap_or(false),
            weight_decay,
        },
        OptimizerKind::Adam | OptimizerKind::AdamW => {
            let (lr, eps) = (or(&mut rest.lr, 0.001), or(&mut rest.eps, 1e-8));
            let (beta1, beta2) = (or(&mut rest.beta1, 0.9), or(&mut rest.beta2, 0.999));
            match kind {
                OptimizerKind::Adam => Optimizer::Adam { lr, beta1, beta2, eps, weight_decay },
                _ => Optimizer::AdamW { lr, beta1, beta2, eps, weight_decay },
            }
        }
        OptimizerKind::RmsProp => Optimizer::RmsProp {
            lr: or(&mut rest.lr, 0.001),
            alpha: or(&mut rest.alpha, 0.99),
            eps: or(&mut rest.eps, 1e-8),
            momentum: or(&mut rest.momentum, 0.0),
            centered: rest.centered.take().unwrap_or(false),
            weight_decay,
        },
        OptimizerKind::Adagrad => Optimizer::Adagrad {
            lr: or(&mut rest.lr, 0.01),
            lr_decay: or(&mut rest.lr_decay, 0.0),
            eps: or(&mut rest.eps, 1e-10),
            initial_accumulator_value: or(&mut rest.initial_accumulator_value, 0.0),
            weight_decay,
        },
        OptimizerKind::Lion => Optimizer::Lion {
            lr: or(&mut rest.lr, 1e-4),
            beta1: or(&mut rest.beta1, 0.9),
            beta2: or(&mut rest.beta2, 0.99),
            weight_decay,
        },
    }
}

/// An option that was not taken, and the types that have it.
fn left_over(rest: &OptimizerOptions) -> Option<(&'static str, &'static str)> {
    let options = [
        ("momentum", "sgd and rmsprop", rest.momentum.is_some()),
        ("nesterov", "sgd", rest.nesterov.is_some()),
        ("beta1", "adam, adamw and lion", rest.beta1.is_some()),
        ("beta2", "adam, adamw and lion", rest.beta2.is_some()),
        ("eps", "adam, adamw, rmsprop and adagrad", rest.eps.is_some()),
        ("alpha", "rmsprop", rest.alpha.is_some()),
        ("centered", "rmsprop", rest.centered.is_some()),
        ("lr_decay", "adagrad", rest.lr_decay.is_some()),
        ("initial_accumulator_value", "adagrad", rest.initial_accumulator_value.is_some()),
    ];
    options.into_iter().find(|(.., given)| *given).map(|(name, kinds, _)| (name, kinds))
}

impl From<Optimizer> for OptimizerOptions {
    fn from(optimizer: Optimizer) -> Self {
        let kind = match optimizer {
            Optimizer::Sgd { .. } => OptimizerKind::Sgd,
            Optimizer::Adam { .. } => OptimizerKind::Adam,
            Optimizer::AdamW { .. } => OptimizerKind::AdamW,
            Optimizer::RmsProp { .. } => OptimizerKind::RmsProp,
            Optimizer::Adagrad { .. } => OptimizerKind::Adagrad,
            Optimizer::Lion { .. } => OptimizerKind::Lion,
        };
        let (lr, weight_decay) = (Some(optimizer.lr()), Some(optimizer.weight_decay()));
        let base = Self { kind: Some(kind), lr, weight_decay, ..Self::default() };
        match optimizer {
            Optimizer::Sgd { momentum, nesterov, .. } => {
                Self { momentum: Some(momentum), nesterov: Some(nesterov), ..base }
            }
            Optimizer::Adam { beta1, beta2, eps, .. } | Optimizer::AdamW { beta1, beta2, eps, .. } => {
                Self { beta1: Some(beta1), beta2: Some(beta2), eps: Some(eps), ..base }
            }
            Optimizer::RmsProp { alpha, eps, momentum, centered, .. } => {
                let (alpha, eps) = (Some(alpha), Some(eps));
                Self { alpha, eps, momentum: Some(momentum), centered: Some(centered), ..base }
            }
            Optimizer::Adagrad { lr_decay, eps, initial_accumulator_value: initial, .. } => {
                Self { lr_decay: Some(lr_decay), eps: Some(eps), initial_accumulator_value: Some(initial), ..base }
            }
            Optimizer::Lion { beta1, beta2, .. } => Self { beta1: Some(beta1), beta2: Some(beta2), ..base },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_optimizer_is_what_its_options_say() {
        for kind in OptimizerKind::ALL {
            let options = OptimizerOptions { kind: Some(kind), lr: Some(0.1 + 0.2), ..OptimizerOptions::default() };
            let optimizer = Optimizer::try_from(options).unwrap();
            assert_eq!(Optimizer::try_from(OptimizerOptions::from(optimizer)), Ok(optimizer));
            optimizer.check().unwrap();
            let text = toml::to_string(&optimizer).unwrap();
            assert!(text.contains(&format!("type = \"{}\"", kind.name())), "{text}");
            assert_eq!(toml::from_str::<Optimizer>(&text), Ok(optimizer), "{text}");
        }
    }

    #[test]
    fn an_option_of_another_type_is_named() {
        let error = toml::from_str::<Optimizer>("type = \"lion\"\neps = 1e-8").unwrap_err().to_string();
        assert!(error.contains("eps is for adam, adamw, rmsprop and adagrad, and the optimizer is lion"), "{error}");
    }
}
