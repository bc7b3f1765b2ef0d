//! MODEL: a preset's name or a TOML file.

use std::path::Path;

use convoke::error::Error;
use convoke::nearest::did_you_mean;
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
    /// Finds the model of that name: a preset, else a file; for pictures of another size where one is given.
    pub fn find(named: &str, input: Option<Input>) -> Result<Self> {
        let input = input.map(|Input(sides)| sides);
        let preset = input.map_or_else(|| ModelSpec::preset(named), |input| ModelSpec::preset_for(named, input));
        let (spec, settings) = match preset {
            Some(spec) => (spec, Settings::default()),
            None => {
                let (spec, settings) = read(named)?;
                (ModelSpec { input: input.unwrap_or(spec.input), ..spec }, settings)
            }
        };
        Ok(Self { named: named.into(), spec, settings })
    }

    /// Builds the network for data of so many classes.
    pub fn build(&self, classes: usize) -> Result<Network> {
        let network = self.spec.clone().with_classes(classes).build();
        network.map_err(|error| Failure::from(error).at(&self.named))
    }
}

/// Channels, height and width of pictures, written as `3,64,64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input(pub [usize; 3]);

impl std::str::FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let sides: Option<Vec<usize>> = text.split([',', 'x', '×']).map(|side| side.trim().parse().ok()).collect();
        match sides.as_deref() {
            Some(&[channels, height, width]) => Ok(Self([channels, height, width])),
            _ => Err("give channels, height and width, such as 3,64,64".into()),
        }
    }
}

fn read(named: &str) -> Result<(ModelSpec, Settings)> {
    let presets = ModelSpec::presets().collect::<Vec<_>>().join(", ");
    let hint = format!("give a preset ({presets}) or a model's TOML file");
    if !Path::new(named).exists() {
        let near = did_you_mean(named, ModelSpec::presets());
        return Err(Failure::Usage(format!("there is no model `{named}`{near}: {hint}")));
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
