//! Training: the loop, checkpoints, events, evaluation and prediction.
//!
//! Nothing here reads files, asks for the time or names a device: a [`Trainer`] is given an
//! [`Engine`](convoke_core::engine::Engine), a [`Store`] for what it keeps and a [`Host`] for the rest.

mod augment;
mod checkpoint;
mod error;
mod evaluation;
mod event;
mod feed;
mod loss;
mod model_file;
mod predictor;
mod session;
mod settings;
mod store;
mod trainer;
mod weights;

pub use augment::{Augment, AugmentOption, Draw, OPTIONS as AUGMENT_OPTIONS};
pub use checkpoint::{Best, Checkpoint, Progress};
pub use error::{Result, TrainError};
pub use evaluation::{ClassFigures, Confusion, Evaluation};
pub use event::{Event, Record};
pub use loss::{ClassWeights, LossName, LossSettings};
pub use model_file::ModelFile;
pub use predictor::Predictor;
pub use session::{Input, Session};
pub use settings::Settings;
pub use store::{MemoryStore, Store, StoreError, Stored};
pub use trainer::{Host, Outcome, Trainer, fingerprint};
pub use weights::{check_weights, given_weights, initial_weights};
