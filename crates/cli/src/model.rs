//! MODEL: a preset's name or a TOML file.

use std::path::Path;

use convoke::error::Error;
use convoke::prelude::{ModelSpec, Network, Settings};
use convoke::read_file;

use crate::failure::{Failure, Result};

/// What is trained where no model is named.
pub const DEFAULT: &str = "reference-cnn";

/// The most bytes that a description may take.
const MOST_BYTES: u64 = 4 << 20;

/// A model's description, and how the user named it.
#[derive(Debug)]
pub struct Model {
    named: String,
    /// The description.
    pub spec: ModelSpec,
    /// How its file says to train it; as by default where it doesn't.
    pub settings: Settings,
}

impl Model {
    /// Finds the model of that name: a preset, else a file.
    pub fn find(named: &str) -> Result<Self> {
        let (spec, settings) = match ModelSpec::preset(named) {
            Some(spec) => (spec, Settings::default()),
            None => read(named)?,
        };
        Ok(Self { named: named.into(), spec, settings })
    }

    /// Builds the network for data of so many classes.
    pub fn build(&self, classes: usize) -> Result<Network> {
        let network = self.spec.clone().with_classes(classes).build();
        network.map_err(|error| Failure::from(error).at(&self.named))
    }
}

fn read(named: &str) -> Result<(ModelSpec, Settings)> {
    let presets = ModelSpec::presets().collect::<Vec<_>>().join(", ");
    let hint = format!("give a preset ({presets}) or a model's TOML file");
    if !Path::new(named).exists() {
        return Err(Failure::Usage(format!("there is no model `{named}`: {hint}")));
    }
    let wrong = |problem: String| Failure::Usage(format!("can't read the model {named}: {problem}; {hint}"));
    let bytes = read_file(named, MOST_BYTES).map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not text".into()))?;
    let spec = ModelSpec::from_toml(&text).map_err(|error| match error {
        Error::Model { problem, .. } => Failure::Usage(format!("{named}: {problem}")),
        error => Failure::from(error).at(named),
    })?;
    let settings = Settings::from_model(&text).map_err(|error| Failure::from(error).at(named))?;
    Ok((spec, settings))
}
