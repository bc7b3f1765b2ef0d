//! The npm package: what JavaScript programs import.
//!
//! ```js
//! import init, { Dataset, Model, Trainer } from "convoke-web";
//!
//! await init();
//! const data = await Dataset.fromFiles(files);
//! const trainer = await Trainer.create(Model.preset("reference-cnn"), data, { epochs: 5 });
//! for await (const event of trainer.train()) console.log(event);
//! const [best] = await trainer.predict(imageData);
//! ```
//!
//! Everything works on the main thread and in workers. On the main thread WebGPU computes beside the page; the CPU computes in slices of a
//! tenth of a second, so a worker is better there.

mod dataset;
mod events;
mod given;
mod model;
mod options;
mod predictor;
mod tables;
mod trainer;

pub use dataset::{Dataset, LabelledImages, PathFiles};
pub use events::{Listener, TrainingEvents};
pub use model::{Model, ModelDescription, ModelSummary};
pub use options::{ArraysObject, DataOptionsObject, TrainOptionsObject};
pub use predictor::Predictor;
pub use trainer::{DeviceName, Trainer};

use js_sys::Promise;
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::future_to_promise;

use crate::device;
use crate::insight;
use crate::protocol::{DeviceReport, Failure, Js, PictureSource};

/// What the package's functions give: an `Error` with a `code` where they fail.
type Result<T> = std::result::Result<T, JsValue>;

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let error = js_sys::Error::new(&failure.message);
        let set = |name: &str, value: &JsValue| drop(js_sys::Reflect::set(&error, &name.into(), value));
        set("code", &failure.code.into());
        if let Some(layer) = failure.layer {
            set("layer", &layer.into());
        }
        if !failure.files.is_empty() {
            set("files", &serde_wasm_bindgen::to_value(&failure.files).unwrap_or_default());
        }
        error.into()
    }
}

/// An error of the crates below as JavaScript's.
fn fail(error: impl Into<Failure>) -> JsValue {
    error.into().into()
}

/// A promise of what a future gives. Unlike an asynchronous method's, it doesn't hold the object that it is asked of.
fn promise<T: Into<JsValue>>(work: impl Future<Output = Result<T>> + 'static) -> Promise {
    future_to_promise(async move { work.await.map(Into::into) })
}

/// Plain data as a JavaScript object.
fn object(value: &impl Serialize) -> Result<JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
    value.serialize(&serializer).map_err(JsValue::from)
}

#[wasm_bindgen]
extern "C" {
    /// A picture: pixels, or the bytes of a PNG, JPEG or WebP file.
    #[wasm_bindgen(typescript_type = "ImageData | Uint8Array")]
    pub type AnyPicture;
    /// Devices.
    #[wasm_bindgen(typescript_type = "DeviceReport[]")]
    pub type DeviceReports;
}

/// A picture that JavaScript has given.
fn picture(given: &AnyPicture) -> Result<convoke::data::Picture> {
    let source = if let Some(image) = given.dyn_ref::<web_sys::ImageData>() {
        PictureSource::Pixels { image: Js(image.clone()) }
    } else if let Some(bytes) = given.dyn_ref::<js_sys::Uint8Array>() {
        PictureSource::File { name: "the picture".into(), bytes: Js(bytes.clone()) }
    } else {
        let message = "a picture has to be an ImageData, or the bytes of a PNG, JPEG or WebP file as a Uint8Array";
        return Err(Failure::new("not-a-picture", message).into());
    };
    Ok(insight::picture(&source, None)?)
}

/// The devices that this browser offers, the best first.
///
/// # Errors
/// None but defects.
#[wasm_bindgen]
pub async fn devices() -> Result<DeviceReports> {
    let mut reports: Vec<DeviceReport> = device::reports().await.0;
    reports.sort_by_key(|report| match report.kind.as_str() {
        "gpu" => 0,
        "cpu" => 1,
        _ => 2,
    });
    Ok(object(&reports)?.unchecked_into())
}
