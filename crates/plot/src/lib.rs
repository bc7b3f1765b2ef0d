//! Pictures of runs, as SVG: the command's and the browser's alike.

mod curves;

pub use curves::curves;

/// A picture could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't draw {what}: {reason}")]
pub struct PlotError {
    /// The picture.
    pub what: String,
    /// What the drawing library said.
    pub reason: String,
}
