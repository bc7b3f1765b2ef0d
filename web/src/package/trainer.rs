//! Training.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use convoke::data::Normalization;
use convoke::formats::TensorFile;
use convoke::train::{self, Checkpoint, Event, Host, MemoryStore, Outcome, Record, TrainError, given_weights};
use futures_channel::mpsc;
use futures_util::lock::{Mutex, OwnedMutexGuard};
use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use super::dataset::Dataset;
use super::events::{Listener, TrainingEvents, iterator, translate};
use super::given::Given;
use super::model::Model;
use super::options::{self, TrainOptions, TrainOptionsObject, teller};
use super::predictor::{Predictor, predict};
use super::{AnyPicture, Result, fail, object, promise};
use crate::insight::Insight;
use crate::now;
use crate::protocol::Failure;
use crate::{data, device};

#[wasm_bindgen]
extern "C" {
    /// What to compute on.
    #[wasm_bindgen(typescript_type = "DeviceChoice")]
    pub type DeviceName;
}

#[wasm_bindgen(typescript_custom_section)]
const EVALUATION: &str = r#"
/** How good a model is on the pictures to test on. */
export interface Evaluation {
  /** The mean loss. */
  loss: number;
  /** The share that is right, 0 … 1. */
  accuracy: number;
  /** How many pictures there were. */
  samples: number;
}
"#;

/// A network in training.
///
/// One thing is done at a time. What is asked while it trains fails with `busy`; what is asked after `stop()`, or after leaving the loop over
/// `train()`, waits until the steps under way are done. `free()` lets go of this object alone: a training goes on to its end.
#[wasm_bindgen]
pub struct Trainer {
    inner: Rc<Inner>,
}

/// What its promises share with a trainer, so that they don't hold it itself.
struct Inner {
    trainer: Shared,
    store: MemoryStore,
    /// That of the last training; each has its own, so that one that is asked for after `stop()` isn't stopped too.
    stop: RefCell<Stop>,
    insight: Mutex<Insight>,
    device: String,
}

type Shared = Arc<Mutex<train::Trainer>>;

/// Whether a training is to end.
type Stop = Rc<Cell<bool>>;

#[wasm_bindgen]
impl Trainer {
    /// Prepares a model to be trained on data, from the seed's weights or those of `options.init`. It is trained as the model's file says, where
    /// that says how, with what `options` say in its place.
    ///
    /// # Errors
    /// An `Error` with `code` `setting`, `data`, `model`, `weights`, `no-device`, `out-of-memory`, …
    #[wasm_bindgen(unchecked_return_type = "Promise<Trainer>")]
    pub fn create(model: &Model, dataset: &Dataset, options: Option<TrainOptionsObject>) -> Promise {
        let (spec, tables, dataset) = (model.spec.clone(), model.tables.clone(), dataset.clone());
        promise(async move {
            let TrainOptions { settings, device, init, on_progress } = TrainOptions::read(options.into(), &tables)?;
            let data = dataset.for_input(spec.input)?;
            let spec = spec.with_classes(data.classes.len());
            let network = spec.build().map_err(fail)?;
            let statistics = Normalization::default().resolve(&data, spec.input[0]).map_err(fail)?;
            let weights = match init {
                None => None,
                Some(bytes) => {
                    let name = "the given weights";
                    let file = TensorFile::decode(name, &bytes.to_vec()).map_err(|e| fail(TrainError::from(e)))?;
                    Some(given_weights(&network, name, file).map_err(fail)?)
                }
            };
            let engine = device::open(device).await.map_err(fail)?;
            let device = engine.info().name.clone();
            let mut progress = teller(on_progress);
            let note = data::note("given");
            let trainer =
                train::Trainer::new(engine, network, data, statistics, settings, weights, note, &mut progress);
            Self::of(trainer.await.map_err(fail)?, device).await
        })
    }

    /// Prepares a run to go on where `checkpoint` was taken, on the same data: exactly as if it had never been interrupted.
    ///
    /// # Errors
    /// An `Error` with `code` `not-a-model`, `not-safetensors` or `data`, or a device's.
    #[wasm_bindgen(unchecked_return_type = "Promise<Trainer>")]
    pub fn resume(checkpoint: Vec<u8>, dataset: &Dataset, device: Option<DeviceName>) -> Promise {
        let dataset = dataset.clone();
        promise(async move {
            let given = Object::new();
            Reflect::set(&given, &"device".into(), &device.into())?;
            let choice = options::device(&Given::read(given.into(), "the device", "setting", &["device"])?)?;
            let checkpoint = Checkpoint::decode("the given checkpoint", &checkpoint).map_err(fail)?;
            let data = dataset.for_input(checkpoint.model.spec.input)?;
            let engine = device::open(choice).await.map_err(fail)?;
            let name = engine.info().name.clone();
            let trainer = train::Trainer::resume(engine, data, checkpoint, &mut |_, _| {}).await.map_err(fail)?;
            Self::of(trainer, name).await
        })
    }

    /// Trains to the end, or until `stop()`, and tells what happens: `for await (const event of trainer.train())`. Leaving the loop stops
    /// the training and waits until the steps under way are done; calling `train()` again goes on.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` where it trains already. While iterating: `not-finite`, `device-lost`, …
    pub fn train(&self) -> Result<TrainingEvents> {
        let Training { turn, stop } = self.begin()?;
        let (tell, told) = mpsc::unbounded();
        let (inner, stopped) = (self.inner.clone(), stop.clone());
        spawn_local(async move {
            let mut events = |event: &Event| {
                if let Some(event) = translate(event) {
                    drop(tell.unbounded_send(object(&event)));
                }
            };
            if let Err(error) = advance(turn.come().await, &inner.store, &stopped, &mut events, None).await {
                drop(tell.unbounded_send(Err(error)));
            }
        });
        iterator(told, stop)
    }

    /// Trains to the end, or until `stop()`, and tells a function what happens; resolves to whether all steps are done. What the
    /// function throws ends the training and is what the promise is rejected with.
    ///
    /// # Errors
    /// An `Error` with `code` `busy`, `not-finite`, `device-lost`, …
    #[wasm_bindgen(unchecked_return_type = "Promise<boolean>")]
    pub fn run(&self, listener: Option<Listener>) -> Promise {
        let (training, inner) = (self.begin(), self.inner.clone());
        promise(async move {
            let Training { turn, stop } = training?;
            let mut thrown = None;
            let mut events = |event: &Event| {
                if let (Some(listener), Some(event), None) = (&listener, translate(event), &thrown) {
                    let listener: &Function = listener.unchecked_ref();
                    thrown = object(&event).and_then(|event| listener.call1(&JsValue::NULL, &event)).err();
                    stop.set(stop.get() || thrown.is_some());
                }
            };
            let outcome = advance(turn.come().await, &inner.store, &stop, &mut events, None).await;
            match thrown {
                Some(thrown) => Err(thrown),
                None => Ok(outcome? == Outcome::Finished),
            }
        })
    }

    /// Makes one step and returns its loss.
    ///
    /// # Errors
    /// An `Error` with `code` `busy`, `finished`, `not-finite`, `device-lost`, …
    #[wasm_bindgen(unchecked_return_type = "Promise<number>")]
    pub fn step(&self) -> Promise {
        let (training, inner) = (self.begin(), self.inner.clone());
        promise(async move {
            let trainer = training?.turn.come().await;
            let until = trainer.progress().step + 1;
            let mut loss = None;
            let mut events = |event: &Event| {
                if let &Event::Record(Record::Step { loss: of_step, .. }) = event {
                    loss = Some(of_step);
                }
            };
            // Its end is near enough: nothing stops it.
            advance(trainer, &inner.store, &Cell::new(false), &mut events, Some(until)).await?;
            loss.ok_or_else(|| Failure::new("finished", "all steps are done; there is none left to make").into())
        })
    }

    /// Ends the training after the steps under way; resolves when it has ended, at once where nothing trains.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn stop(&self) -> Promise {
        self.inner.stop.borrow().set(true);
        let turn = self.take();
        promise(async move {
            drop(turn?.come().await);
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Loss and accuracy on the pictures to test on.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, or a device's.
    #[wasm_bindgen(unchecked_return_type = "Promise<Evaluation>")]
    pub fn evaluate(&self) -> Promise {
        #[derive(Serialize)]
        struct Report {
            loss: f64,
            accuracy: f64,
            samples: usize,
        }
        let turn = self.take();
        promise(async move {
            let evaluation = turn?.come().await.evaluate().await.map_err(fail)?;
            let train::Evaluation { loss, accuracy, samples, .. } = evaluation;
            object(&Report { loss, accuracy, samples })
        })
    }

    /// The probability of each class for a picture, by the weights as they are now, the most probable first.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, `not-a-picture`, or a device's.
    #[wasm_bindgen(unchecked_return_type = "Promise<ClassProbability[]>")]
    pub fn predict(&self, picture: AnyPicture) -> Promise {
        let (turn, inner) = (self.take(), self.inner.clone());
        promise(async move {
            let model = turn?.come().await.model().await.map_err(fail)?;
            predict(&inner.insight, &model, &picture).await
        })
    }

    /// The model as it is now, ready for pictures whatever becomes of this trainer.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, or a device's.
    #[wasm_bindgen(unchecked_return_type = "Promise<Predictor>")]
    pub fn predictor(&self) -> Promise {
        let turn = self.take();
        promise(async move { Ok(Predictor::of(turn?.come().await.model().await.map_err(fail)?)) })
    }

    /// The bytes of a `model.safetensors`, in the command's format.
    ///
    /// # Errors
    /// An `Error` with `code` `busy` while it trains, or a device's.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array>")]
    pub fn save(&self) -> Promise {
        let turn = self.take();
        promise(async move {
            let model = turn?.come().await.model().await.map_err(fail)?;
            Ok(Uint8Array::from(model.to_tensor_file().encode().as_slice()))
        })
    }

    /// The bytes of a checkpoint, for `Trainer.resume`.
    ///
    /// # Errors
    /// As `save`.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array>")]
    pub fn checkpoint(&self) -> Promise {
        let turn = self.take();
        promise(async move {
            let checkpoint = turn?.come().await.checkpoint().await.map_err(fail)?;
            Ok(Uint8Array::from(checkpoint.encode().as_slice()))
        })
    }

    /// The name of the device that it trains on.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> String {
        self.inner.device.clone()
    }
}

/// The trainer, taken.
type Taken = OwnedMutexGuard<train::Trainer>;

/// The right to have the trainer next.
struct Turn {
    taken: Option<Taken>,
    trainer: Shared,
}

impl Turn {
    /// The trainer, as soon as it is free.
    async fn come(self) -> Taken {
        match self.taken {
            Some(taken) => taken,
            None => self.trainer.lock_owned().await,
        }
    }
}

/// A training that is about to begin.
struct Training {
    turn: Turn,
    stop: Stop,
}

impl Trainer {
    #[expect(clippy::arc_with_non_send_sync, reason = "the mutex's owned guard takes an Arc")]
    async fn of(mut trainer: train::Trainer, device: String) -> Result<Self> {
        let store = MemoryStore::default();
        let mut host = Host { store: &store, clock: &now, stop: &|| false, events: &mut |_| {} };
        trainer.begin(&mut host).await.map_err(fail)?;
        let trainer = Arc::new(Mutex::new(trainer));
        let inner = Inner { trainer, store, stop: RefCell::default(), insight: Mutex::default(), device };
        Ok(Self { inner: Rc::new(inner) })
    }

    /// The trainer now, or after the training that is being stopped; an error where none is.
    fn take(&self) -> Result<Turn> {
        let trainer = self.inner.trainer.clone();
        let taken = trainer.clone().try_lock_owned();
        if taken.is_none() && !self.inner.stop.borrow().get() {
            let message = "it is at work; wait until that is done, or call stop(), and then again";
            return Err(Failure::new("busy", message).into());
        }
        Ok(Turn { taken, trainer })
    }

    fn begin(&self) -> Result<Training> {
        let turn = self.take()?;
        let stop = Stop::default();
        self.inner.stop.replace(stop.clone());
        Ok(Training { turn, stop })
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
