//! Models between the page and the core: text, objects, what is wrong where.

use convoke::model::{ModelSpec, Outline};
use convoke::summary::{self, LayerSummary};

use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue};

use crate::failure::Result;
use crate::protocol::{
    Failure, Js, LayerReport, ModelReport, ModelSource, ModelTotals, Preset, Reply, TrainingSettings,
};
use crate::settings;

/// Reads a model.
pub(crate) fn read(source: &ModelSource) -> Result<ModelSpec> {
    match source {
        ModelSource::Toml { toml } => Ok(ModelSpec::from_toml(toml)?),
        ModelSource::Object { model } => read_object(&model.0),
    }
}

fn read_object(model: &Object) -> Result<ModelSpec> {
    let broken = |error| Failure::new("model", format!("the model is not understood: {error}"));
    let object = serde_wasm_bindgen::Deserializer::from(JsValue::from(model.clone()));
    Ok(ModelSpec::from_object(object).map_err(broken)??)
}

/// A model as an object.
fn object(spec: &ModelSpec) -> Option<Js<Object>> {
    let format = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
    spec.to_object(&format).ok()?.dyn_into().ok().map(Js)
}

/// What a model is and costs, how its text says to train it, and what is wrong with it.
pub(crate) fn describe(source: &ModelSource, batch_size: usize) -> ModelReport {
    let spec = match read(source) {
        Ok(spec) => spec,
        Err(problem) => {
            let (model, toml) = match source {
                ModelSource::Toml { toml } => (None, Some(toml.clone())),
                ModelSource::Object { model } => (Some(model.clone()), None),
            };
            return ModelReport {
                model,
                toml,
                problem: Some(problem),
                layers: Vec::new(),
                totals: None,
                training: None,
            };
        }
    };
    let Outline { graph, outputs, problem } = spec.outline();
    let layers = summary::layers(&graph, &spec.layers, &outputs).iter().map(layer).collect();
    let (totals, problem) = match problem {
        Some(problem) => (None, Some(problem.into())),
        None => match totals(&spec, batch_size.max(1)) {
            Ok(totals) => (Some(totals), None),
            Err(problem) => (None, Some(problem)),
        },
    };
    let (training, wrong) = match source {
        ModelSource::Toml { toml } => {
            settings::of_text(toml).map_or_else(|wrong| (None, Some(wrong)), |found| (found, None))
        }
        ModelSource::Object { .. } => (None, None),
    };
    let problem = problem.or_else(|| not_for_pictures(&spec)).or(wrong);
    ModelReport { model: object(&spec), toml: Some(spec.to_toml()), problem, layers, totals, training }
}

/// What is wrong with a model that pictures can't be given to.
fn not_for_pictures(spec: &ModelSpec) -> Option<Failure> {
    let [channels, ..] = spec.input;
    let message =
        format!("its input has {channels} channels, and pictures have 1 (grey) or 3 (colour): make it 1 or 3");
    (!matches!(channels, 1 | 3)).then(|| Failure::new("model", message))
}

fn layer(layer: &LayerSummary) -> LayerReport {
    LayerReport {
        name: layer.name.clone(),
        type_name: layer.type_name.into(),
        output: layer.output.iter().map(|&n| n as u32).collect(),
        parameters: layer.parameters as f64,
        forward_flops: layer.forward_flops as f64,
        activation_bytes: layer.activation_bytes as f64,
    }
}

fn totals(spec: &ModelSpec, batch_size: usize) -> Result<ModelTotals> {
    let summary = summary::summary(&spec.build()?, batch_size)?;
    Ok(ModelTotals {
        parameters: summary.parameters as f64,
        forward_flops: summary.forward_flops as f64,
        training_flops: summary.training_flops as f64,
        training_bytes: summary.training_bytes.total as f64,
    })
}

/// The models that come along.
pub(crate) fn presets() -> Reply {
    let presets = ModelSpec::presets().filter_map(|name| {
        let spec = ModelSpec::preset(name)?;
        Some(Preset { name: name.into(), toml: spec.to_toml() })
    });
    let layer_types = convoke::layers::Layer::TYPES.iter().map(|name| name.to_string()).collect();
    Reply::Presets { presets: presets.collect(), layer_types, usual: TrainingSettings::default() }
}
