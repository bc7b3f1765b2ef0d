//! A trained model in a file: weights, architecture, class names, normalisation.

use std::collections::BTreeMap;

use convoke_core::model::ModelSpec;
use convoke_data::Statistics;
use convoke_formats::{NamedTensor, TensorFile};
use serde::{Deserialize, Serialize};

use crate::checkpoint::State;
use crate::error::{Result, TrainError};
use crate::loss::LossSettings;

/// The metadata's only key: with several, their order in the file, and so its bytes, would differ from one writing to the next.
const KEY: &str = "convoke";

/// What the metadata holds, as JSON.
#[derive(Serialize, Deserialize)]
struct Description {
    /// The architecture, as TOML.
    model: String,
    /// The classes' names.
    classes: Vec<String>,
    /// Means and standard deviations, as `--normalize` takes them.
    normalization: String,
    /// What it was trained to minimise, where that is not cross-entropy.
    #[serde(default, skip_serializing_if = "is_default")]
    loss: LossSettings,
    /// What only a checkpoint has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
}

fn is_default(loss: &LossSettings) -> bool {
    *loss == LossSettings::default()
}

/// What evaluation and prediction need, and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// The architecture.
    pub spec: ModelSpec,
    /// The classes' names, in the order of the logits.
    pub classes: Vec<String>,
    /// How pixels are normalised, for each of the model's channels.
    pub statistics: Statistics,
    /// The plain loss that it was trained for: what evaluation reports, and what makes probabilities of its outputs.
    pub loss: LossSettings,
    /// The weights, named as in PyTorch.
    pub weights: Vec<NamedTensor>,
}

impl ModelFile {
    /// The file's contents.
    pub fn to_tensor_file(&self) -> TensorFile {
        self.with_state(None)
    }

    /// The file's contents, with what makes it a checkpoint.
    pub(crate) fn with_state(&self, state: Option<State>) -> TensorFile {
        let (model, classes) = (self.spec.to_toml(), self.classes.clone());
        let description =
            Description { model, classes, normalization: self.statistics.to_string(), loss: self.loss.plain(), state };
        let description = serde_json::to_string(&description).expect("plain data");
        let mut metadata = BTreeMap::new();
        metadata.insert(KEY.into(), description);
        TensorFile { tensors: self.weights.clone(), metadata }
    }

    /// Reads a model from a file's contents. Tensors whose names begin with `optimizer.` are left aside, so that a checkpoint
    /// is a model too.
    ///
    /// # Errors
    /// [`TrainError::NotAModel`] where the metadata is missing or broken, [`TrainError::Weights`] where tensors don't fit
    /// the architecture.
    pub fn from_tensor_file(file: &str, contents: TensorFile) -> Result<Self> {
        Ok(Self::and_state(file, contents)?.0)
    }

    /// As [`ModelFile::from_tensor_file`], with a checkpoint's state where there is one.
    pub(crate) fn and_state(file: &str, contents: TensorFile) -> Result<(Self, Option<State>)> {
        let not = |problem: String, weights: bool| TrainError::NotAModel {
            file: file.into(),
            wanted: "a model that Convoke has trained".into(),
            problem,
            weights,
        };
        let missing = || not(format!("its metadata has no `{KEY}`"), true);
        let broken = |reason: String| not(format!("its metadata's `{KEY}` can't be read ({reason})"), false);
        let text = contents.metadata.get(KEY).ok_or_else(missing)?;
        let description: Description = serde_json::from_str(text).map_err(|e| broken(e.to_string()))?;
        let spec = ModelSpec::from_toml(&description.model).map_err(|e| broken(e.to_string()))?;
        let statistics = description.normalization.parse::<Statistics>().map_err(|e| broken(e.to_string()))?;
        let Description { classes, loss, state, .. } = description;
        loss.check()?;
        if statistics.mean().len() != spec.input[0] || classes.len() != spec.classes {
            let (means, channels) = (statistics.mean().len(), spec.input[0]);
            let (names, count) = (classes.len(), spec.classes);
            let problem = format!("it has {means} means for {channels} channels and {names} names for {count} classes");
            return Err(not(problem, false));
        }
        let network = spec.build()?;
        let weights = contents.tensors.into_iter().filter(|t| !t.name.starts_with("optimizer.")).collect();
        let weights = crate::check_weights(&network, file, weights)?;
        Ok((Self { spec, classes, statistics, loss, weights }, state))
    }
}
