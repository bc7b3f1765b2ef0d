//! The options of how the best epoch is found, and what is kept.

use clap::{Args, ValueEnum};
use convoke::prelude::Settings;
use convoke::train::Metric;

/// The best epoch.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The best epoch")]
pub struct ChoiceArgs {
    /// The part of the training pictures that is set aside to choose by, such as 0.1: by the seed, the same part of each class [default: 0]
    ///
    /// The best epoch's model by it is kept as best.safetensors. The test pictures never choose anything.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    validation: Option<f64>,

    /// What the best epoch is chosen by [default: accuracy, and loss where there is no --validation: then that of training]
    #[arg(long, value_enum, value_name = "METRIC")]
    best: Option<MetricName>,

    /// Stop after so many epochs without a better one [default: never]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub patience: Option<u32>,

    /// How many checkpoints are kept, beside the best [default: 2]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    keep: Option<usize>,
}

/// The metrics by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum MetricName {
    /// The share of pictures that are right
    Accuracy,
    /// The mean loss
    Loss,
}

impl From<MetricName> for Metric {
    fn from(name: MetricName) -> Self {
        match name {
            MetricName::Accuracy => Self::Accuracy,
            MetricName::Loss => Self::Loss,
        }
    }
}

impl ChoiceArgs {
    /// Changes what is given.
    pub fn apply(&self, settings: &mut Settings) {
        settings.validation = self.validation.unwrap_or(settings.validation);
        settings.best = self.best.map(Metric::from).or(settings.best);
        settings.patience = self.patience.or(settings.patience);
        settings.keep = self.keep.unwrap_or(settings.keep);
    }
}
