//! How to train, between the page's names and the trainer's.

use convoke::optim::{Optimizer, OptimizerKind as Kind, OptimizerOptions};
use convoke::train::{Settings, TrainError};

use js_sys::Object;
use serde::Serialize;
use wasm_bindgen::JsCast;

use crate::failure;
use crate::protocol::{Failure, Js, OptimizerKind, OptimizerSettings, TextSettings, TrainingSettings};

/// How to train, as a model's text says it; nothing where it says nothing of it.
pub(crate) fn of_text(text: &str) -> failure::Result<Option<TextSettings>> {
    let tables = Settings::tables(text)?;
    if tables.is_empty() {
        return Ok(None);
    }
    let settings = Settings::from_model(text)?;
    settings.check()?;
    let wrong = |what: String| Failure::new("setting", what);
    for (name, value) in [("seed", Some(settings.seed)), ("max_steps", settings.max_steps)] {
        if let Some(value) = value.filter(|&value| value > u32::MAX.into()) {
            return Err(wrong(format!("[train]: {name} is {value}; in a browser it has to be {} at most", u32::MAX)));
        }
    }
    let format = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
    let tables = tables.serialize(&format).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(TextSettings { settings: (&settings).into(), tables: Js(tables.unchecked_into::<Object>()) }))
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self::from(Optimizer::default())
    }
}

impl Default for OptimizerKind {
    fn default() -> Self {
        OptimizerSettings::default().kind
    }
}

impl From<&Settings> for TrainingSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            epochs: settings.epochs,
            batch_size: settings.batch_size as u32,
            optimizer: settings.optimizer.into(),
            seed: settings.seed as u32,
            shuffle: settings.shuffle,
            max_steps: settings.max_steps.map(|steps| steps as u32),
            more: String::new(),
        }
    }
}

impl TryFrom<&TrainingSettings> for Settings {
    type Error = TrainError;

    fn try_from(settings: &TrainingSettings) -> Result<Self, TrainError> {
        let more = Self::from_tables(&settings.more)?;
        let described = more.optimizer != Optimizer::default();
        let settings = Self {
            epochs: settings.epochs,
            batch_size: settings.batch_size as usize,
            optimizer: if described { more.optimizer } else { settings.optimizer.clone().into() },
            seed: settings.seed.into(),
            shuffle: settings.shuffle,
            max_steps: settings.max_steps.map(u64::from),
            ..more
        };
        settings.check()?;
        Ok(settings)
    }
}

impl From<Optimizer> for OptimizerSettings {
    fn from(optimizer: Optimizer) -> Self {
        let OptimizerOptions { kind, momentum, nesterov, .. } = optimizer.into();
        let kind = match kind.unwrap_or_default() {
            Kind::Sgd => OptimizerKind::Sgd,
            Kind::Adam => OptimizerKind::Adam,
            Kind::AdamW => OptimizerKind::AdamW,
            Kind::RmsProp => OptimizerKind::RmsProp,
            Kind::Adagrad => OptimizerKind::Adagrad,
            Kind::Lion => OptimizerKind::Lion,
        };
        Self {
            kind,
            lr: optimizer.lr(),
            momentum: momentum.unwrap_or(0.0),
            nesterov: nesterov.unwrap_or(false),
            weight_decay: optimizer.weight_decay(),
        }
    }
}

impl From<OptimizerSettings> for Optimizer {
    fn from(settings: OptimizerSettings) -> Self {
        let OptimizerSettings { kind, lr, momentum, nesterov, weight_decay } = settings;
        let kind = match kind {
            // What only SGD looks at.
            OptimizerKind::Sgd => return Self::Sgd { lr, momentum, nesterov, weight_decay },
            OptimizerKind::Adam => Kind::Adam,
            OptimizerKind::AdamW => Kind::AdamW,
            OptimizerKind::RmsProp => Kind::RmsProp,
            OptimizerKind::Adagrad => Kind::Adagrad,
            OptimizerKind::Lion => Kind::Lion,
        };
        let (lr, weight_decay) = (Some(lr), Some(weight_decay));
        let options = OptimizerOptions { kind: Some(kind), lr, weight_decay, ..OptimizerOptions::default() };
        Self::try_from(options).expect("every optimizer has a rate and a weight decay")
    }
}
