//! Training.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use convoke::data::Normalization;
use convoke::formats::TensorFile;
use convoke::train::{
    self, Checkpoint, Event, Host, MemoryStore, Outcome, Record, Settings, TrainError, given_weights,
};
use futures_channel::mpsc;
use futures_util::lock::{Mutex, OwnedMutexGuard};
use js_sys::{Function, Object, Promise, Reflect, Symbol};
use serde::Serialize;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{future_to_promise, spawn_local};

use super::dataset::Dataset;
use super::model::Model;
use super::options::{TrainOptions, TrainOptionsObject, read, teller};
use super::predictor::{Predictor, predict};
use super::{AnyPicture, Probabilities, Result, fail, object};
use crate::insight::Insight;
use crate::now;
use crate::protocol::{DeviceChoice, EpochRecord, Failure, StepRecord};
use crate::run::epoch_record;
use crate::{data, device};

#[wasm_bindgen]
extern "C" {
    /// What happens, one after the other.
    #[wasm_bindgen(typescript_type = "AsyncIterableIterator<TrainingEvent>")]
    pub type TrainingEvents;
    /// Loss and accuracy.
    #[wasm_bindgen(typescript_type = "{ loss: number; accuracy: number; samples: number }")]
    pub type Evaluation;
    /// What to compute on.
    #[wasm_bindgen(typescript_type = "DeviceChoice")]
    pub type DeviceName;
    /// Is told what happens.
    #[wasm_bindgen(typescript_type = "(event: TrainingEvent) => void")]
    pub type Listener;
}

/// `TrainingEvent`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum TrainingEvent {
    Step(StepRecord),
    Epoch(EpochRecord),
    Evaluating { done: u32, total: u32 },
}

/// A network in training.
#[wasm_bindgen]
pub struct Trainer {
    trainer: std::sync::Arc<Mutex<train::Trainer>>,
    store: Rc<MemoryStore>,
    stop: Rc<Cell<bool>>,
    insight: Mutex<Insight>,
    device: String,
}

#[wasm_bindgen]
impl Trainer {
    /// Prepares a model to be trained on data, from the seed's weights or those of `options.init`.
    ///
    /// # Errors
    /// An `Error` with `code` `setting`, `data`, `model`, `weights`, `no-device`, `out-of-memory`, …
    pub async fn create(model: &Model, dataset: &Dataset, options: Option<TrainOptionsObject>) -> Result<Trainer> {
        let options: TrainOptions = read(options.into())?;
        let settings = Settings::try_from(&options.settings()?).map_err(fail)?;
        let data = dataset.for_input(model.spec.input)?;
        let spec = model.spec.clone().with_classes(data.classes.len());
        let network = spec.build().map_err(fail)?;
        let statistics = Normalization::default().resolve(&data, spec.input[0]).map_err(fail)?;
        let weights = match &options.init {
            None => None,
            Some(bytes) => {
                let name = "the given weights";
                let file = TensorFile::decode(name, &bytes.0.to_vec()).map_err(|e| fail(TrainError::from(e)))?;
                Some(given_weights(&network, name, file).map_err(fail)?)
            }
        };
        let engine = device::open(options.device).await.map_err(fail)?;
        let device = engine.info().name.clone();
        let mut progress = teller(options.on_progress.as_ref());
        let note = data::note("given");
        let trainer = train::Trainer::new(engine, network, data, statistics, settings, weights, note, &mut progress);
        Self::of(trainer.await.map_err(fail)?, device).await
    }

    /// Prepares a run to go on where `checkpoint` was taken, on the same data: exactly as if it had never been interrupted.
    ///
    /// # Errors
    /// An `Error` with `code` `not-a-model`, `not-safetensors` or `data`, or a device's.
    pub async fn resume(checkpoint: Vec<u8>, dataset: &Dataset, device: Option<DeviceName>) -> Result<Trainer> {
        let choice = choice(device)?;
        let checkpoint = Checkpoint::decode("the given checkpoint", &checkpoint).map_err(fail)?;
        let data = dataset.for_input(checkpoint.model.spec.input)?;
        let engine = device::open(choice).await.map_err(fail)?;
        let name = engine.info().name.clone();
        let trainer = train::Trainer::resume(engine, data, checkpoint, &mut |_, _| {}).await.map_err(fail)?;
        Self::of(trainer, name).await
    }

    /// Trains to the end, or until `stop()`, and tells what happens: `for await (const event of trainer.train())`. Breaking off the loop
    /// stops the training after the steps under way; calling `train()` again goes on.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` where it trains already. While iterating: `not-finite`, `device-lost`, …
    pub fn train(&self) -> Result<TrainingEvents> {
        let trainer = self.take()?;
        self.stop.set(false);
        let (tell, told) = mpsc::unbounded();
        let (store, stop) = (self.store.clone(), self.stop.clone());
        spawn_local(async move {
            let mut events = |event: &Event| {
                if let Some(event) = translate(event) {
                    drop(tell.unbounded_send(object(&event)));
                }
            };
            if let Err(error) = advance(trainer, &store, &stop, &mut events, None).await {
                drop(tell.unbounded_send(Err(error)));
            }
        });
        iterator(told, self.stop.clone())
    }

    /// Trains to the end, or until `stop()`, and tells a function what happens; resolves to whether all steps are done.
    ///
    /// # Errors
    /// An `Error` with `code` `busy`, `not-finite`, `device-lost`, …
    pub async fn run(&self, listener: Option<Listener>) -> Result<bool> {
        let trainer = self.take()?;
        self.stop.set(false);
        let mut events = |event: &Event| {
            if let (Some(listener), Some(event)) = (&listener, translate(event))
                && let Ok(event) = object(&event)
            {
                // What a listener throws is its own affair.
                drop(listener.unchecked_ref::<Function>().call1(&JsValue::NULL, &event));
            }
        };
        let outcome = advance(trainer, &self.store, &self.stop, &mut events, None).await?;
        Ok(outcome == Outcome::Finished)
    }

    /// Makes one step and returns its loss.
    ///
    /// # Errors
    /// An `Error` with `code` `busy`, `finished`, `not-finite`, `device-lost`, …
    pub async fn step(&self) -> Result<f64> {
        let trainer = self.take()?;
        self.stop.set(false);
        let until = trainer.progress().step + 1;
        let mut loss = None;
        let mut events = |event: &Event| {
            if let &Event::Record(Record::Step { loss: of_step, .. }) = event {
                loss = Some(of_step);
            }
        };
        advance(trainer, &self.store, &self.stop, &mut events, Some(until)).await?;
        loss.ok_or_else(|| Failure::new("finished", "all steps are done; there is none left to make").into())
    }

    /// Ends the training after the steps under way.
    pub fn stop(&self) {
        self.stop.set(true);
    }

    /// Loss and accuracy on the pictures to test on.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, or a device's.
    pub async fn evaluate(&self) -> Result<Evaluation> {
        #[derive(Serialize)]
        struct Report {
            loss: f64,
            accuracy: f64,
            samples: usize,
        }
        let train::Evaluation { loss, accuracy, samples, .. } = self.take()?.evaluate().await.map_err(fail)?;
        Ok(object(&Report { loss, accuracy, samples })?.unchecked_into())
    }

    /// The probability of each class for a picture, by the weights as they are now, the most probable first.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, `not-a-picture`, or a device's.
    pub async fn predict(&self, picture: AnyPicture) -> Result<Probabilities> {
        let model = self.take()?.model().await.map_err(fail)?;
        predict(&self.insight, &model, &picture).await
    }

    /// The model as it is now, ready for pictures whatever becomes of this trainer.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, or a device's.
    pub async fn predictor(&self) -> Result<Predictor> {
        Ok(Predictor::of(self.take()?.model().await.map_err(fail)?))
    }

    /// The bytes of a `model.safetensors`, in the command's format.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, or a device's.
    pub async fn save(&self) -> Result<js_sys::Uint8Array> {
        let model = self.take()?.model().await.map_err(fail)?;
        Ok(js_sys::Uint8Array::from(model.to_tensor_file().encode().as_slice()))
    }

    /// The bytes of a checkpoint, for `Trainer.resume`.
    ///
    /// # Errors
    /// As `save`.
    pub async fn checkpoint(&self) -> Result<js_sys::Uint8Array> {
        let checkpoint = self.take()?.checkpoint().await.map_err(fail)?;
        Ok(js_sys::Uint8Array::from(checkpoint.encode().as_slice()))
    }

    /// The name of the device that it trains on.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> String {
        self.device.clone()
    }
}

/// What to compute on, by its name.
fn choice(device: Option<DeviceName>) -> Result<DeviceChoice> {
    match JsValue::from(device).as_string().as_deref() {
        None | Some("auto") => Ok(DeviceChoice::Auto),
        Some("gpu") => Ok(DeviceChoice::Gpu),
        Some("cpu") => Ok(DeviceChoice::Cpu),
        Some(other) => {
            Err(Failure::new("setting", format!("no device is called {other:?}; give auto, gpu or cpu")).into())
        }
    }
}

type Taken = OwnedMutexGuard<train::Trainer>;

impl Trainer {
    #[expect(clippy::arc_with_non_send_sync, reason = "the mutex's owned guard takes an Arc")]
    async fn of(mut trainer: train::Trainer, device: String) -> Result<Self> {
        let store = Rc::new(MemoryStore::default());
        let mut host = Host { store: &*store, clock: &now, stop: &|| false, events: &mut |_| {} };
        trainer.begin(&mut host).await.map_err(fail)?;
        let trainer = std::sync::Arc::new(Mutex::new(trainer));
        Ok(Self { trainer, store, stop: Rc::default(), insight: Mutex::default(), device })
    }

    /// The trainer, unless it is busy.
    fn take(&self) -> Result<Taken> {
        let busy = || Failure::new("busy", "it is training; stop it first, and wait until it has stopped").into();
        self.trainer.clone().try_lock_owned().ok_or_else(busy)
    }
}

async fn advance(
    mut trainer: Taken,
    store: &MemoryStore,
    stop: &Cell<bool>,
    events: &mut dyn FnMut(&Event),
    until: Option<u64>,
) -> Result<Outcome> {
    let stop = || stop.get();
    let mut host = Host { store, clock: &now, stop: &stop, events };
    trainer.advance(&mut host, until).await.map_err(fail)
}

fn translate(event: &Event) -> Option<TrainingEvent> {
    match event {
        &Event::Record(Record::Step { step, loss, accuracy, .. }) => {
            Some(TrainingEvent::Step(StepRecord { step: step as u32, loss, accuracy }))
        }
        Event::Record(record) => epoch_record(record).map(TrainingEvent::Epoch),
        &Event::Evaluating { done, total } => {
            Some(TrainingEvent::Evaluating { done: done as u32, total: total as u32 })
        }
        Event::Preparing { .. } | Event::Saved { .. } => None,
    }
}

/// JavaScript's asynchronous iterator over what comes in. Its `return`, which leaving a loop calls, stops the training.
fn iterator(told: mpsc::UnboundedReceiver<Result<JsValue>>, stop: Rc<Cell<bool>>) -> Result<TrainingEvents> {
    let told = std::sync::Arc::new(Mutex::new(told));
    let next = Closure::<dyn FnMut() -> Promise>::new(move || {
        let told = told.clone();
        future_to_promise(async move {
            match told.lock().await.recv().await {
                Ok(event) => result(event?, false),
                Err(_) => result(JsValue::UNDEFINED, true),
            }
        })
    });
    let end = Closure::<dyn FnMut() -> Promise>::new(move || {
        stop.set(true);
        future_to_promise(async { result(JsValue::UNDEFINED, true) })
    });
    let iterator = Object::new();
    Reflect::set(&iterator, &"next".into(), &next.into_js_value())?;
    Reflect::set(&iterator, &"return".into(), &end.into_js_value())?;
    let this = RefCell::new(iterator.clone());
    let itself = Closure::<dyn FnMut() -> Object>::new(move || this.borrow().clone());
    Reflect::set(&iterator, &Symbol::async_iterator(), &itself.into_js_value())?;
    Ok(iterator.unchecked_into())
}

/// An iterator's result.
fn result(value: JsValue, done: bool) -> Result<JsValue> {
    let result = Object::new();
    Reflect::set(&result, &"value".into(), &value)?;
    Reflect::set(&result, &"done".into(), &done.into())?;
    Ok(result.into())
}
