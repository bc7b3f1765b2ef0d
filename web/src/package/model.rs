//! Models.

use convoke::model::ModelSpec;
use convoke::train::{Settings, TrainError};
use toml::{Table, Value};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::given::Given;
use super::{Result, fail, object, tables};
use crate::model;
use crate::protocol::{Failure, ModelSource};

#[wasm_bindgen]
extern "C" {
    /// A model's description as an object.
    #[wasm_bindgen(typescript_type = "ModelObject & MoreSettings")]
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
    /// How to train it, as far as its file says.
    pub(super) tables: Table,
}

#[wasm_bindgen]
impl Model {
    /// A model from an object: `{ name, input: [channels, height, width], classes, layers: [{ type, name, … }] }`, with the layers' settings
    /// by the names that the TOML uses. How to train it may stand beside: `train`, `optimizer`, `schedule`, `loss` and `augment`.
    ///
    /// # Errors
    /// An `Error` with `code` `model`, and the `layer` at which it is wrong; with `code` `setting` where how to train it is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(description: ModelDescription) -> Result<Model> {
        let names: Vec<&str> = ["name", "input", "classes", "layers"].into_iter().chain(tables::NAMES).collect();
        let description = JsValue::from(description);
        Given::read(description.clone(), "the model", "model", &names)?;
        let wrong = |problem: String| JsValue::from(Failure::new("model", problem));
        let mut object = tables::of_object(&description)?;
        let tables = tables::taken(&mut object);
        let spec = ModelSpec::from_object(Value::Table(object));
        Self::checked(spec.map_err(|error| wrong(error.explanation()))?.map_err(fail)?, tables)
    }

    /// A model from the command's TOML. What that says of training, in `[train]`, `[optimizer]`, `[schedule]`, `[loss]` and `[augment]`,
    /// `Trainer.create` begins from.
    ///
    /// # Errors
    /// As the constructor.
    #[wasm_bindgen(js_name = fromToml)]
    pub fn from_toml(toml: String) -> Result<Model> {
        let spec = model::read(&ModelSource::Toml { toml: toml.clone() })?;
        Self::checked(spec, tables::of_text(&toml)?)
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
        Ok(Self { spec: ModelSpec::preset(name).ok_or_else(unknown)?, tables: Table::new() })
    }

    /// The description as TOML, as the command reads it, with how to train it as far as that came with it.
    #[wasm_bindgen(js_name = toToml)]
    pub fn to_toml(&self) -> String {
        let tables = toml::to_string(&self.tables).expect("what was read is written");
        let between = if tables.is_empty() { "" } else { "\n" };
        self.spec.to_toml() + between + &tables
    }

    /// Shapes, parameters, operations and bytes, layer by layer, and how its file says to train it; the bytes are those of training with batches
    /// of `batch_size`.
    ///
    /// # Errors
    /// None but defects.
    pub fn summary(&self, batch_size: Option<u32>) -> Result<ModelSummary> {
        let source = ModelSource::Toml { toml: self.to_toml() };
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
    fn checked(spec: ModelSpec, tables: Table) -> Result<Self> {
        spec.build().map_err(fail)?;
        let text = toml::to_string(&tables).map_err(|error| fail(TrainError::Setting(error.to_string())))?;
        Settings::from_tables(&text).and_then(|settings| settings.check()).map_err(fail)?;
        Ok(Self { spec, tables })
    }
}
