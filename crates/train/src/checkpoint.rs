//! Checkpoints: all that a run needs to go on as if nothing had happened.

use convoke_core::exact;
use convoke_formats::{NamedTensor, TensorFile};
use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};
use crate::model_file::ModelFile;
use crate::replicas::DeviceShare;
use crate::schedule::Plateau;
use crate::session::Figures;
use crate::settings::Settings;
use crate::store::Store;

/// The log's name in a store.
pub(crate) const LOG: &str = "metrics.jsonl";

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: u32,
    /// Samples done of the epoch at hand.
    pub position: usize,
    /// The sum of this epoch's losses so far.
    #[serde(with = "exact")]
    pub loss_sum: f64,
    /// How many of this epoch's samples were right so far.
    pub correct: u64,
    /// The bytes of the log that belong to these steps.
    pub log_bytes: u64,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// What a schedule on plateaus remembers.
    #[serde(default)]
    pub plateau: Plateau,
}

/// An epoch that was better than all before it, by its validation figures, or by its training's where there is no validation set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The step that it ended with.
    pub step: u64,
    /// The epoch, from 1.
    pub epoch: u32,
    /// The mean loss.
    #[serde(with = "exact")]
    pub loss: f64,
    /// The share of pictures that were right, 0 … 1.
    #[serde(with = "exact")]
    pub accuracy: f64,
}

impl Progress {
    pub(crate) fn add(&mut self, figures: Figures) {
        self.step += 1;
        self.position += figures.samples as usize;
        self.loss_sum += figures.loss_sum;
        self.correct += figures.correct;
    }
}

/// What only a checkpoint has, beside weights and optimizer state.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    progress: Progress,
    /// As TOML.
    settings: String,
    data: String,
    note: String,
    capacity: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shares: Vec<DeviceShare>,
}

/// What the names of the weights begin with where the model has their average.
const AVERAGED: &str = "optimizer.weights.";

/// The tensors whose names begin so, without that beginning.
fn stripped(tensors: &[NamedTensor], prefix: &str) -> Vec<NamedTensor> {
    let strip = |t: &NamedTensor| Some(NamedTensor { name: t.name.strip_prefix(prefix)?.into(), ..t.clone() });
    tensors.iter().filter_map(strip).collect()
}

/// The full state of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The model with its weights: their average, where one is kept.
    pub model: ModelFile,
    /// The weights that training changes, where the model has their average.
    pub weights: Option<Vec<NamedTensor>>,
    /// The optimizer's state tensors, each laid out as the weights.
    pub states: Vec<Vec<NamedTensor>>,
    /// How far the run has come.
    pub progress: Progress,
    /// How it trains.
    pub settings: Settings,
    /// A hash of the training data: a run resumes only on the same.
    pub data: String,
    /// Samples that were computed together: fewer than a batch where the device could not hold it.
    pub capacity: usize,
    /// How each batch is split over devices, where there are several.
    pub shares: Vec<DeviceShare>,
    /// Whatever the run's host wants to find again: where the data came from, which device it ran on.
    pub note: String,
}

impl Checkpoint {
    /// The checkpoint's name in a store; names sort as steps do.
    pub fn name(&self) -> String {
        name_of(self.progress.step)
    }

    /// The bytes of the checkpoint: a model file with more in it.
    pub fn encode(&self) -> Vec<u8> {
        let (progress, settings) = (self.progress.clone(), self.settings.to_toml());
        let (data, note, shares) = (self.data.clone(), self.note.clone(), self.shares.clone());
        let state = State { progress, settings, data, note, capacity: self.capacity, shares };
        let mut file = self.model.with_state(Some(state));
        for (index, state) in self.states.iter().enumerate() {
            let renamed = |t: &NamedTensor| NamedTensor { name: format!("optimizer.{index}.{}", t.name), ..t.clone() };
            file.tensors.extend(state.iter().map(renamed));
        }
        let weights = self.weights.iter().flatten();
        file.tensors.extend(weights.map(|t| NamedTensor { name: format!("{AVERAGED}{}", t.name), ..t.clone() }));
        file.encode()
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// [`TrainError::Format`], [`TrainError::NotAModel`] or [`TrainError::Weights`] where the bytes are no checkpoint.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        let mut file = TensorFile::decode(name, bytes)?;
        let (kept, weights) = file.tensors.into_iter().partition(|t| t.name.starts_with("optimizer."));
        file.tensors = weights;
        let kept: Vec<NamedTensor> = kept;
        let (model, state) = ModelFile::and_state(name, file)?;
        let State { progress, settings, data, note, capacity, shares } =
            state.ok_or_else(|| TrainError::NotAModel {
                file: name.into(),
                wanted: "a checkpoint".into(),
                problem: "it is a model without a run's state".into(),
                weights: true,
            })?;
        let settings = Settings::from_toml(&settings).map_err(|reason| TrainError::NotAModel {
            file: name.into(),
            wanted: "a checkpoint".into(),
            problem: format!("its settings can't be read ({reason})"),
            weights: true,
        })?;
        settings.check()?;
        let states = 0..settings.optimizer.rule().states();
        let states = states.map(|index| stripped(&kept, &format!("optimizer.{index}.")));
        let network = model.spec.build()?;
        let states = states.map(|state| crate::weights::check_states(&network, name, state));
        let states = states.collect::<Result<Vec<_>>>()?;
        let weights = settings.ema.map(|_| crate::check_weights(&network, name, stripped(&kept, AVERAGED)));
        let weights = weights.transpose()?;
        Ok(Self { model, weights, states, progress, settings, data, capacity, shares, note })
    }

    /// The newest sound checkpoint in a store. A broken one is passed over: the one before it goes further back, and is whole.
    ///
    /// # Errors
    /// [`TrainError::NothingToResume`] where there is none, the newest one's error where all are broken, [`TrainError::Store`].
    pub async fn newest(store: &dyn Store, place: &str) -> Result<Self> {
        let mut error = TrainError::NothingToResume(place.into());
        for name in checkpoints(store).await?.iter().rev() {
            let Some(bytes) = store.get(name).await? else { continue };
            match Self::decode(name, &bytes) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(broken) if matches!(error, TrainError::NothingToResume(_)) => error = broken,
                Err(_) => {}
            }
        }
        Err(error)
    }

    /// Writes the checkpoint, then removes all but the last ones, as many as are to be kept, and the best.
    ///
    /// # Errors
    /// [`TrainError::Store`].
    pub async fn save(&self, store: &dyn Store) -> Result<()> {
        store.put(&self.name(), self.encode()).await?;
        let names = checkpoints(store).await?;
        let best = self.progress.best.map(|best| name_of(best.step));
        for name in names.iter().rev().skip(self.settings.keep).filter(|name| Some(*name) != best.as_ref()) {
            store.delete(name).await?;
        }
        Ok(())
    }
}

fn name_of(step: u64) -> String {
    format!("checkpoint-{step:010}.safetensors")
}

/// The names of a store's checkpoints, oldest first.
async fn checkpoints(store: &dyn Store) -> Result<Vec<String>> {
    let names = store.list().await?.into_iter();
    Ok(names.filter(|n| n.starts_with("checkpoint-") && n.ends_with(".safetensors")).collect())
}
