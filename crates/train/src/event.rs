//! What a run tells: records for its log, and events for whoever watches.

use serde::{Deserialize, Serialize};

use crate::replicas::DeviceShare;

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Record {
    /// A step is done.
    Step {
        /// Its number, from 1.
        step: u64,
        /// The mean loss of its batch, before the update.
        loss: f64,
        /// The share of its batch whose largest logit was the label's, 0 … 1.
        accuracy: f64,
        /// The learning rate of its update; 0 in logs of versions that did not write it.
        #[serde(default)]
        lr: f64,
    },
    /// An epoch is done.
    Epoch {
        /// Its number, from 1.
        epoch: u32,
        /// The mean of the losses of its samples, each at the time of its step.
        train_loss: f64,
        /// The share of its samples that were right at the time of their step, 0 … 1.
        train_accuracy: f64,
        /// The mean loss on the test pictures.
        test_loss: f64,
        /// The share of the test pictures that are right, 0 … 1.
        test_accuracy: f64,
        /// The share of the test pictures whose label is among the five largest logits, 0 … 1; where there are more than five classes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_top5: Option<f64>,
        /// The mean loss on the validation pictures, where there are some.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validation_loss: Option<f64>,
        /// The share of the validation pictures that are right, 0 … 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validation_accuracy: Option<f64>,
        /// Samples trained on a second, evaluation and checkpoints left out.
        samples_per_second: f64,
    },
    /// A batch is split over the devices in this ratio from now on.
    Shares {
        /// The first step that is split so, from 1.
        step: u64,
        /// The devices, in the order in which their gradients are summed.
        shares: Vec<DeviceShare>,
    },
    /// A device takes part no more; the others do its share.
    Left {
        /// The last step that is done.
        step: u64,
        /// Its name.
        device: String,
        /// What happened to it.
        reason: String,
    },
}

/// Something that a run's watcher may want to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// So many of so many kernels are prepared.
    Preparing {
        /// Done.
        done: usize,
        /// All.
        total: usize,
    },
    /// A line was added to the log.
    Record(Record),
    /// So many of so many test or validation pictures are evaluated.
    Evaluating {
        /// Done.
        done: usize,
        /// All.
        total: usize,
    },
    /// A checkpoint was written.
    Saved {
        /// Its name in the store.
        name: String,
        /// The step after which it was taken.
        step: u64,
    },
}
