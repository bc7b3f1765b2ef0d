//! Runs in the browser's storage: a folder each, with the files that the command would leave, and what the page shows of it.

use std::fmt::Display;

use convoke::data::Dataset;
use convoke::order::{arranged, ascending, largest_first};
use convoke::train::{Checkpoint, Record, Store, TrainError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Hold;
use crate::failure::Result;
use crate::protocol::{EpochRecord, Export, Failure, Reply, RunReport, RunState, StepRecord};
use crate::storage::{BrowserStore, Storage};

/// The entry that holds a [`RunReport`].
const REPORT: &str = "run.json";
/// Folders of runs, and of the pictures that they train on.
const RUN: &str = "run-";
const DATA: &str = "data-";
const DATASET: &str = "dataset.bin";

/// All that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    storage: Storage,
}

/// What is kept of a run beside what the trainer keeps: its report, and which pictures it trains on.
#[derive(Serialize, Deserialize)]
struct Kept {
    report: RunReport,
    /// The folder of its pictures, or `None` for those that come along.
    pictures: Option<String>,
}

impl Library {
    pub async fn open() -> Result<Self> {
        Ok(Self { storage: Storage::open().await? })
    }

    /// The entries of a run.
    pub fn store(&self, run: &str) -> BrowserStore {
        self.storage.folder(format!("{RUN}{run}"))
    }

    /// Keeps a run's pictures, unless another run has. Pictures that come along need not be kept.
    pub async fn keep_pictures(&self, data: &Dataset, fingerprint: &str) -> Result<String> {
        let folder = format!("{DATA}{fingerprint}");
        let store = self.storage.folder(&folder);
        if store.list().await?.is_empty() {
            store.put(DATASET, data.encode()).await?;
        }
        Ok(folder)
    }

    /// Keeps how a run stands.
    pub async fn keep_report(&self, report: &RunReport, pictures: Option<String>) -> Result<()> {
        let kept = Kept { report: report.clone(), pictures };
        Ok(self.store(&report.id).put(REPORT, to_json(&kept)?).await?)
    }

    async fn kept(&self, run: &str) -> Result<Kept> {
        let unknown =
            || Failure::new("no-run", format!("there is no run {run}; it may have been deleted in another tab"));
        let bytes = self.store(run).get(REPORT).await?.ok_or_else(unknown)?;
        from_json(&bytes).map_err(|error| Failure::new("storage", format!("run {run} can't be read: {error}")))
    }

    /// How a run stands. One that ran when its page was closed has stopped.
    pub async fn report(&self, run: &str) -> Result<RunReport> {
        Ok(alone(self.kept(run).await?.report))
    }

    /// The pictures that were kept for a run, or `None` for those that come along.
    pub async fn pictures(&self, run: &str) -> Result<Option<Dataset>> {
        let Some(folder) = self.kept(run).await?.pictures else { return Ok(None) };
        let gone = || Failure::new("data", "the pictures of this run are no longer in the browser's storage");
        let bytes = self.storage.folder(&folder).get(DATASET).await?.ok_or_else(gone)?;
        Ok(Some(Dataset::decode(&bytes)?))
    }

    /// All runs, the newest first.
    pub async fn runs(&self) -> Result<Vec<RunReport>> {
        let mut runs = Vec::new();
        let elsewhere = Hold::elsewhere().await;
        for folder in self.storage.folders().await? {
            let Some(run) = folder.strip_prefix(RUN) else { continue };
            // A run whose report is not there yet, or can't be read, is not shown: it can only be deleted.
            if let Ok(Kept { mut report, .. }) = self.kept(run).await {
                report.stored_bytes = self.store(run).bytes().await? as f64;
                report.elsewhere = elsewhere.iter().any(|other| other == run);
                runs.push(if report.elsewhere { report } else { alone(report) });
            }
        }
        let order = ascending(runs.iter().map(|run| largest_first(run.begun)));
        Ok(arranged(runs, &order))
    }

    pub async fn rename(&self, run: &str, name: &str) -> Result<()> {
        let Kept { report, pictures } = self.kept(run).await?;
        self.keep_report(&RunReport { name: name.into(), ..report }, pictures).await
    }

    /// Deletes a run, and its pictures if no other run needs them.
    pub async fn delete(&self, run: &str) -> Result<()> {
        let pictures = self.kept(run).await.ok().and_then(|kept| kept.pictures);
        self.storage.remove(&format!("{RUN}{run}")).await?;
        let Some(pictures) = pictures else { return Ok(()) };
        for folder in self.storage.folders().await? {
            let Some(other) = folder.strip_prefix(RUN) else { continue };
            if self.kept(other).await.is_ok_and(|kept| kept.pictures.as_ref() == Some(&pictures)) {
                return Ok(());
            }
        }
        Ok(self.storage.remove(&pictures).await?)
    }
}

/// How a run stands that no tab has.
fn alone(mut report: RunReport) -> RunReport {
    if matches!(report.state, RunState::Running | RunState::Paused) {
        (report.state, report.problem) = (RunState::Stopped, None);
    }
    report
}

/// A line of a log, whichever it is. One flat structure: reading serde's tagged ones takes much more code.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    event: String,
    step: u32,
    loss: f64,
    accuracy: f64,
    epoch: u32,
    train_loss: f64,
    train_accuracy: f64,
    test_loss: f64,
    test_accuracy: f64,
    samples_per_second: f64,
}

/// As JSON, by the browser's own writer, which is there already.
fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    let broken = |_| Failure::new("defect", "a report can't be written as JSON");
    let format = serde_wasm_bindgen::Serializer::json_compatible();
    let object = value.serialize(&format).map_err(|error| Failure::new("defect", error.to_string()))?;
    let text = js_sys::JSON::stringify(&object).map_err(broken)?;
    Ok(String::from(text).into_bytes())
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let object = js_sys::JSON::parse(text).map_err(|_| "it is not JSON".to_string())?;
    serde_wasm_bindgen::from_value(object).map_err(|error| error.to_string())
}

/// A run's log.
pub(crate) async fn log(store: &dyn Store) -> Result<Reply> {
    let bytes = store.get("metrics.jsonl").await?.unwrap_or_default();
    let (mut steps, mut epochs) = (Vec::new(), Vec::new());
    let unreadable = |error: &dyn Display| Failure::new("storage", format!("the log can't be read: {error}"));
    let text = str::from_utf8(&bytes).map_err(|error| unreadable(&error))?;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|error| unreadable(&error))?;
        match line.event.as_str() {
            "step" => steps.push(StepRecord { step: line.step, loss: line.loss, accuracy: line.accuracy }),
            _ => epochs.push(EpochRecord {
                epoch: line.epoch,
                train_loss: line.train_loss,
                train_accuracy: line.train_accuracy,
                test_loss: line.test_loss,
                test_accuracy: line.test_accuracy,
                samples_per_second: line.samples_per_second,
            }),
        }
    }
    Ok(Reply::Log { steps, epochs })
}

/// An epoch's figures.
pub(crate) fn epoch_record(record: &Record) -> Option<EpochRecord> {
    let &Record::Epoch { epoch, train_loss, train_accuracy, test_loss, test_accuracy, samples_per_second, .. } = record
    else {
        return None;
    };
    Some(EpochRecord { epoch, train_loss, train_accuracy, test_loss, test_accuracy, samples_per_second })
}

/// A file of a run. Its model and its checkpoint are those of `now`, where it trains, else those that were kept last: a run that was
/// broken off has taken checkpoints, and none of it has written the model's own file.
pub(crate) async fn export(
    store: &dyn Store,
    report: &RunReport,
    now: Option<Checkpoint>,
    what: Export,
) -> Result<Reply> {
    let missing = |what: &str| Failure::new("nothing-kept", format!("the run {} has no {what} yet", report.name));
    let newest = async |what: &str| match now {
        Some(checkpoint) => Ok(checkpoint),
        None => Checkpoint::newest(store, &report.name).await.map_err(|error| match error {
            TrainError::NothingToResume(_) => missing(what),
            error => error.into(),
        }),
    };
    let (name, media_type, bytes) = match what {
        Export::Model => {
            let model = newest("model").await?.model;
            ("model.safetensors".into(), "application/octet-stream", model.to_tensor_file().encode())
        }
        Export::Checkpoint => {
            let checkpoint = newest("checkpoint").await?;
            (checkpoint.name(), "application/octet-stream", checkpoint.encode())
        }
        Export::Log => {
            let log = store.get("metrics.jsonl").await?.ok_or_else(|| missing("log"))?;
            ("metrics.jsonl".into(), "application/jsonl", log)
        }
        Export::Toml => ("model.toml".into(), "application/toml", report.toml.clone().into_bytes()),
    };
    Ok(Reply::File { name, media_type: media_type.into(), bytes: js_sys::Uint8Array::from(bytes.as_slice()) })
}
