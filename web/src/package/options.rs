//! What JavaScript may say about data and training.

use convoke::train::Settings;
use js_sys::{Function, Promise, Uint8Array};
use toml::{Table, Value};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::given::Given;
use super::{Result, fail, tables};
use crate::protocol::{DeviceChoice, Failure};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a dataset should become. */
export interface DataOptions {
  /** Rows and columns that pictures are brought to: the model's. Without it, those of the first picture. */
  size?: [number, number];
  /** 1 for grey, 3 for colour. Without it, as the pictures are. */
  channels?: 1 | 3;
  /** Decides which pictures are for testing, where the data doesn't say. */
  seed?: number;
  /** The share of pictures that is for testing, where the data doesn't say; 0.2 without it. */
  testFraction?: number;
  /** Is told how many pictures of how many are decoded. What it throws ends nothing: it is an unhandled rejection. */
  onProgress?: (done: number, total: number) => void;
}

/** Pictures as numbers. */
export interface Arrays {
  /** One picture after the other; of each, one plane for each channel, row by row. */
  pixels: Uint8Array | Uint8ClampedArray;
  /** The class of each, by its position in `classes`. */
  labels: ArrayLike<number>;
  /** 1 or 3. */
  channels: number;
  height: number;
  width: number;
  classes: string[];
  /** Pictures to test on; without them a share of the others is set aside. */
  test?: { pixels: Uint8Array | Uint8ClampedArray; labels: ArrayLike<number> };
}

/** An optimizer with its constants. What is left out has the command's default for that type. */
export interface OptimizerOptions {
  /** Which; "sgd" where nothing says. */
  type?: "sgd" | "adam" | "adamw" | "rmsprop" | "adagrad" | "lion";
  /** The learning rate, above 0: 0.01 for sgd and adagrad, 0.001 for adam, adamw and rmsprop, 0.0001 for lion. */
  lr?: number;
  /** For sgd, 0.9, and rmsprop, 0: from 0 up to but not including 1. */
  momentum?: number;
  /** SGD's look-ahead, which needs momentum. */
  nesterov?: boolean;
  /** 0.01 for adamw, 0 for the others. */
  weightDecay?: number;
}

/** How to train, and on what. What is left out is as the model's file says, where it says, else as the command's default. */
export interface TrainOptions {
  /** How often every training picture is seen, from 1; 15 where nothing says. */
  epochs?: number;
  /** Samples of a step, from 1 to 65,536; 64 where nothing says. */
  batchSize?: number;
  /** The optimizer. Another type than the model file's begins with its own defaults. */
  optimizer?: OptimizerOptions;
  /** What the initial weights and the order of the samples follow from, from 0 to 4,294,967,295. */
  seed?: number;
  /** Whether each epoch has an order of its own; so it is where nothing says. */
  shuffle?: boolean;
  /** Stop after so many steps, if that is sooner. */
  maxSteps?: number;
  /** All else that the command has: as an object, or as TOML. An optimizer that is described here counts; of the rest, what has a name above. */
  more?: MoreSettings | string;
  /** What to compute on: "auto" (the default), "gpu" or "cpu". */
  device?: DeviceChoice;
  /** The bytes of a safetensors file whose weights to begin with. */
  init?: Uint8Array;
  /** Is told how many kernels of how many are prepared. What it throws ends nothing: it is an unhandled rejection. */
  onProgress?: (done: number, total: number) => void;
}

/** What happens while training. */
export type TrainingEvent =
  | ({ type: "step" } & StepRecord)
  | ({ type: "epoch" } & EpochRecord)
  | { type: "evaluating"; done: number; total: number };
"#;

#[wasm_bindgen(typescript_custom_section)]
const MORE: &str = include_str!("more.d.ts");

/// `DataOptions`.
pub(super) struct DataOptions {
    pub options: convoke::data::Options,
    pub on_progress: Option<Function>,
}

impl DataOptions {
    pub fn read(value: JsValue) -> Result<Self> {
        let names = ["size", "channels", "seed", "testFraction", "onProgress"];
        let given = Given::read(value, "the second argument, the options,", "setting", &names)?;
        let defaults = convoke::data::Options::default();
        let size = match given.wholes("size", 1..=u32::MAX, 2)?.as_deref() {
            None => None,
            Some(&[height, width]) => Some([height as usize, width as usize]),
            Some(_) => return Err(Failure::new("setting", "`size` has to be [height, width], and is shorter").into()),
        };
        let options = convoke::data::Options {
            size,
            channels: given.whole("channels", 1..=3)?.map(|channels| channels as usize),
            seed: given.whole("seed", 0..=u32::MAX)?.unwrap_or(0).into(),
            test_fraction: given.number("testFraction")?.unwrap_or(defaults.test_fraction),
            max_bytes: crate::data::MOST_BYTES,
        };
        Ok(Self { options, on_progress: given.function("onProgress")? })
    }
}

/// `TrainOptions`.
pub(super) struct TrainOptions {
    /// How to train: what the model says with what is given laid over it.
    pub settings: Settings,
    pub device: DeviceChoice,
    pub init: Option<Uint8Array>,
    pub on_progress: Option<Function>,
}

impl TrainOptions {
    /// Reads what is given for a model that comes with these tables.
    pub fn read(value: JsValue, model: &Table) -> Result<Self> {
        let names =
            ["epochs", "batchSize", "optimizer", "seed", "shuffle", "maxSteps", "more", "device", "init", "onProgress"];
        let given = Given::read(value, "the third argument, the options,", "setting", &names)?;
        let mut all = model.clone();
        if let Some(optimizer) = given.within("optimizer", &["type", "lr", "momentum", "nesterov", "weightDecay"])? {
            tables::lay(&mut all, table("optimizer", self::optimizer(&optimizer)?));
        }
        if let Some(more) = given.get("more") {
            tables::lay(&mut all, tables::of_more(&more)?);
        }
        let whole = |name| given.whole(name, 1..=u32::MAX);
        let mut train = Table::new();
        let integer = |name: &str, value: Option<u32>| value.map(|n| (name.to_string(), Value::Integer(n.into())));
        train.extend(integer("epochs", whole("epochs")?));
        train.extend(integer("batch_size", given.whole("batchSize", 1..=65_536)?));
        train.extend(integer("seed", given.whole("seed", 0..=u32::MAX)?));
        train.extend(integer("max_steps", whole("maxSteps")?));
        train.extend(given.flag("shuffle")?.map(|shuffle| ("shuffle".to_string(), Value::Boolean(shuffle))));
        tables::lay(&mut all, table("train", train));
        let text = toml::to_string(&all).map_err(|error| JsValue::from(Failure::new("setting", error.to_string())))?;
        let settings = Settings::from_tables(&text).map_err(fail)?;
        settings.check().map_err(fail)?;
        let device = device(&given)?;
        Ok(Self { settings, device, init: given.bytes("init")?, on_progress: given.function("onProgress")? })
    }
}

/// A table of one name.
fn table(name: &str, table: Table) -> Table {
    let mut outer = Table::new();
    outer.insert(name.into(), Value::Table(table));
    outer
}

fn optimizer(given: &Given) -> Result<Table> {
    const TYPES: [&str; 6] = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion"];
    let mut table = Table::new();
    table.extend(given.word("type", &TYPES)?.map(|kind| ("type".to_string(), TYPES[kind].into())));
    for (name, key) in [("lr", "lr"), ("momentum", "momentum"), ("weightDecay", "weight_decay")] {
        table.extend(given.number(name)?.map(|number| (key.to_string(), Value::Float(number))));
    }
    table.extend(given.flag("nesterov")?.map(|nesterov| ("nesterov".to_string(), Value::Boolean(nesterov))));
    Ok(table)
}

/// What to compute on, by its name in `device`.
pub(super) fn device(given: &Given) -> Result<DeviceChoice> {
    Ok(match given.word("device", &["auto", "gpu", "cpu"])? {
        Some(1) => DeviceChoice::Gpu,
        Some(2) => DeviceChoice::Cpu,
        _ => DeviceChoice::Auto,
    })
}

/// A function that tells a callback of progress, if there is one.
pub(super) fn teller(callback: Option<Function>) -> impl FnMut(usize, usize) {
    move |done, total| {
        let told = callback
            .as_ref()
            .map(|callback| callback.call2(&JsValue::NULL, &(done as f64).into(), &(total as f64).into()));
        if let Some(Err(thrown)) = told {
            // What a callback throws ends nothing, and is told as what nobody has caught.
            drop(Promise::reject(&thrown));
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// See the type's own documentation.
    #[wasm_bindgen(typescript_type = "DataOptions")]
    pub type DataOptionsObject;
    /// See the type's own documentation.
    #[wasm_bindgen(typescript_type = "TrainOptions")]
    pub type TrainOptionsObject;
    /// See the type's own documentation.
    #[wasm_bindgen(typescript_type = "Arrays")]
    pub type ArraysObject;
}

/// `Arrays`.
pub(super) struct Arrays {
    pub pictures: LabelledPixels,
    /// Channels, height and width.
    pub size: [usize; 3],
    pub classes: Vec<String>,
    pub test: Option<LabelledPixels>,
}

/// Pictures one after the other, with the class of each.
pub(super) struct LabelledPixels {
    pub pixels: Uint8Array,
    pub labels: Vec<u32>,
}

impl Arrays {
    pub fn read(value: JsValue) -> Result<Self> {
        let names = ["pixels", "labels", "channels", "height", "width", "classes", "test"];
        let given = Given::read(value, "the first argument, the arrays,", "data", &names)?;
        let whole = |name, range| Ok::<_, JsValue>(given.needed(name, given.whole(name, range)?)? as usize);
        let side = 1..=convoke::data::MAX_SIDE;
        let size = [whole("channels", 1..=3)?, whole("height", side.clone())?, whole("width", side)?];
        let classes = given.needed("classes", given.texts("classes")?)?;
        let test = given.within("test", &["pixels", "labels"])?;
        let test = test.map(|test| LabelledPixels::read(&test)).transpose()?;
        Ok(Self { pictures: LabelledPixels::read(&given)?, size, classes, test })
    }
}

impl LabelledPixels {
    fn read(given: &Given) -> Result<Self> {
        let pixels = given.needed("pixels", given.bytes("pixels")?)?;
        // No picture is without a byte.
        let labels = given.wholes("labels", 0..=u32::MAX, pixels.length() as usize)?;
        Ok(Self { labels: given.needed("labels", labels)?, pixels })
    }
}
