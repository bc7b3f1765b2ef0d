//! What can be wrong with a model, a graph or a plan.

/// Why an op can't take its inputs: a sentence for [`Error::Shape`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

impl Problem {
    /// A problem in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// What can be wrong with a model, a graph or a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A layer's inputs don't fit it.
    #[error("layer `{layer}` ({op}): {problem}")]
    Shape {
        /// The layer.
        layer: String,
        /// The op within it.
        op: String,
        /// Which shapes were found, and what is wanted.
        problem: String,
    },
    /// A derivative was asked for that an op doesn't have.
    #[error("layer `{layer}`: {op} has no derivative; freeze what is below it, or leave it out of the loss")]
    NotDifferentiable {
        /// The layer.
        layer: String,
        /// The op.
        op: String,
    },
    /// A model's description is wrong.
    #[error("model `{model}`: {problem}")]
    Model {
        /// The model's name, or the file's.
        model: String,
        /// The layer at which it is wrong, where it is one layer's matter.
        layer: Option<String>,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A tensor is larger than the device can bind, or than any memory.
    #[error(
        "{what} takes {bytes} bytes, and this device binds {limit} bytes at most; choose a smaller batch or model, or another device"
    )]
    TooLarge {
        /// The tensor or buffer.
        what: String,
        /// Its size.
        bytes: usize,
        /// The device's limit.
        limit: usize,
    },
    /// A plan breaks a rule that every adapter relies on: a defect of the planner.
    #[error("the plan `{plan}` is invalid at step {step}: {problem}")]
    InvalidPlan {
        /// The plan.
        plan: String,
        /// The step's position.
        step: usize,
        /// The rule and how it is broken.
        problem: String,
    },
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The layer at which something is wrong, where it is one layer's matter.
    pub fn layer(&self) -> Option<&str> {
        match self {
            Self::Shape { layer, .. } | Self::NotDifferentiable { layer, .. } => Some(layer),
            Self::Model { layer, .. } => layer.as_deref(),
            _ => None,
        }
    }
}
