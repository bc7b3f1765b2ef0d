//! The rows of a trace.

/// A row of an engine, or of the trainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// What is submitted, and its kernels within.
    Kernels = 1,
    /// Writes and reads.
    Transfers = 2,
    /// From asking until the answer is there.
    Waits = 3,
    /// The trainer's steps, evaluations and checkpoints.
    Steps = 4,
}

impl Row {
    /// The rows of a process: of the trainer, which is number 0, or of an engine.
    pub fn of(process: usize) -> &'static [Self] {
        if process == 0 { &[Self::Steps] } else { &[Self::Kernels, Self::Transfers, Self::Waits] }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Kernels => "kernels",
            Self::Transfers => "transfers",
            Self::Waits => "waits",
            Self::Steps => "steps",
        }
    }
}
