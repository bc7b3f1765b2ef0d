//! What answers and events tell of devices, models, data and runs.

use serde::{Deserialize, Serialize};
use tsify::Tsify;

use js_sys::Object;

use super::{DeviceChoice, Failure, Js, TrainingSettings};

/// A device.
#[derive(Clone, Debug, Serialize, Deserialize, Tsify)]
pub struct DeviceReport {
    /// What to ask for to get it.
    pub choice: DeviceChoice,
    /// Its name.
    pub name: String,
    /// "gpu", "software gpu" or "cpu".
    pub kind: String,
    /// The interface through which it is driven.
    pub backend: String,
    /// The driver, or the instruction set.
    pub driver: String,
}

/// A model that comes along.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// Its description.
    pub toml: String,
}

/// A model, read.
#[derive(Clone, Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ModelReport {
    /// As an object, unless the text is not understood.
    #[tsify(optional, type = "ModelObject")]
    pub model: Option<Js<Object>>,
    /// As text, unless the object is not understood.
    #[tsify(optional)]
    pub toml: Option<String>,
    /// What is wrong with it.
    #[tsify(optional)]
    pub problem: Option<Failure>,
    /// The layers up to where something is wrong.
    pub layers: Vec<LayerReport>,
    /// What it costs, where nothing is wrong.
    #[tsify(optional)]
    pub totals: Option<ModelTotals>,
    /// How to train, where the text says that too, and nothing in it is wrong.
    #[tsify(optional)]
    pub training: Option<TextSettings>,
}

/// How to train, as the tables in a model's text say it.
#[derive(Clone, Debug, Serialize, Tsify)]
pub struct TextSettings {
    /// What has a name of its own here; what the text leaves out has the command's default.
    pub settings: TrainingSettings,
    /// All of the tables, as they are written.
    #[tsify(type = "Record<string, Record<string, unknown>>")]
    pub tables: Js<Object>,
}

/// What a layer is and costs, for one sample.
#[derive(Clone, Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The shape of its output.
    pub output: Vec<u32>,
    /// How many numbers it learns.
    pub parameters: f64,
    /// Floating-point operations of its forward pass.
    pub forward_flops: f64,
    /// Bytes of its output.
    pub activation_bytes: f64,
}

/// What a model costs.
#[derive(Clone, Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ModelTotals {
    /// How many numbers it learns.
    pub parameters: f64,
    /// Floating-point operations of the forward pass for one sample.
    pub forward_flops: f64,
    /// Floating-point operations of a training step for one sample.
    pub training_flops: f64,
    /// Bytes on the device while training, pictures left out.
    pub training_bytes: f64,
}

/// Data, open.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct DataReport {
    /// What it is called.
    pub name: String,
    /// Channels, height and width of its pictures now.
    pub size: [u32; 3],
    /// The classes.
    pub classes: Vec<ClassReport>,
    /// Pictures to train on.
    pub train: u32,
    /// Pictures to test on.
    pub test: u32,
    /// Bytes of the pixels.
    pub bytes: f64,
    /// What may spoil the training, in sentences.
    pub warnings: Vec<Warning>,
}

/// A class of the open data.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
pub struct ClassReport {
    /// Its name.
    pub name: String,
    /// Pictures to train on.
    pub train: u32,
    /// Pictures to test on.
    pub test: u32,
}

/// What may spoil the training.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
pub struct Warning {
    /// For programs: `small-class`, `imbalance`, `untested`, `left-out`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Pictures of one size.
#[derive(Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
pub struct Tiles {
    /// How many.
    pub count: u32,
    /// Columns of each.
    pub width: u32,
    /// Rows of each.
    pub height: u32,
    /// Red, green, blue, alpha of each pixel, row by row, one picture after the other.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[cfg_attr(not(feature = "package"), tsify(type = "Uint8ClampedArray<ArrayBuffer>"))]
    pub rgba: js_sys::Uint8ClampedArray,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// It trains.
    Running,
    /// It is held, and goes on at once when asked.
    Paused,
    /// It was ended before its last step, or the page was closed; it can be resumed.
    Stopped,
    /// All its steps are done.
    Finished,
    /// It broke off; what was learned before is kept.
    Failed,
}

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// What it is known by.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// When it was begun, in milliseconds since 1970.
    pub begun: f64,
    /// How it stands.
    pub state: RunState,
    /// Whether another tab has it: there it trains or is held, and here it can only be looked at.
    #[serde(default)]
    pub elsewhere: bool,
    /// Why it broke off, or why it is held.
    #[cfg_attr(not(feature = "package"), tsify(optional))]
    pub problem: Option<String>,
    /// The model's name.
    pub model: String,
    /// The model's description.
    pub toml: String,
    /// How it is trained.
    pub settings: TrainingSettings,
    /// The data's name.
    pub data: String,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// What it computes on, or did last.
    pub device: DeviceReport,
    /// Bytes on the device, pictures included.
    pub device_bytes: f64,
    /// How many numbers are learned.
    pub parameters: f64,
    /// Pictures to train on.
    pub train: u32,
    /// Pictures to test on.
    pub test: u32,
    /// Steps done.
    pub step: u32,
    /// The step that its newest checkpoint was taken after, where there is one.
    #[serde(default)]
    #[cfg_attr(not(feature = "package"), tsify(optional))]
    pub saved: Option<u32>,
    /// Steps in all.
    pub total_steps: u32,
    /// Steps of an epoch.
    pub steps_per_epoch: u32,
    /// The last epoch's figures.
    #[cfg_attr(not(feature = "package"), tsify(optional))]
    pub last: Option<EpochRecord>,
    /// The best test accuracy after an epoch, 0 … 1.
    #[cfg_attr(not(feature = "package"), tsify(optional))]
    pub best_accuracy: Option<f64>,
    /// Bytes that are kept of it.
    pub stored_bytes: f64,
}

/// A step's figures.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Tsify)]
pub struct StepRecord {
    /// Its number, from 1.
    pub step: u32,
    /// The mean loss of its batch, before the update.
    pub loss: f64,
    /// The share of its batch that was right, 0 … 1.
    pub accuracy: f64,
}

/// An epoch's figures.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct EpochRecord {
    /// Its number, from 1.
    pub epoch: u32,
    /// The mean loss of its samples, each at the time of its step.
    pub train_loss: f64,
    /// The share of them that was right, 0 … 1.
    pub train_accuracy: f64,
    /// The mean loss on the test pictures.
    pub test_loss: f64,
    /// The share of the test pictures that are right, 0 … 1.
    pub test_accuracy: f64,
    /// Samples trained on a second.
    pub samples_per_second: f64,
}

/// What a model makes of the test pictures.
#[derive(Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct EvaluationReport {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// How many pictures there were.
    pub samples: u32,
    /// The mean loss.
    pub loss: f64,
    /// The share that is right, 0 … 1.
    pub accuracy: f64,
    /// For each class, in rows, how many of its pictures were taken for each class, in columns.
    pub confusion: Vec<u32>,
    /// Wrong predictions, those first of which the model is surest.
    pub wrong: Vec<WrongPrediction>,
    /// Their pictures, in the same order.
    pub tiles: Tiles,
}

/// A wrong prediction.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
pub struct WrongPrediction {
    /// The picture's position among the test pictures.
    pub index: u32,
    /// Its class.
    pub label: u32,
    /// The class that it was taken for.
    pub predicted: u32,
    /// The probability of each class.
    pub probabilities: Vec<f64>,
}

/// What a layer makes of a picture.
#[derive(Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
pub struct FeatureMap {
    /// The layer.
    pub layer: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// A picture for each channel, black where smallest and white where largest in the layer; one row where the layer has no planes.
    pub tiles: Tiles,
}

/// A class with its probability.
#[derive(Clone, Debug, Serialize, Tsify)]
pub struct ClassProbability {
    /// Its name.
    pub name: String,
    /// 0 … 1.
    pub probability: f64,
}
