//! How to train.

use convoke_core::optim::Optimizer;
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::error::{Result, TrainError};
use crate::loss::LossSettings;

/// How to train. A checkpoint carries it, so that a resumed run goes on as it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How often every training picture is seen.
    pub epochs: u32,
    /// Samples of a step, from 1.
    pub batch_size: usize,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// What is minimised.
    #[serde(default)]
    pub loss: LossSettings,
    /// What the initial weights and the order of the samples follow from.
    pub seed: u64,
    /// Whether each epoch has its own order; if not, all follow the order of the data.
    pub shuffle: bool,
    /// How pictures are changed at random while training.
    #[serde(default, skip_serializing_if = "Augment::is_none")]
    pub augment: Augment,
    /// Stop after so many steps, if that is sooner.
    pub max_steps: Option<u64>,
    /// Also take a checkpoint every so many steps, beside those by time and at the end of epochs.
    pub checkpoint_steps: Option<u64>,
}

impl Default for Settings {
    /// 15 epochs of batches of 64 with SGD: after that the reference CNN only learns its six thousand pictures by heart.
    fn default() -> Self {
        Self {
            epochs: 15,
            batch_size: 64,
            optimizer: Optimizer::default(),
            loss: LossSettings::default(),
            seed: 0,
            shuffle: true,
            augment: Augment::NONE,
            max_steps: None,
            checkpoint_steps: None,
        }
    }
}

/// The largest batch: more than any device holds.
const LARGEST_BATCH: usize = 1 << 16;

impl Settings {
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
        self.loss.check()?;
        self.augment.check()?;
        self.optimizer.check().map_err(TrainError::Setting)
    }
}
