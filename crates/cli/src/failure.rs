//! How the command fails: one line on the error output, and an exit code.

use std::io::Write;
use std::process::ExitCode;

use convoke::data::DataError;
use convoke::engine::EngineError;
use convoke::error::Error;
use convoke::formats::FormatError;
use convoke::train::{StoreError, TrainError};

/// A result of the command.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why the command ends.
#[derive(Debug)]
pub enum Failure {
    /// An option or a model is wrong: exit code 2.
    Usage(String),
    /// Something went wrong: exit code 1.
    Run(String),
    /// Nobody reads the output any more, which is no failure: exit code 0.
    Closed,
}

impl Failure {
    /// Tells the user, and returns the exit code.
    pub fn report(self) -> ExitCode {
        let (text, code) = match self {
            Self::Usage(text) => (text, ExitCode::from(2)),
            Self::Run(text) => (text, ExitCode::from(1)),
            Self::Closed => return ExitCode::SUCCESS,
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        // Where nobody can be told, the exit code still tells.
        _ = writeln!(std::io::stderr(), "error: {}", words.join(" "));
        code
    }

    /// The same, with where it happened in front.
    pub fn at(self, place: &str) -> Self {
        match self {
            Self::Usage(text) => Self::Usage(format!("{place}: {text}")),
            Self::Run(text) => Self::Run(format!("{place}: {text}")),
            Self::Closed => Self::Closed,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLarge { .. } | Error::InvalidPlan { .. } => Self::Run(error.to_string()),
            Error::Shape { .. } | Error::NotDifferentiable { .. } | Error::Model { .. } => {
                Self::Usage(error.to_string())
            }
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotFound { .. } => Self::Usage(error.to_string()),
            _ => Self::Run(error.to_string()),
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Option { .. } => Self::Usage(error.to_string()),
            _ => Self::Run(error.to_string()),
        }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Model(error) => error.into(),
            TrainError::Engine(error) => error.into(),
            TrainError::Setting(text) => Self::Usage(text),
            TrainError::NotAModel { weights: true, ref file, .. } => {
                Self::Run(format!("{error}: train MODEL --init {file}"))
            }
            _ => Self::Run(error.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Run(error.to_string())
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::Run(error.to_string())
    }
}
