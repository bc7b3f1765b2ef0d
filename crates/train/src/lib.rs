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
mod groups;
mod loss;
mod model_file;
mod pieces;
mod predictor;
mod replicas;
mod schedule;
mod seed;
mod session;
mod settings;
mod span;
mod split;
mod store;
mod tables;
mod trainer;
mod weights;

pub use augment::{Augment, AugmentOption, Draw, OPTIONS as AUGMENT_OPTIONS};
pub use checkpoint::{Best, Checkpoint, Progress};
pub use error::{Result, TrainError};
pub use evaluation::{ClassFigures, Confusion, Evaluation};
pub use event::{Event, Record};
pub use groups::ParameterGroup;
pub use loss::{ClassWeights, LossName, LossSettings};
pub use model_file::ModelFile;
pub use predictor::Predictor;
pub use replicas::{DeviceShare, Engines, Split};
pub use schedule::{Length, Plateau, Schedule, ScheduleKind};
pub use session::{Input, Session};
pub use settings::{Metric, Settings};
pub use span::Span;
pub use store::{MemoryStore, Store, StoreError, Stored};
pub use trainer::{Host, Outcome, Trainer, fingerprint};
pub use weights::{Transfer, check_weights, given_weights, initial_weights, transfer};
