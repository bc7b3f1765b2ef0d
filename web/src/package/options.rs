//! What JavaScript may say about data and training.

use std::fmt::Display;

use js_sys::{Object, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::Result;
use crate::protocol::{DeviceChoice, Failure, Js, OptimizerSettings, TrainingSettings};

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
  /** Is told how many pictures of how many are decoded. */
  onProgress?: (done: number, total: number) => void;
}

/** Pictures as numbers. */
export interface Arrays {
  /** One picture after the other; of each, one plane for each channel, row by row. */
  pixels: Uint8Array;
  /** The class of each, by its position in `classes`. */
  labels: ArrayLike<number>;
  /** 1 or 3. */
  channels: number;
  height: number;
  width: number;
  classes: string[];
  /** Pictures to test on; without them a share of the others is set aside. */
  test?: { pixels: Uint8Array; labels: ArrayLike<number> };
}

/** How to train, and on what. */
export interface TrainOptions extends Omit<TrainingSettings, "more"> {
  /** All else that the command has: as an object, or as TOML. */
  more?: MoreSettings | string;
  /** What to compute on: "auto" (the default), "gpu" or "cpu". */
  device?: DeviceChoice;
  /** The bytes of a safetensors file whose weights to begin with. */
  init?: Uint8Array;
  /** Is told how many kernels of how many are prepared. */
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

/// [`DataOptions`](TYPES).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct DataOptions {
    pub size: Option<[usize; 2]>,
    pub channels: Option<usize>,
    pub seed: u32,
    pub test_fraction: Option<f64>,
    pub on_progress: Option<Js<js_sys::Function>>,
}

impl DataOptions {
    pub fn to_options(&self) -> convoke::data::Options {
        let defaults = convoke::data::Options::default();
        convoke::data::Options {
            size: self.size,
            channels: self.channels,
            seed: self.seed.into(),
            test_fraction: self.test_fraction.unwrap_or(defaults.test_fraction),
            max_bytes: crate::data::MOST_BYTES,
        }
    }
}

/// `TrainOptions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct TrainOptions {
    pub epochs: u32,
    pub batch_size: u32,
    pub optimizer: OptimizerSettings,
    pub seed: u32,
    pub shuffle: bool,
    pub max_steps: Option<u32>,
    pub more: Option<Js<JsValue>>,
    pub device: DeviceChoice,
    pub init: Option<Js<Uint8Array>>,
    pub on_progress: Option<Js<js_sys::Function>>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        let TrainingSettings { epochs, batch_size, optimizer, seed, shuffle, max_steps, .. } =
            TrainingSettings::default();
        let (more, device, init, on_progress) = (None, DeviceChoice::Auto, None, None);
        Self { epochs, batch_size, optimizer, seed, shuffle, max_steps, more, device, init, on_progress }
    }
}

impl TrainOptions {
    pub fn settings(&self) -> Result<TrainingSettings> {
        Ok(TrainingSettings {
            epochs: self.epochs,
            batch_size: self.batch_size,
            optimizer: self.optimizer.clone(),
            seed: self.seed,
            shuffle: self.shuffle,
            max_steps: self.max_steps,
            more: self.more.as_ref().map_or_else(|| Ok(String::new()), |more| tables(&more.0))?,
        })
    }
}

/// The text of a model's file: as it is, or made of an object.
fn tables(more: &JsValue) -> Result<String> {
    let wrong =
        |error: &dyn Display| JsValue::from(Failure::new("setting", format!("`more` is not understood: {error}")));
    if let Some(text) = more.as_string() {
        return Ok(text);
    }
    let table: toml::Table = serde_wasm_bindgen::from_value(more.clone()).map_err(|error| wrong(&error))?;
    toml::to_string(&table).map_err(|error| wrong(&error))
}

/// An options object, with the names that it may have: reading takes what it knows, and would pass over a name that is misspelt.
pub(super) trait Options: for<'de> Deserialize<'de> + Default {
    const NAMES: &'static [&'static str];
}

impl Options for DataOptions {
    const NAMES: &'static [&'static str] = &["size", "channels", "seed", "testFraction", "onProgress"];
}

impl Options for TrainOptions {
    const NAMES: &'static [&'static str] =
        &["epochs", "batchSize", "optimizer", "seed", "shuffle", "maxSteps", "more", "device", "init", "onProgress"];
}

/// Reads an options object; `undefined` is one that says nothing.
pub(super) fn read<T: Options>(value: JsValue) -> Result<T> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    let names = value.dyn_ref::<Object>().map(Object::keys).unwrap_or_default();
    let unknown = names.iter().filter_map(|name| name.as_string()).find(|name| !T::NAMES.contains(&name.as_str()));
    if let Some(name) = unknown {
        let known = T::NAMES.join(", ");
        return Err(Failure::new("setting", format!("there is no option `{name}`; there are {known}")).into());
    }
    let wrong = |error: serde_wasm_bindgen::Error| {
        JsValue::from(Failure::new("setting", format!("the options are not understood: {error}")))
    };
    serde_wasm_bindgen::from_value(value).map_err(wrong)
}

/// A function that tells a callback of progress, if there is one.
pub(super) fn teller(callback: Option<&Js<js_sys::Function>>) -> impl FnMut(usize, usize) + use<> {
    let callback = callback.map(|callback| callback.0.clone());
    move |done, total| {
        if let Some(callback) = &callback {
            // What a callback throws is its own affair.
            drop(callback.call2(&JsValue::NULL, &(done as f64).into(), &(total as f64).into()));
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
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arrays {
    pub pixels: Js<Uint8Array>,
    pub labels: Vec<u32>,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub classes: Vec<String>,
    pub test: Option<TestArrays>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TestArrays {
    pub pixels: Js<Uint8Array>,
    pub labels: Vec<u32>,
}

impl Arrays {
    pub fn read(value: JsValue) -> Result<Self> {
        let wrong = |error: serde_wasm_bindgen::Error| {
            JsValue::from(Failure::new("data", format!("the arrays are not understood: {error}")))
        };
        serde_wasm_bindgen::from_value(value.unchecked_into()).map_err(wrong)
    }
}
