//! What the page can ask.

use js_sys::{Object, Uint8Array};
use serde::{Deserialize, Serialize};
use tsify::Tsify;
use web_sys::{Blob, ImageData};

use super::tagged::{Js, tagged};

tagged! {
/// What the page can ask.
#[derive(Debug)]
pub enum Command {
    /// Which devices there are; answered by [`Reply::Devices`].
    Devices = "devices",
    /// The models that come along, the types of layers, and how training usually is; answered by [`Reply::Presets`].
    Presets = "presets",
    /// Reads a model and says what it costs; answered by [`Reply::Model`], also where something is wrong with it.
    DescribeModel = "describeModel" {
        /// The model.
        model: ModelSource,
        /// Samples of a step, for the bytes that training takes.
        batch_size: u32,
    },
    /// Hands over files that the next [`Command::OpenData`] opens before its own; answered by [`Reply::Done`]. Each file takes the page a
    /// tenth of a millisecond or more, so thousands come in parts.
    HandOver = "handOver" {
        /// A part of them.
        files: Vec<PathFile>,
        /// Whether it is the first part: what was handed over before is forgotten.
        first: bool,
    },
    /// Opens data in the place of what was open; answered by [`Reply::Data`]. Progress is told as [`Phase::Decoding`]. An opening that is under
    /// way is given up: it fails with `cancelled`.
    OpenData = "openData" {
        /// Where it is.
        source: DataSource,
        /// Channels, height and width that pictures are brought to: the model's.
        input: [u32; 3],
        /// Decides which pictures are for testing, where the data doesn't say.
        seed: u32,
        /// The share of pictures that is for testing, where the data doesn't say; above 0, below 1.
        test_fraction: f64,
        /// Paths of files to leave out: those that an earlier attempt could not read.
        leave_out: Vec<String>,
    },
    /// Some pictures, as the model sees them; answered by [`Reply::Pictures`].
    Pictures = "pictures" {
        /// The model that they are to be looked at with: the active run has its own pictures, whatever is open. Without it, and with any other
        /// model, they are those of the open data.
        of: Option<ModelChoice>,
        /// Which half.
        part: Part,
        /// Only of this class.
        class: Option<u32>,
        /// How many to skip.
        from: u32,
        /// The most to show, up to 500.
        count: u32,
    },
    /// Begins a run on the open data; answered by [`Reply::Run`] when its first step is about to be made. Ends the active run, which is kept. Fails
    /// with `busy` while another run is being prepared.
    Start = "start" {
        /// The model.
        model: ModelSource,
        /// How to train.
        settings: TrainingSettings,
        /// On what.
        device: DeviceChoice,
        /// What the run is called; made up where empty.
        name: String,
        /// A model.safetensors whose weights to begin with.
        #[tsify(type = "Uint8Array", optional)]
        init: Option<Js<Uint8Array>>,
    },
    /// Makes a kept run active and goes on with it where its last checkpoint was taken; answered by [`Reply::Run`], or fails
    /// with `busy`, as [`Command::Start`] does.
    Resume = "resume" {
        /// The run.
        run: String,
        /// On what.
        device: DeviceChoice,
    },
    /// Gives up the run that is being prepared: nothing of it is kept, and what asked for it fails with `cancelled`; answered by
    /// [`Reply::Done`], also where there is none.
    Cancel = "cancel",
    /// Goes on with the active run after a pause; answered by [`Reply::Run`].
    Continue = "continue",
    /// Holds the active run after the steps under way, and keeps a checkpoint; answered by [`Reply::Run`].
    Pause = "pause",
    /// Makes one step of the active run, which is paused before and after; answered by [`Reply::Run`].
    Step = "step",
    /// Ends the active run: a checkpoint and the model are kept, the device is let go; answered by [`Reply::Run`].
    Stop = "stop",
    /// Ends the active run without keeping what it has learned since its last checkpoint, for where [`Command::Stop`] can't keep it; answered
    /// by [`Reply::Run`], which says what is left of it.
    Abandon = "abandon",
    /// All runs that are kept, the newest first; answered by [`Reply::Runs`].
    Runs = "runs",
    /// A run's log; answered by [`Reply::Log`].
    Log = "log" {
        /// The run.
        run: String,
    },
    /// Gives a run another name; answered by [`Reply::Done`].
    Rename = "rename" {
        /// The run.
        run: String,
        /// The name.
        name: String,
    },
    /// Deletes a run and all that is kept of it; answered by [`Reply::Done`].
    Delete = "delete" {
        /// The run.
        run: String,
    },
    /// A file of a run, to be saved; answered by [`Reply::File`].
    Export = "export" {
        /// The run.
        run: String,
        /// Which.
        what: Export,
    },
    /// Opens a model file, in the command's format, in the place of the one that was open; answered by [`Reply::Opened`].
    OpenModel = "openModel" {
        /// Its name, for messages.
        name: String,
        /// Its bytes.
        #[tsify(type = "Uint8Array")]
        bytes: Js<Uint8Array>,
    },
    /// What a model makes of test pictures: the active run of its own, any other model of the open data's; answered by [`Reply::Evaluation`].
    Evaluate = "evaluate" {
        /// The model.
        model: ModelChoice,
        /// The most wrong predictions to list.
        wrong: u32,
    },
    /// The filters of the first convolution; answered by [`Reply::Filters`].
    Filters = "filters" {
        /// The model.
        model: ModelChoice,
    },
    /// What each layer makes of one of the test pictures that belong to the model as with [`Command::Evaluate`]; answered by [`Reply::FeatureMaps`].
    FeatureMaps = "featureMaps" {
        /// The model.
        model: ModelChoice,
        /// The picture's position among the test pictures.
        picture: u32,
    },
    /// What a model sees in a picture; answered by [`Reply::Prediction`].
    Predict = "predict" {
        /// The model.
        model: ModelChoice,
        /// The picture.
        picture: PictureSource,
    },
    /// How much room there is; answered by [`Reply::Storage`].
    Storage = "storage",
}
}

tagged! {
/// A model's description.
#[derive(Debug)]
pub enum ModelSource {
    /// As text, the command's TOML.
    Toml = "toml" {
        /// The text.
        toml: String,
    },
    /// As an object of the same structure.
    Object = "object" {
        /// The object.
        #[tsify(type = "ModelObject")]
        model: Js<Object>,
    },
}
}

tagged! {
/// Where data is.
#[derive(Debug)]
pub enum DataSource {
    /// The pictures that come along.
    Embedded = "embedded",
    /// Files: a folder for each class, a zip of that, IDX files or CIFAR's.
    Files = "files" {
        /// What to call it.
        name: String,
        /// Each with its path.
        files: Vec<PathFile>,
    },
}
}

/// A file with its path within what was picked or dropped, parts joined by `/`. A path that ends in `/` is an empty folder.
#[derive(Debug, Deserialize, Tsify)]
pub struct PathFile {
    /// The path.
    pub path: String,
    /// The file.
    #[tsify(type = "Blob")]
    pub file: Js<Blob>,
}

/// Half of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// What is trained on.
    Train,
    /// What is tested on.
    Test,
}

/// How to train. What is left out has the command's default.
#[derive(Clone, Debug, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TrainingSettings {
    /// How often every training picture is seen, from 1.
    #[tsify(optional)]
    pub epochs: u32,
    /// Samples of a step, from 1 to 65,536.
    #[tsify(optional)]
    pub batch_size: u32,
    /// The optimizer.
    #[tsify(optional)]
    pub optimizer: OptimizerSettings,
    /// What the initial weights and the order of the samples follow from.
    #[tsify(optional)]
    pub seed: u32,
    /// Whether each epoch has an order of its own.
    #[tsify(optional)]
    pub shuffle: bool,
    /// Stop after so many steps, if that is sooner.
    #[tsify(optional)]
    pub max_steps: Option<u32>,
    /// All else that the command has, in the words of its model files: the tables `[train]` (`clip_norm`, `ema`, `accumulate`, `validation`,
    /// `patience`, …), `[optimizer]`, `[schedule]`, `[loss]` and `[augment]`, as TOML. An optimizer that is described here counts; of the rest, what
    /// has a name above.
    #[tsify(optional)]
    pub more: String,
}

/// An optimizer with its constants. What is left out has the command's default.
#[derive(Clone, Debug, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct OptimizerSettings {
    /// Which.
    #[serde(rename = "type")]
    #[tsify(optional)]
    pub kind: OptimizerKind,
    /// The learning rate, above 0.
    #[tsify(optional)]
    pub lr: f64,
    /// SGD's momentum, from 0 up to but not including 1.
    #[tsify(optional)]
    pub momentum: f64,
    /// SGD's look-ahead, which needs momentum.
    #[tsify(optional)]
    pub nesterov: bool,
    /// L2 penalty, 0 or more.
    #[tsify(optional)]
    pub weight_decay: f64,
}

/// Which optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum OptimizerKind {
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adam with the constants of its paper.
    Adam,
    /// AdamW with the constants of its paper.
    #[serde(rename = "adamw")]
    AdamW,
    /// RMSprop with PyTorch's constants.
    #[serde(rename = "rmsprop")]
    RmsProp,
    /// Adagrad with PyTorch's constants.
    Adagrad,
    /// Lion with the constants of its paper.
    Lion,
}

/// What to compute on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum DeviceChoice {
    /// The graphics processor where there is one, else the CPU.
    #[default]
    Auto,
    /// WebGPU, even where its adapter computes on the CPU.
    Gpu,
    /// The CPU, by WebAssembly.
    Cpu,
}

/// A file of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Export {
    /// `model.safetensors`, in the command's format.
    Model,
    /// The newest checkpoint, from which the command resumes too.
    Checkpoint,
    /// `metrics.jsonl`: a record a line.
    Log,
    /// `model.toml`.
    Toml,
}

tagged! {
/// Which trained model.
#[derive(Debug)]
pub enum ModelChoice {
    /// A run's: as it is now where the run is active, else as it was kept.
    Run = "run" {
        /// The run.
        run: String,
    },
    /// The one that [`Command::OpenModel`] opened.
    Opened = "opened",
}
}

tagged! {
/// A picture.
#[derive(Debug)]
pub enum PictureSource {
    /// A PNG, JPEG or WebP file.
    File = "file" {
        /// Its name, for messages.
        name: String,
        /// Its bytes.
        #[tsify(type = "Uint8Array")]
        bytes: Js<Uint8Array>,
    },
    /// Pixels: a camera's.
    Pixels = "pixels" {
        /// The picture.
        #[tsify(type = "ImageData")]
        image: Js<ImageData>,
    },
    /// One of the test pictures that belong to the model as with [`Command::Evaluate`].
    Test = "test" {
        /// Its position.
        index: u32,
    },
}
}

#[wasm_bindgen::prelude::wasm_bindgen(typescript_custom_section)]
const MODEL_OBJECT: &str = r#"
/** A layer of a model: its type, its name, the layers it takes its input from, and its type's settings. */
export type LayerObject = { type: string; name?: string; from?: string[]; [setting: string]: unknown };

/** A model's description as an object: what its TOML says. */
export interface ModelObject {
    /** What the model is called. */
    name?: string;
    /** Channels, height and width. */
    input: [number, number, number];
    /** The number of classes, which the data's replaces. */
    classes?: number;
    /** The layers: `type`, `name`, `from` and the type's settings, by the names that the TOML uses. */
    layers: LayerObject[];
}
"#;
