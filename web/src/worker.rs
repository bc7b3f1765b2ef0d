//! The page's worker: takes requests, holds what is open, answers.

mod prepare;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use convoke::data::{Dataset, Turn};
use convoke::formats::TensorFile;
use convoke::train::{Checkpoint, ModelFile, Store, TrainError};
use futures_channel::oneshot;
use futures_util::lock::Mutex;
use js_sys::{Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::MessageEvent;

use crate::data::{OpenData, options};
use crate::failure::Result;
use crate::insight::{self, Insight, no_data};
use crate::protocol::{
    Command, DataSource, Event, Export, Failure, Message, ModelChoice, Part, PathFile, Phase, Reply, Request,
    RunReport, Tiles,
};
use crate::revoke::Revocable;
use crate::run::{Active, Hold, Library, Order, Tell, export, log};
use crate::turn::turn;
use crate::{device, model, scope};

/// Long work lets others have a turn this often.
const SLICE: Duration = Duration::from_millis(20);

/// The most pictures of one answer.
const MOST_PICTURES: u32 = 500;

#[wasm_bindgen]
extern "C" {
    /// What messages come and go through: a worker's scope, or a `MessagePort`.
    #[wasm_bindgen(typescript_type = "MessagePort | DedicatedWorkerGlobalScope")]
    #[derive(Clone)]
    pub type Port;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &Port, message: &JsValue) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, setter, js_name = onmessage)]
    fn set_onmessage(this: &Port, hear: &js_sys::Function);
}

/// Takes requests through a port from now on: a dedicated worker's own scope (`serve(self)`), or one end of a `MessageChannel` in it.
#[cfg_attr(not(feature = "package"), wasm_bindgen)]
pub fn serve(port: Port) {
    let worker = Rc::new(Worker::new(port.clone()));
    let hearing = worker.clone();
    let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        spawn_local(hearing.clone().hear(event.data()));
    });
    // The worker hears for as long as it lives.
    port.set_onmessage(hear.into_js_value().unchecked_ref());
    worker.say(&Message::Ready);
}

/// What the worker holds.
struct Worker {
    port: Port,
    handed_over: RefCell<Vec<PathFile>>,
    data: RefCell<Option<OpenData>>,
    active: RefCell<Option<Rc<Active>>>,
    /// Held by what prepares a run.
    only: Mutex<()>,
    preparing: Revocable,
    opening: Revocable,
    /// Orders to the active run that are not answered yet: each ends when it is.
    orders: RefCell<Vec<oneshot::Receiver<()>>>,
    opened: RefCell<Option<Rc<ModelFile>>>,
    library: Mutex<Option<Library>>,
    insight: Mutex<Insight>,
}

impl Worker {
    fn new(port: Port) -> Self {
        Self {
            port,
            handed_over: RefCell::default(),
            data: RefCell::default(),
            active: RefCell::default(),
            only: Mutex::default(),
            preparing: Revocable::default(),
            opening: Revocable::default(),
            orders: RefCell::default(),
            opened: RefCell::default(),
            library: Mutex::default(),
            insight: Mutex::default(),
        }
    }

    fn say(&self, message: &Message) {
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
        let sent = message.serialize(&serializer).map_err(JsValue::from).and_then(|m| self.port.post_message(&m));
        if let Err(error) = sent {
            web_sys::console::error_2(&"a message could not be sent".into(), &error);
        }
    }

    fn tell(self: &Rc<Self>) -> Tell {
        let worker = self.clone();
        Rc::new(move |event| worker.say(&Message::Event { event }))
    }

    /// Tells of something that takes its time.
    fn progress(self: &Rc<Self>) -> impl FnMut(Phase, usize, usize) + use<> {
        let worker = self.clone();
        let mut told = None;
        move |phase, done, total| {
            // Ten times a second is enough, and the last one counts.
            let now = crate::now();
            if done < total && told.is_some_and(|then| now - then < Duration::from_millis(100)) {
                return;
            }
            told = Some(now);
            let event = Event::Progress { phase, done: done as u32, total: total as u32 };
            worker.say(&Message::Event { event });
        }
    }

    /// Lets all else have a turn now and then, and orders to the run be carried out: for work that would keep the worker from hearing.
    fn turns(self: &Rc<Self>) -> impl FnMut() -> Option<Turn> + use<> {
        let (worker, since) = (self.clone(), Rc::new(Cell::new(crate::now())));
        move || {
            let (worker, since) = (worker.clone(), since.clone());
            let due = crate::now() - since.get() >= SLICE;
            due.then(|| -> Turn {
                Box::pin(async move {
                    turn().await;
                    loop {
                        let Some(order) = worker.orders.borrow_mut().pop() else { break };
                        // It never says anything: it ends.
                        let _ = order.await;
                    }
                    since.set(crate::now());
                })
            })
        }
    }

    async fn hear(self: Rc<Self>, message: JsValue) {
        let id = Reflect::get(&message, &"id".into()).ok().and_then(|id| id.as_f64()).unwrap_or_default() as u32;
        let answer = match serde_wasm_bindgen::from_value::<Request>(message) {
            Ok(Request { command, .. }) => self.answer(command).await,
            Err(error) => Err(Failure::new("request", format!("the request is not understood: {error}"))),
        };
        self.say(&match answer {
            Ok(reply) => Message::Reply { id, reply: Box::new(reply) },
            Err(error) => Message::Failed { id, error },
        });
    }

    async fn answer(self: &Rc<Self>, command: Command) -> Result<Reply> {
        match command {
            Command::Devices => Ok(device::report().await),
            Command::Presets => Ok(model::presets()),
            Command::DescribeModel { model, batch_size } => {
                Ok(Reply::Model(model::describe(&model, batch_size as usize)))
            }
            Command::HandOver { files, first } => {
                let mut handed_over = self.handed_over.borrow_mut();
                if first {
                    handed_over.clear();
                }
                handed_over.extend(files);
                Ok(Reply::Done)
            }
            Command::OpenData { mut source, input, seed, test_fraction, leave_out } => {
                let handed_over = self.handed_over.take();
                if let DataSource::Files { files, .. } = &mut source {
                    files.splice(0..0, handed_over);
                }
                let options = options(input.map(|n| n as usize), seed.into(), test_fraction);
                let (mut progress, mut turns) = (self.progress(), self.turns());
                let open = OpenData::open(source, options, leave_out, &mut progress, &mut turns);
                let data = self.opening.begin().unless(open).await?;
                let report = data.report();
                *self.data.borrow_mut() = Some(data);
                Ok(Reply::Data(report))
            }
            Command::Pictures { of, part, class, from, count } => {
                pictures(&*self.data_of(of.as_ref())?, part, class, from, count)
            }
            Command::Start { model, settings, device, name, init } => {
                self.start(&model, &settings, device, name, init).await
            }
            Command::Resume { run, device } => self.resume(&run, device).await,
            Command::Cancel => {
                self.preparing.revoke();
                Ok(Reply::Done)
            }
            Command::Continue => self.order(Order::Continue).await,
            Command::Pause => self.order(Order::Pause).await,
            Command::Step => self.order(Order::Step).await,
            Command::Stop => self.order(Order::Stop).await,
            Command::Abandon => self.order(Order::Abandon).await,
            Command::Runs => self.runs().await,
            Command::Log { run } => {
                self.report(&run).await?;
                log(&*self.store(&run).await?).await
            }
            Command::Rename { run, name } => self.rename(&run, name).await,
            Command::Delete { run } => self.delete(&run).await,
            Command::Export { run, what } => self.export(&run, what).await,
            Command::OpenModel { name, bytes } => self.open_model(name, &bytes.0),
            Command::Evaluate { model, wrong } => self.evaluate(&model, wrong).await,
            Command::Filters { model } => insight::filters(&*self.model(&model).await?),
            Command::FeatureMaps { model, picture } => {
                let data = self.data_of(Some(&model))?;
                insight::feature_maps(&*self.model(&model).await?, &data, picture as usize).await
            }
            Command::Predict { model, picture } => {
                let data = self.data_of(Some(&model)).ok();
                let picture = insight::picture(&picture, data.as_deref())?;
                let model = self.model(&model).await?;
                self.insight.lock().await.predict(&model, picture).await
            }
            Command::Storage => self.room().await,
        }
    }

    fn data(&self) -> Result<OpenData> {
        self.data.borrow().clone().ok_or_else(no_data)
    }

    /// The pictures to look at with a model: the active run's own, whatever is open; with any other model, or with none, what is open.
    fn data_of(&self, model: Option<&ModelChoice>) -> Result<Rc<Dataset>> {
        match model {
            Some(ModelChoice::Run { run }) if let Some(active) = self.active(run) => Ok(active.data.clone()),
            _ => Ok(self.data()?.dataset),
        }
    }

    /// The browser's storage, opened when it is first needed.
    async fn library(&self) -> Result<Library> {
        let mut library = self.library.lock().await;
        if library.is_none() {
            *library = Some(Library::open().await?);
        }
        Ok(library.clone().expect("it was opened just now"))
    }

    /// The active run, if it is this one.
    fn active(&self, run: &str) -> Option<Rc<Active>> {
        self.active.borrow().clone().filter(|active| active.id() == run)
    }

    /// Ends the run that is active.
    async fn end_active(&self) -> Result<()> {
        let active = self.active.borrow().clone();
        if let Some(active) = active
            && active.is_live()
        {
            active.order(Order::Stop).await?;
        }
        Ok(())
    }

    async fn order(&self, order: fn(crate::run::Answer<RunReport>) -> Order) -> Result<Reply> {
        let active = self.active.borrow().clone();
        let active = active.ok_or_else(|| Failure::new("no-run", "no run is active; start one, or resume one"))?;
        let (_answered, waiting) = oneshot::channel();
        {
            let mut orders = self.orders.borrow_mut();
            orders.retain_mut(|order| order.try_recv().is_ok());
            orders.push(waiting);
        }
        Ok(Reply::Run { run: active.order(order).await? })
    }

    async fn runs(&self) -> Result<Reply> {
        let mut runs = match self.library().await {
            Ok(library) => library.runs().await?,
            Err(_) => Vec::new(),
        };
        let active = self.active.borrow().as_ref().map(|active| active.report.borrow().clone());
        if let Some(active) = active {
            match runs.iter_mut().find(|run| run.id == active.id) {
                // What this tab ran may be open in another by now.
                Some(run) if run.elsewhere => {}
                Some(run) => *run = RunReport { stored_bytes: run.stored_bytes, ..active },
                None => runs.insert(0, active),
            }
        }
        Ok(Reply::Runs { runs })
    }

    async fn store(&self, run: &str) -> Result<Rc<dyn Store>> {
        match self.active(run) {
            Some(active) => Ok(active.store.clone()),
            None => Ok(Rc::new(self.library().await?.store(run))),
        }
    }

    async fn report(&self, run: &str) -> Result<RunReport> {
        match self.active(run) {
            Some(active) => Ok(active.report.borrow().clone()),
            None => self.library().await?.report(run).await,
        }
    }

    /// A file of a run as it is now.
    async fn export(&self, run: &str, what: Export) -> Result<Reply> {
        let now = match self.active(run).filter(|active| active.is_live()) {
            // Where its device is lost just now, it goes on from what was kept last.
            Some(active) if matches!(what, Export::Model | Export::Checkpoint) => {
                active.order(Order::Checkpoint).await.ok()
            }
            _ => None,
        };
        export(&*self.store(run).await?, &self.report(run).await?, now, what).await
    }

    async fn rename(&self, run: &str, name: String) -> Result<Reply> {
        let name = name.trim();
        if name.is_empty() {
            return Err(Failure::new("setting", "a run's name is empty; give it one"));
        }
        let _hold = match self.active(run) {
            Some(active) if active.is_live() => None,
            _ => Hold::take(run).await?,
        };
        if let Some(active) = self.active(run) {
            active.report.borrow_mut().name = name.into();
        }
        self.library().await?.rename(run, name).await?;
        Ok(Reply::Done)
    }

    async fn delete(&self, run: &str) -> Result<Reply> {
        let _hold = match self.active(run).filter(|active| active.is_live()) {
            Some(active) => {
                // The right to write to it outlasts it, until all is deleted.
                let hold = active.hold.take();
                // There may be no room to keep it in, and it need not be kept.
                drop(active.order(Order::Abandon).await);
                hold
            }
            None => Hold::take(run).await?,
        };
        if self.active(run).is_some() {
            *self.active.borrow_mut() = None;
        }
        self.library().await?.delete(run).await?;
        Ok(Reply::Done)
    }

    fn open_model(&self, name: String, bytes: &Uint8Array) -> Result<Reply> {
        let file = TensorFile::decode(&name, &bytes.to_vec()).map_err(TrainError::from)?;
        let model = ModelFile::from_tensor_file(&name, file)?;
        let (classes, toml) = (model.classes.clone(), model.spec.to_toml());
        let input = model.spec.input.map(|n| n as u32);
        *self.opened.borrow_mut() = Some(Rc::new(model));
        Ok(Reply::Opened { name, classes, toml, input })
    }

    /// A model as it is now.
    async fn model(&self, choice: &ModelChoice) -> Result<Rc<ModelFile>> {
        let run = match choice {
            ModelChoice::Opened => {
                let none = || Failure::new("no-model", "no model file is open; open a model.safetensors first");
                return self.opened.borrow().clone().ok_or_else(none);
            }
            ModelChoice::Run { run } => run,
        };
        if let Some(active) = self.active(run)
            && active.is_live()
        {
            return Ok(Rc::new(active.order(Order::Model).await?));
        }
        let store = self.store(run).await?;
        Ok(Rc::new(Checkpoint::newest(&*store, "the run").await?.model))
    }

    async fn evaluate(self: &Rc<Self>, model: &ModelChoice, wrong: u32) -> Result<Reply> {
        let data = self.data_of(Some(model))?;
        let model = self.model(model).await?;
        let mut progress = self.progress();
        let mut told = |done, total| progress(Phase::Evaluating, done, total);
        let mut insight = self.insight.lock().await;
        let report = insight.evaluate(&model, &data, wrong.min(MOST_PICTURES) as usize, &mut told).await?;
        Ok(Reply::Evaluation(report))
    }

    async fn room(&self) -> Result<Reply> {
        let fail = |_: JsValue| Failure::new("storage", "the browser doesn't say how much room there is");
        let manager = scope()?.navigator().storage();
        let estimate = JsFuture::from(manager.estimate().map_err(fail)?).await.map_err(fail)?;
        let number = |name: &str| Reflect::get(&estimate, &name.into()).ok().and_then(|n| n.as_f64()).unwrap_or(0.0);
        let persisted = JsFuture::from(manager.persisted().map_err(fail)?).await.map_err(fail)?.is_truthy();
        Ok(Reply::Storage { used: number("usage"), quota: number("quota"), persisted })
    }
}

/// Some of the pictures of a half.
fn pictures(data: &Dataset, part: Part, class: Option<u32>, from: u32, count: u32) -> Result<Reply> {
    let samples = if part == Part::Train { &data.train } else { &data.test };
    let of_class = |index: &usize| class.is_none_or(|class| samples.labels[*index] == class);
    let all: Vec<usize> = (0..samples.len()).filter(of_class).collect();
    let shown: Vec<usize> = all.iter().copied().skip(from as usize).take(count.min(MOST_PICTURES) as usize).collect();
    Ok(Reply::Pictures {
        tiles: Tiles::of_samples(data, samples, shown.iter().copied()),
        labels: shown.iter().map(|&index| samples.labels[index]).collect(),
        indices: shown.iter().map(|&index| index as u32).collect(),
        classes: data.classes.clone(),
        total: all.len() as u32,
    })
}
