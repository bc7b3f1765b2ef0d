//! What happens meanwhile.

use serde::Serialize;
#[cfg(not(feature = "package"))]
use tsify::Tsify;

use super::{DataReport, DeviceReport, EpochRecord, RunReport, StepRecord};

/// What takes long enough to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Pictures are fetched.
    Fetching,
    /// Pictures are decoded.
    Decoding,
    /// Kernels are prepared for the device.
    Preparing,
    /// The test pictures are evaluated.
    Evaluating,
}

/// What happens.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// So much of something is done.
    Progress {
        /// Of what.
        phase: Phase,
        /// Done.
        done: u32,
        /// All.
        total: u32,
    },
    /// The open data was brought to the input of a model that is about to be trained.
    Data {
        /// What is open now.
        data: Box<DataReport>,
        /// The input: channels, height and width.
        input: [u32; 3],
    },
    /// The active run has made steps.
    Steps {
        /// The run.
        run: String,
        /// Their figures.
        steps: Vec<StepRecord>,
        /// Samples a second of late.
        samples_per_second: f64,
        /// Seconds to the end at this pace.
        seconds_left: f64,
    },
    /// The active run has ended an epoch.
    Epoch {
        /// The run.
        run: String,
        /// Its figures.
        epoch: EpochRecord,
    },
    /// A checkpoint of the active run was taken.
    Saved {
        /// The run.
        run: String,
        /// The step after which.
        step: u32,
    },
    /// The active run stands otherwise than before.
    State {
        /// The run.
        run: Box<RunReport>,
    },
    /// The device was lost. The active run goes on, on a new one, from a checkpoint: what came after it is made anew.
    DeviceLost {
        /// The run.
        run: String,
        /// What the browser said.
        reason: String,
        /// The last step that still counts.
        step: u32,
        /// The device on which it goes on.
        device: DeviceReport,
    },
}
