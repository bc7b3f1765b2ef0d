//! What the worker answers.

use serde::Serialize;
#[cfg(not(feature = "package"))]
use tsify::Tsify;

use super::{
    ClassProbability, DataReport, DeviceReport, EpochRecord, EvaluationReport, FeatureMap, ModelReport, Preset,
    RunReport, StepRecord, Tiles, TrainingSettings,
};

/// An answer.
#[derive(Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reply {
    /// It is done.
    Done,
    /// The devices.
    Devices {
        /// Each.
        devices: Vec<DeviceReport>,
        /// What [`DeviceChoice::Auto`] chooses, by position.
        auto: u32,
        /// Why there is no WebGPU, and what to do, where there is none.
        #[cfg_attr(not(feature = "package"), tsify(optional))]
        no_gpu: Option<String>,
    },
    /// The models that come along.
    Presets {
        /// Each.
        presets: Vec<Preset>,
        /// The types that a layer may have.
        layer_types: Vec<String>,
        /// How the command trains where nothing is said of it.
        usual: TrainingSettings,
    },
    /// A model, read.
    Model(ModelReport),
    /// Data, open.
    Data(DataReport),
    /// Pictures, with their labels.
    Pictures {
        /// The pictures.
        tiles: Tiles,
        /// The class of each.
        labels: Vec<u32>,
        /// The position of each in its half.
        indices: Vec<u32>,
        /// The names of the classes.
        classes: Vec<String>,
        /// How many there are, shown or not.
        total: u32,
    },
    /// The active run.
    Run {
        /// The run.
        run: RunReport,
    },
    /// All runs.
    Runs {
        /// The newest first.
        runs: Vec<RunReport>,
    },
    /// A run's log.
    Log {
        /// One for each step.
        steps: Vec<StepRecord>,
        /// One for each epoch.
        epochs: Vec<EpochRecord>,
    },
    /// A file.
    File {
        /// What to call it.
        name: String,
        /// Its media type.
        media_type: String,
        /// Its bytes.
        #[serde(with = "serde_wasm_bindgen::preserve")]
        #[cfg_attr(not(feature = "package"), tsify(type = "Uint8Array"))]
        bytes: js_sys::Uint8Array,
    },
    /// A model file, open.
    Opened {
        /// Its name.
        name: String,
        /// The names of its classes.
        classes: Vec<String>,
        /// Its description.
        toml: String,
        /// Channels, height and width.
        input: [u32; 3],
    },
    /// What a model makes of the test pictures.
    Evaluation(EvaluationReport),
    /// Filters, brightest where largest; one picture a filter, in colour where the input is.
    Filters {
        /// The layer that they are of.
        layer: String,
        /// The filters.
        tiles: Tiles,
    },
    /// What each layer makes of a picture.
    FeatureMaps {
        /// The layers, in the model's order.
        layers: Vec<FeatureMap>,
    },
    /// What a model sees in a picture.
    Prediction {
        /// The classes, the most probable first.
        classes: Vec<ClassProbability>,
        /// The picture as the model sees it.
        tiles: Tiles,
        /// Seconds that it took, decoding left out.
        seconds: f64,
    },
    /// Room for runs.
    Storage {
        /// Bytes in use.
        used: f64,
        /// Bytes that the browser grants.
        quota: f64,
        /// Whether the browser has promised to keep them.
        persisted: bool,
    },
}
