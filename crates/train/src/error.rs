//! What can go wrong while training.

use convoke_core::engine::EngineError;
use convoke_formats::FormatError;

use crate::store::StoreError;

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, TrainError>;

/// What can go wrong while training.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// The model can't be built or planned.
    #[error(transparent)]
    Model(#[from] convoke_core::error::Error),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What is kept can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of tensors is broken.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A setting is out of range.
    #[error("{0}")]
    Setting(String),
    /// Weights don't fit the model.
    #[error("{file} does not fit the model `{model}`: {problem}")]
    Weights {
        /// Where the weights came from.
        file: String,
        /// The model.
        model: String,
        /// What is missing, extra or of another shape.
        problem: String,
    },
    /// A file lacks what a model file or a checkpoint has.
    #[error("{file} is not {wanted}: {problem}{}", if *weights { "; its weights can start a run" } else { "" })]
    NotAModel {
        /// The file.
        file: String,
        /// What it should be: a model, a checkpoint.
        wanted: String,
        /// What is missing or wrong.
        problem: String,
        /// Whether its weights can start a run.
        weights: bool,
    },
    /// The data doesn't fit the model or the checkpoint.
    #[error("{0}")]
    Data(String),
    /// A loss or a gradient was NaN or infinite.
    #[error(
        "step {step}: the loss or a gradient is not a finite number; no weight was changed by it, and what was learned up to step {} is saved. Try a lower learning rate than {lr}",
        step - 1
    )]
    NotFinite {
        /// The step, counted from 1.
        step: u64,
        /// The learning rate.
        lr: f64,
    },
    /// Of several devices none is left.
    #[error(
        "no device is left after step {step}: {last}; what was learned up to there is saved, and train --resume goes on from it"
    )]
    NoneLeft {
        /// The last step that is done.
        step: u64,
        /// What happened to the last device.
        last: EngineError,
    },
    /// A device holds other parameters than it was sent.
    #[error(
        "after step {step} {device} holds other parameters than it was sent: its memory or its driver is at fault, and nothing that was learned since the last checkpoint is kept. Go on without it: train --resume FOLDER --device OTHERS"
    )]
    Transport {
        /// The device.
        device: String,
        /// The step, counted from 1.
        step: u64,
    },
    /// There is nothing to resume from.
    #[error("there is no checkpoint in {0}; choose a folder that `train --out` has written")]
    NothingToResume(String),
}
