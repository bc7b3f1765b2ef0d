//! The options of the loss.

use clap::{Args, ValueEnum};
use convoke::train::{ClassWeights, LossName, LossSettings};

use crate::failure::{Failure, Result};

/// What is minimised.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Loss")]
pub struct LossArgs {
    /// What is minimised: cross_entropy, mse, l1, huber or bce_with_logits [default: cross_entropy]
    ///
    /// cross_entropy is that of the softmax. The others hold each output against 1 for the picture's class and 0 for all others, and
    /// take the mean; bce_with_logits is the binary cross-entropy of each. The test loss is the plain loss of the same kind: without label smoothing and class weights.
    #[arg(long, value_enum, value_name = "NAME")]
    loss: Option<Choice>,

    /// The part of each target that is spread evenly over all classes, from 0 up to but not including 1 [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    label_smoothing: Option<f64>,

    /// How much each class counts in cross_entropy: balanced, or a number for each class [default: all alike]
    ///
    /// balanced weighs a class by 1 / its number of training pictures, so that rare classes count as much as frequent ones. Numbers
    /// stand in the order of the classes: 1,2.5,1. The loss of a batch is Σ weight · loss / Σ weight, as in PyTorch.
    #[arg(long, value_name = "WEIGHTS", allow_hyphen_values = true)]
    class_weights: Option<ClassWeights>,

    /// Where huber goes over from squared to absolute, above 0 [default: 1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    huber_delta: Option<f64>,
}

/// The losses by name.
#[derive(Clone, Copy, Debug)]
struct Choice(LossName);

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        const { &all() }
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(self.0.name().into())
    }
}

const fn all() -> [Choice; LossName::ALL.len()] {
    let mut all = [Choice(LossName::CrossEntropy); LossName::ALL.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = Choice(LossName::ALL[i]);
        i += 1;
    }
    all
}

impl LossArgs {
    /// Changes what was given.
    ///
    /// # Errors
    /// Where what is given is of no use to the loss.
    pub fn apply(&self, loss: &mut LossSettings) -> Result<()> {
        loss.kind = self.loss.map_or(loss.kind, |Choice(name)| name);
        loss.label_smoothing = self.label_smoothing.unwrap_or(loss.label_smoothing);
        loss.class_weights = self.class_weights.clone().or(loss.class_weights.take());
        loss.delta = self.huber_delta.unwrap_or(loss.delta);
        match (self.huber_delta, loss.kind) {
            (None, _) | (_, LossName::Huber) => Ok(()),
            (Some(_), kind) => {
                let kind = kind.name();
                Err(Failure::Usage(format!("--huber-delta is for huber, and the loss is {kind}; leave it out")))
            }
        }
    }
}
