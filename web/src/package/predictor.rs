//! Trained models.

use std::rc::Rc;

use convoke::formats::TensorFile;
use convoke::train::{ModelFile, TrainError};
use futures_util::lock::Mutex;
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{AnyPicture, Result, fail, object, picture, promise};
use crate::insight::Insight;
use crate::protocol::Reply;

/// A trained model, ready for pictures.
#[wasm_bindgen]
pub struct Predictor {
    model: Rc<ModelFile>,
    insight: Rc<Mutex<Insight>>,
}

#[wasm_bindgen]
impl Predictor {
    /// Opens a `model.safetensors`, as the command, the page and `Trainer.save` write it.
    ///
    /// # Errors
    /// An `Error` with `code` `not-safetensors`, `not-a-model` or `weights`.
    pub fn load(bytes: &[u8]) -> Result<Predictor> {
        let name = "the given model";
        let file = TensorFile::decode(name, bytes).map_err(|error| fail(TrainError::from(error)))?;
        Ok(Self::of(ModelFile::from_tensor_file(name, file).map_err(fail)?))
    }

    /// The probability of each class for a picture, the most probable first. Pictures of any size are brought to the model's.
    ///
    /// # Errors
    /// An `Error` with `code` `not-a-picture`, `picture-too-large` or a device's.
    #[wasm_bindgen(unchecked_return_type = "Promise<ClassProbability[]>")]
    pub fn predict(&self, picture: AnyPicture) -> Promise {
        let (insight, model) = (self.insight.clone(), self.model.clone());
        promise(async move { predict(&insight, &model, &picture).await })
    }

    /// The names of the classes.
    #[wasm_bindgen(getter)]
    pub fn classes(&self) -> Vec<String> {
        self.model.classes.clone()
    }
}

impl Predictor {
    pub(super) fn of(model: ModelFile) -> Self {
        Self { model: Rc::new(model), insight: Rc::default() }
    }
}

/// What a model sees in a picture.
pub(super) async fn predict(insight: &Mutex<Insight>, model: &ModelFile, given: &AnyPicture) -> Result<JsValue> {
    let picture = picture(given)?;
    let reply = insight.lock().await.predict(model, picture).await?;
    let Reply::Prediction { classes, .. } = reply else { unreachable!("a prediction is what it gives") };
    object(&classes)
}
