//! A trained model in a file: weights, architecture, class names, normalisation.

use std::collections::BTreeMap;

use convoke_core::model::ModelSpec;
use convoke_data::Statistics;
use convoke_formats::{NamedTensor, TensorFile};

use crate::error::{Result, TrainError};

/// The metadata's keys.
const MODEL: &str = "convoke.model";
const CLASSES: &str = "convoke.classes";
const NORMALIZATION: &str = "convoke.normalization";

/// What evaluation and prediction need, and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// The architecture.
    pub spec: ModelSpec,
    /// The classes' names, in the order of the logits.
    pub classes: Vec<String>,
    /// How pixels are normalised, for each of the model's channels.
    pub statistics: Statistics,
    /// The weights, named as in PyTorch.
    pub weights: Vec<NamedTensor>,
}

impl ModelFile {
    /// The file's contents.
    pub fn to_tensor_file(&self) -> TensorFile {
        let classes = serde_json::to_string(&self.classes).expect("names are text");
        let metadata = BTreeMap::from([
            (MODEL.into(), self.spec.to_toml()),
            (CLASSES.into(), classes),
            (NORMALIZATION.into(), self.statistics.to_string()),
        ]);
        TensorFile { tensors: self.weights.clone(), metadata }
    }

    /// Reads a model from a file's contents. Tensors whose names begin with `optimizer.` are left aside, so that a checkpoint
    /// is a model too.
    ///
    /// # Errors
    /// [`TrainError::NotAModel`] where the metadata is missing or broken, [`TrainError::Weights`] where tensors don't fit
    /// the architecture.
    pub fn from_tensor_file(file: &str, contents: TensorFile) -> Result<Self> {
        let not = |problem: String| TrainError::NotAModel {
            file: file.into(),
            wanted: "a model that Convoke has trained".into(),
            problem,
        };
        let text = |key: &str| {
            let missing = || {
                not(format!("its metadata has no `{key}`; plain weights can start a run: train MODEL --init {file}"))
            };
            contents.metadata.get(key).ok_or_else(missing)
        };
        let broken = |key: &str, reason: String| not(format!("its metadata's `{key}` can't be read ({reason})"));
        let spec = ModelSpec::from_toml(text(MODEL)?).map_err(|e| broken(MODEL, e.to_string()))?;
        let classes: Vec<String> = serde_json::from_str(text(CLASSES)?).map_err(|e| broken(CLASSES, e.to_string()))?;
        let statistics = text(NORMALIZATION)?.parse::<Statistics>();
        let statistics = statistics.map_err(|e| broken(NORMALIZATION, e.to_string()))?;
        if statistics.mean().len() != spec.input[0] || classes.len() != spec.classes {
            let (means, channels) = (statistics.mean().len(), spec.input[0]);
            let (names, count) = (classes.len(), spec.classes);
            return Err(not(format!(
                "it has {means} means for {channels} channels and {names} names for {count} classes"
            )));
        }
        let network = spec.build()?;
        let weights = contents.tensors.into_iter().filter(|t| !t.name.starts_with("optimizer.")).collect();
        let weights = crate::check_weights(&network, file, weights)?;
        Ok(Self { spec, classes, statistics, weights })
    }
}
