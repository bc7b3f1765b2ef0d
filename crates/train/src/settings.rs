//! How to train.

use convoke_core::optim::Optimizer;
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::error::{Result, TrainError};
use crate::groups::ParameterGroup;
use crate::loss::LossSettings;
use crate::schedule::Schedule;
use crate::seed;

/// How to train. A checkpoint carries it, so that a resumed run goes on as it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How often every training picture is seen.
    pub epochs: u32,
    /// Samples that are computed together, from 1: a step's, or with `accumulate` a part of them.
    pub batch_size: usize,
    /// How many batches make one step, from 1: their gradients are added up.
    pub accumulate: usize,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// What is minimised.
    #[serde(default)]
    pub loss: LossSettings,
    /// What the initial weights and the order of the samples follow from.
    #[serde(with = "seed")]
    pub seed: u64,
    /// Whether each epoch has its own order; if not, all follow the order of the data.
    pub shuffle: bool,
    /// How pictures are changed at random while training.
    #[serde(default, skip_serializing_if = "Augment::is_none")]
    pub augment: Augment,
    /// The norm that all gradients together are cut to, above 0, as PyTorch's `clip_grad_norm_`.
    pub clip_norm: Option<f64>,
    /// The size that each gradient is cut to, above 0, as PyTorch's `clip_grad_value_`.
    pub clip_value: Option<f64>,
    /// The decay of an exponential moving average of the weights, such as 0.999: after each step `average += (1 − ema) · (weights − average)`,
    /// which begins at the first weights. Where it is kept, it is what is evaluated and what the trained model is.
    pub ema: Option<f64>,
    /// Parameters that stay as they are: names in which `*` stands for any text and `?` for any character. Running statistics that are
    /// named so stay too.
    pub freeze: Vec<String>,
    /// Whether parameters with one dimension, those of norms and biases, are spared weight decay.
    pub no_decay_on_norms_and_biases: bool,
    /// Whether batch norms take the statistics of the whole batch where that is split over several devices; if not, each device takes those of its
    /// share.
    pub sync_batch_norm: bool,
    /// Parameters that are trained in their own way. Where several name one, the first counts.
    pub groups: Vec<ParameterGroup>,
    /// The part of the training pictures that is set aside to choose by, from 0 up to but not including 1: by the seed, the same part of each class.
    pub validation: f64,
    /// What the best epoch is chosen by: `accuracy` where there is a validation set, else `loss`. Without one, training's own loss
    /// decides. The test pictures never do.
    pub best: Option<Metric>,
    /// Stop after so many epochs without a better one.
    pub patience: Option<u32>,
    /// How many checkpoints are kept, from 1, beside the best.
    pub keep: usize,
    /// Stop after so many steps, if that is sooner.
    pub max_steps: Option<u64>,
    /// Also take a checkpoint every so many steps, beside those by time and at the end of epochs.
    pub checkpoint_steps: Option<u64>,
}

/// What epochs are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// The share of pictures that are right: more is better.
    Accuracy,
    /// The mean loss: less is better.
    Loss,
}

impl Default for Settings {
    /// 15 epochs of batches of 64 with SGD: after that the reference CNN only learns its six thousand pictures by heart.
    fn default() -> Self {
        Self {
            epochs: 15,
            batch_size: 64,
            accumulate: 1,
            optimizer: Optimizer::default(),
            schedule: Schedule::default(),
            loss: LossSettings::default(),
            seed: 0,
            shuffle: true,
            augment: Augment::NONE,
            clip_norm: None,
            clip_value: None,
            ema: None,
            freeze: Vec::new(),
            no_decay_on_norms_and_biases: false,
            sync_batch_norm: false,
            groups: Vec::new(),
            validation: 0.0,
            best: None,
            patience: None,
            keep: 2,
            max_steps: None,
            checkpoint_steps: None,
        }
    }
}

/// The largest batch: more than any device holds.
const LARGEST_BATCH: usize = 1 << 16;

/// The most batches of a step.
const MOST_ACCUMULATED: usize = 1 << 16;

impl Settings {
    /// The settings as TOML, in which every number is exact.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are plain data")
    }

    /// Reads what [`to_toml`](Self::to_toml) has written.
    pub(crate) fn from_toml(text: &str) -> std::result::Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_string())
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the setting, what was found and its range.
    pub fn check(&self) -> Result<()> {
        let problem = |text: String| Err(TrainError::Setting(text));
        if self.batch_size == 0 || self.batch_size > LARGEST_BATCH {
            return problem(format!(
                "the batch size is {}; it has to be from 1 to {LARGEST_BATCH}, such as 64",
                self.batch_size
            ));
        }
        if self.epochs == 0 {
            return problem("the number of epochs is 0; it has to be 1 or more, such as 20".into());
        }
        if self.checkpoint_steps == Some(0) || self.max_steps == Some(0) {
            return problem("a number of steps is 0; it has to be 1 or more".into());
        }
        self.check_gradients()?;
        self.check_choice()?;
        self.schedule.check().map_err(TrainError::Setting)?;
        self.loss.check()?;
        self.augment.check()?;
        self.optimizer.check().map_err(TrainError::Setting)
    }

    /// What is done to gradients and weights beside the optimizer's rule.
    fn check_gradients(&self) -> Result<()> {
        let problem = |text: String| Err(TrainError::Setting(text));
        if self.accumulate == 0 || self.accumulate > MOST_ACCUMULATED {
            let found = self.accumulate;
            return problem(format!("accumulate is {found}; it has to be from 1 to {MOST_ACCUMULATED}, such as 4"));
        }
        if self.sync_batch_norm && self.accumulate > 1 {
            return problem(
                "batch norms can't see a whole batch whose parts are added up; leave sync_batch_norm or accumulate out"
                    .into(),
            );
        }
        let positive = |value: f64| value > 0.0 && (value as f32).is_finite() && value as f32 > 0.0;
        for (name, value) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
            if let Some(value) = value.filter(|&value| !positive(value)) {
                return problem(format!("{name} is {value:?}; it has to be a number above 0, such as 1"));
            }
        }
        if self.clip_norm.is_some() && self.clip_value.is_some() {
            return problem("gradients are clipped by norm or by value: leave clip_norm or clip_value out".into());
        }
        if let Some(decay) = self.ema.filter(|decay| !(0.0..1.0).contains(decay)) {
            return problem(format!("ema is {decay:?}; it has to be from 0 up to but not including 1, such as 0.999"));
        }
        for group in &self.groups {
            let name = &group.parameters;
            if let Some(factor) = group.lr_factor.filter(|&factor| !positive(factor)) {
                return problem(format!(
                    "the lr_factor of `{name}` is {factor:?}; it has to be above 0, such as 0.1; --freeze holds parameters still"
                ));
            }
            if let Some(decay) = group.weight_decay.filter(|decay| !(*decay >= 0.0 && (*decay as f32).is_finite())) {
                return problem(format!("the weight decay of `{name}` is {decay:?}; it has to be 0 or more"));
            }
            if group.lr_factor.is_none() && group.weight_decay.is_none() {
                return problem(format!("the group `{name}` changes nothing; give it lr_factor or weight_decay"));
            }
        }
        Ok(())
    }

    /// How the best epoch is found, and what is kept.
    fn check_choice(&self) -> Result<()> {
        let problem = |text: String| Err(TrainError::Setting(text));
        if !(0.0..1.0).contains(&self.validation) {
            let found = self.validation;
            return problem(format!(
                "validation is {found:?}; it has to be from 0 up to but not including 1, such as 0.1"
            ));
        }
        if self.best == Some(Metric::Accuracy) && self.validation == 0.0 {
            return problem(
                "the best by accuracy needs pictures that are not trained on; give a validation set, such as 0.1"
                    .into(),
            );
        }
        if self.patience == Some(0) {
            return problem("patience is 0; it has to be 1 epoch or more, such as 5".into());
        }
        if self.keep == 0 {
            return problem("the number of checkpoints to keep is 0; it has to be 1 or more, such as 2".into());
        }
        Ok(())
    }

    /// What the best epoch is chosen by.
    pub fn metric(&self) -> Metric {
        let usual = if self.validation > 0.0 { Metric::Accuracy } else { Metric::Loss };
        self.best.unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_exact_in_toml() {
        for (seed, lr) in [(0, 0.1 + 0.2), (u64::MAX, 1e-300), (i64::MAX as u64 + 1, 3.0), (7, 5e-324)] {
            let optimizer = Optimizer::sgd(lr, 0.9);
            let settings = Settings { seed, optimizer, max_steps: Some(9), ..Settings::default() };
            assert_eq!(Settings::from_toml(&settings.to_toml()), Ok(settings));
        }
    }
}
