//! The options of the optimizer.

use clap::{Args, ValueEnum};
use convoke::optim::{Optimizer, OptimizerKind, OptimizerOptions};

use crate::failure::{Failure, Result};

/// The optimizer and its constants.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Optimizer")]
pub struct OptimizerArgs {
    /// How weights follow from gradients: sgd, adam, adamw, rmsprop, adagrad or lion [default: sgd]
    #[arg(long, value_enum, value_name = "NAME")]
    optimizer: Option<OptimizerName>,

    /// The learning rate, above 0: how far a step goes [default: 0.01 for sgd and adagrad, 0.001 for adam, adamw and rmsprop, 0.0001 for lion]
    ///
    /// Too high and the loss jumps about or stops being a number; too low and it hardly falls.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    lr: Option<f64>,

    /// How strongly weights are drawn to 0, 0 or more [default: 0.01 for adamw, 0 for the others]
    ///
    /// For sgd, adam, rmsprop and adagrad an L2 penalty that is part of the gradient; for adamw and lion decoupled from it: each as
    /// in its paper and in PyTorch.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    weight_decay: Option<f64>,

    /// How much of its last step sgd or rmsprop keeps, from 0 up to but not including 1 [default: 0.9 for sgd, 0 for rmsprop]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    momentum: Option<f64>,

    /// Let sgd look ahead by its momentum (Nesterov)
    #[arg(long)]
    nesterov: bool,

    /// How long adam, adamw and lion remember gradients, from 0 up to but not including 1 [default: 0.9]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    beta1: Option<f64>,

    /// How long adam and adamw remember squared gradients, or lion gradients [default: 0.999, 0.99 for lion]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    beta2: Option<f64>,

    /// What adam, adamw, rmsprop and adagrad add to the denominator, above 0 [default: 1e-8, 1e-10 for adagrad]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    eps: Option<f64>,

    /// How long rmsprop remembers squared gradients, from 0 up to but not including 1 [default: 0.99]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    alpha: Option<f64>,

    /// Let rmsprop divide by the gradients' standard deviation instead of their size
    #[arg(long)]
    centered: bool,

    /// How adagrad's rate falls: step t has lr / (1 + (t − 1) · X) [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    lr_decay: Option<f64>,

    /// What adagrad's sum of squared gradients begins with, 0 or more [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    initial_accumulator_value: Option<f64>,
}

/// The optimizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum OptimizerName {
    /// Stochastic gradient descent
    Sgd,
    /// Adam
    Adam,
    /// Adam with decoupled weight decay
    AdamW,
    /// RMSprop
    RmsProp,
    /// Adagrad
    Adagrad,
    /// Lion
    Lion,
}

impl From<OptimizerName> for OptimizerKind {
    fn from(name: OptimizerName) -> Self {
        match name {
            OptimizerName::Sgd => Self::Sgd,
            OptimizerName::Adam => Self::Adam,
            OptimizerName::AdamW => Self::AdamW,
            OptimizerName::RmsProp => Self::RmsProp,
            OptimizerName::Adagrad => Self::Adagrad,
            OptimizerName::Lion => Self::Lion,
        }
    }
}

impl OptimizerArgs {
    /// The optimizer that is asked for, where the model's file has `base`: of which all is kept that is not given here, unless another
    /// optimizer is.
    pub fn optimizer(&self, base: Optimizer) -> Result<Optimizer> {
        let base = OptimizerOptions::from(base);
        let asked = self.optimizer.map(OptimizerKind::from);
        let base = match asked {
            Some(kind) if Some(kind) != base.kind => OptimizerOptions { kind: asked, ..OptimizerOptions::default() },
            _ => base,
        };
        let options = OptimizerOptions {
            kind: base.kind,
            lr: self.lr.or(base.lr),
            weight_decay: self.weight_decay.or(base.weight_decay),
            momentum: self.momentum.or(base.momentum),
            nesterov: self.nesterov.then_some(true).or(base.nesterov),
            beta1: self.beta1.or(base.beta1),
            beta2: self.beta2.or(base.beta2),
            eps: self.eps.or(base.eps),
            alpha: self.alpha.or(base.alpha),
            centered: self.centered.then_some(true).or(base.centered),
            lr_decay: self.lr_decay.or(base.lr_decay),
            initial_accumulator_value: self.initial_accumulator_value.or(base.initial_accumulator_value),
        };
        // The problem begins with the option's name.
        Optimizer::try_from(options).map_err(|problem| match problem.split_once(' ') {
            Some((option, rest)) => Failure::Usage(format!("--{} {rest}", option.replace('_', "-"))),
            None => Failure::Usage(problem),
        })
    }
}
