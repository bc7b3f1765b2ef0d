//! Models.

use convoke::model::ModelSpec;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{Result, fail, object};
use crate::model;
use crate::protocol::{Failure, Js, ModelSource};

#[wasm_bindgen]
extern "C" {
    /// A model's description as an object.
    #[wasm_bindgen(typescript_type = "ModelObject")]
    pub type ModelDescription;
    /// What a model is and costs.
    #[wasm_bindgen(typescript_type = "ModelReport")]
    pub type ModelSummary;
}

/// A model's description, checked.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) spec: ModelSpec,
}

#[wasm_bindgen]
impl Model {
    /// A model from an object: `{ name, input: [channels, height, width], classes, layers: [{ type, name, … }] }`, with the layers' settings
    /// by the names that the TOML uses.
    ///
    /// # Errors
    /// An `Error` with `code` `model`, and the `layer` at which it is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(description: ModelDescription) -> Result<Model> {
        Self::checked(model::read(&ModelSource::Object { model: Js(description.unchecked_into()) })?)
    }

    /// A model from the command's TOML.
    ///
    /// # Errors
    /// As the constructor.
    #[wasm_bindgen(js_name = fromToml)]
    pub fn from_toml(toml: String) -> Result<Model> {
        Self::checked(model::read(&ModelSource::Toml { toml })?)
    }

    /// A model that comes along, by its name: `reference-cnn`.
    ///
    /// # Errors
    /// An `Error` with `code` `model` that lists the names.
    pub fn preset(name: &str) -> Result<Model> {
        let unknown = || {
            let names: Vec<&str> = ModelSpec::presets().collect();
            Failure::new("model", format!("no model called {name:?} comes along; there are {}", names.join(", ")))
        };
        Ok(Self { spec: ModelSpec::preset(name).ok_or_else(unknown)? })
    }

    /// The description as TOML, as the command reads it.
    #[wasm_bindgen(js_name = toToml)]
    pub fn to_toml(&self) -> String {
        self.spec.to_toml()
    }

    /// Shapes, parameters, operations and bytes, layer by layer; the bytes are those of training with batches of `batch_size`.
    ///
    /// # Errors
    /// None but defects.
    pub fn summary(&self, batch_size: Option<u32>) -> Result<ModelSummary> {
        let source = ModelSource::Toml { toml: self.spec.to_toml() };
        Ok(object(&model::describe(&source, batch_size.unwrap_or(64) as usize))?.unchecked_into())
    }

    /// The model's name.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.spec.name.clone()
    }

    /// Channels, height and width of the pictures that it takes.
    #[wasm_bindgen(getter)]
    pub fn input(&self) -> Vec<u32> {
        self.spec.input.map(|n| n as u32).to_vec()
    }
}

impl Model {
    fn checked(spec: ModelSpec) -> Result<Self> {
        spec.build().map_err(fail)?;
        Ok(Self { spec })
    }
}
