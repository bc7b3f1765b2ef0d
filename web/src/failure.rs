//! Errors, as the page and the package tell them: a code for programs, a sentence for people.

use convoke::data::{DataError, Unreadable};
use convoke::engine::EngineError;
use convoke::train::{StoreError, TrainError};

use crate::protocol::{Failure, UnreadableFile};
use crate::storage::FULL;

/// Where to give weights with which to start a run.
const INIT: &str = if cfg!(feature = "package") {
    ": give it to a trainer as `init`"
} else {
    ": choose it under Train, More settings, Begin with weights"
};

/// A result with what page and package are told.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure of a kind, in words.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), files: Vec::new(), layer: None }
    }
}

impl From<convoke::error::Error> for Failure {
    fn from(error: convoke::error::Error) -> Self {
        use convoke::error::Error;
        let code = match &error {
            Error::Shape { .. } | Error::Model { .. } | Error::NotDifferentiable { .. } => "model",
            Error::TooLarge { .. } => "too-large",
            Error::InvalidPlan { .. } => "defect",
        };
        Self { layer: error.layer().map(str::to_string), ..Self::new(code, error.to_string()) }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = match &error {
            EngineError::Lost { .. } => "device-lost",
            EngineError::OutOfMemory { .. } => "out-of-memory",
            EngineError::Refused { .. } => "device-refused",
            EngineError::NotFound { .. } => "no-device",
        };
        Self::new(code, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = if error.reason == FULL { "storage-full" } else { "storage" };
        Self::new(code, error.to_string())
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let code = match error {
            TrainError::Model(error) => return error.into(),
            TrainError::Engine(error) => return error.into(),
            TrainError::Store(error) => return error.into(),
            TrainError::Format(_) => "not-safetensors",
            TrainError::Setting(_) => "setting",
            TrainError::Weights { .. } => "weights",
            TrainError::NotAModel { weights, .. } => {
                let mut message = error.to_string();
                if weights {
                    message += INIT;
                }
                return Self::new("not-a-model", message);
            }
            TrainError::Data(_) => "data",
            TrainError::NotFinite { .. } => "not-finite",
            TrainError::NothingToResume(_) => "nothing-to-resume",
            TrainError::Transport { .. } | TrainError::NoneLeft { .. } => "device-lost",
        };
        Self::new(code, error.to_string())
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let message = error.to_string();
        let named = |code, files: Vec<Unreadable>| {
            let files = files.into_iter().map(|file| UnreadableFile { path: file.path, reason: file.reason });
            Self { files: files.collect(), ..Self::new(code, &message) }
        };
        let code = match error {
            DataError::Unreadable { files } => return named("unreadable", files),
            DataError::Unused { files, .. } => return named("unused", files),
            DataError::OneClass { .. } => "one-class",
            DataError::EmptyClass { .. } => "empty-class",
            DataError::Empty { .. } => "too-few",
            DataError::PictureTooLarge { .. } => "picture-too-large",
            DataError::Picture { .. } => "not-a-picture",
            DataError::Option { .. } => "setting",
            DataError::TooLarge { .. } => "too-large",
            _ => "data",
        };
        Self::new(code, message)
    }
}
