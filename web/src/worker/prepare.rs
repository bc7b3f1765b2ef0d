//! Preparing runs: one at a time, and each can be given up until it goes.

use std::rc::Rc;

use convoke::data::Normalization;
use convoke::formats::TensorFile;
use convoke::train::{Checkpoint, MemoryStore, Settings, Store, TrainError, Trainer, fingerprint, given_weights};
use futures_util::lock::MutexGuard;
use js_sys::Uint8Array;
use wasm_bindgen_futures::spawn_local;

use super::Worker;
use crate::data::{OpenData, Source, note, options};
use crate::failure::Result;
use crate::protocol::{
    DataSource, DeviceChoice, DeviceReport, Event, Failure, Js, ModelSource, Phase, Reply, RunReport, RunState,
    TrainingSettings,
};
use crate::run::{Hold, Library, Prepared, drive};
use crate::{device, model};

impl Worker {
    /// Begins a new run.
    pub(super) async fn start(
        self: &Rc<Self>,
        source: &ModelSource,
        settings: &TrainingSettings,
        choice: DeviceChoice,
        name: String,
        init: Option<Js<Uint8Array>>,
    ) -> Result<Reply> {
        let _only = self.only()?;
        let mut revocation = self.preparing.begin();
        let prepared = self.prepare(source, settings, choice, init);
        let (mut trainer, data, device) = revocation.unless(prepared).await?;
        let mut report = report_of(&mut trainer, &data, device);
        report.name = name.trim().to_string();
        report.settings.more.clone_from(&settings.more);
        // Before any other tab can see it.
        let hold = Hold::take(&report.id).await?;
        let (store, library) = self.place(&mut report, &data).await?;
        if let Err(cancelled) = revocation.check() {
            if let Some((library, _)) = library {
                library.delete(&report.id).await?;
            }
            return Err(cancelled);
        }
        Ok(self.activate(Prepared { trainer, report, store, library, data: data.dataset, choice, hold }))
    }

    /// The right to prepare a run, which one has at a time: two would both train.
    fn only(&self) -> Result<MutexGuard<'_, ()>> {
        let other = || Failure::new("busy", "another run is being prepared; wait until it goes, or cancel it");
        self.only.try_lock().ok_or_else(other)
    }

    /// A new run's trainer, its data and its device. Nothing is kept.
    async fn prepare(
        self: &Rc<Self>,
        source: &ModelSource,
        settings: &TrainingSettings,
        choice: DeviceChoice,
        init: Option<Js<Uint8Array>>,
    ) -> Result<(Trainer, OpenData, DeviceReport)> {
        let spec = model::read(source)?;
        let settings = Settings::try_from(settings)?;
        self.end_active().await?;
        let data = self.data_for(spec.input).await?;
        let spec = spec.with_classes(data.dataset.classes.len());
        let network = spec.build()?;
        let statistics = Normalization::default().resolve(&data.dataset, spec.input[0])?;
        let weights = match init {
            None => None,
            Some(Js(bytes)) => {
                let file = TensorFile::decode("the given file", &bytes.to_vec()).map_err(TrainError::from)?;
                Some(given_weights(&network, "the given file", file)?)
            }
        };
        let engine = device::open(choice).await?;
        let device = device::describe(engine.info());
        let note = note(&data.name);
        let mut progress = self.progress();
        let mut preparing = |done, total| progress(Phase::Preparing, done, total);
        let dataset = data.dataset.clone();
        let trainer = Trainer::new(engine, network, dataset, statistics, settings, weights, note, &mut preparing);
        Ok((trainer.await?, data, device))
    }

    /// The open data for a model of `input`. It stays open so, which the page is told, unless other data was opened meanwhile.
    async fn data_for(self: &Rc<Self>, input: [usize; 3]) -> Result<OpenData> {
        let open = self.data()?;
        let data = open.for_input(input, &mut self.progress(), &mut self.turns()).await?;
        let same = |one: &OpenData, other: &OpenData| Rc::ptr_eq(&one.dataset, &other.dataset);
        if !same(&data, &open) && self.data.borrow().as_ref().is_some_and(|now| same(now, &open)) {
            *self.data.borrow_mut() = Some(data.clone());
            (self.tell())(Event::Data { data: Box::new(data.report()), input: input.map(|n| n as u32) });
        }
        Ok(data)
    }

    /// Where a new run is kept. Where the browser keeps nothing, it is in memory, and the page is told.
    async fn place(&self, report: &mut RunReport, data: &OpenData) -> Result<(Rc<dyn Store>, Place)> {
        let library = match self.library().await {
            Ok(library) => library,
            Err(failure) => {
                report.problem = Some(format!("Nothing of this run is kept: {}", failure.message));
                return Ok((Rc::new(MemoryStore::default()), None));
            }
        };
        if report.name.is_empty() {
            let number = library.runs().await?.len() + 1;
            report.name = format!("{} {number}", report.model);
        }
        let pictures = match data.source {
            Source::Embedded(_) => None,
            Source::Files(_) => Some(library.keep_pictures(&data.dataset, &fingerprint(&data.dataset)).await?),
        };
        library.keep_report(report, pictures.clone()).await?;
        Ok((Rc::new(library.store(&report.id)), Some((library, pictures))))
    }

    /// Lets a prepared run go.
    fn activate(self: &Rc<Self>, prepared: Prepared) -> Reply {
        let (active, driven) = drive(prepared, self.tell());
        let run = active.report.borrow().clone();
        *self.active.borrow_mut() = Some(active);
        (self.tell())(Event::State { run: Box::new(run.clone()) });
        spawn_local(driven);
        Reply::Run { run }
    }

    /// Goes on with a kept run.
    pub(super) async fn resume(self: &Rc<Self>, run: &str, choice: DeviceChoice) -> Result<Reply> {
        let _only = self.only()?;
        let prepared = self.preparing.begin().unless(self.prepare_again(run, choice)).await?;
        Ok(self.activate(prepared))
    }

    /// A kept run, ready to go on.
    async fn prepare_again(self: &Rc<Self>, run: &str, choice: DeviceChoice) -> Result<Prepared> {
        self.end_active().await?;
        let library = self.library().await?;
        let hold = Hold::take(run).await?;
        let store: Rc<dyn Store> = Rc::new(library.store(run));
        let mut report = library.report(run).await?;
        let checkpoint = Checkpoint::newest(&*store, &report.name).await?;
        let input = checkpoint.model.spec.input;
        let (pictures, data) = match library.pictures(run).await? {
            None => {
                let (source, options) = (DataSource::Embedded, options(input, 0, 0.2));
                let (mut progress, mut turns) = (self.progress(), self.turns());
                (None, OpenData::open(source, options, Vec::new(), &mut progress, &mut turns).await?.dataset)
            }
            Some(dataset) => {
                let folder = library.keep_pictures(&dataset, &fingerprint(&dataset)).await?;
                (Some(folder), Rc::new(dataset))
            }
        };
        let engine = device::open(choice).await?;
        report.device = device::describe(engine.info());
        let mut progress = self.progress();
        let mut preparing = |done, total| progress(Phase::Preparing, done, total);
        let trainer = Trainer::resume(engine, data.clone(), checkpoint, &mut preparing).await?;
        report.step = trainer.progress().step as u32;
        report.saved = Some(report.step);
        (report.state, report.problem) = (RunState::Running, None);
        let library = Some((library, pictures));
        Ok(Prepared { trainer, report, store, library, data, choice, hold })
    }
}

/// The library, where there is one, and the folder of a run's pictures.
type Place = Option<(Library, Option<String>)>;

/// What the page is told of a new run.
fn report_of(trainer: &mut Trainer, data: &OpenData, device: DeviceReport) -> RunReport {
    let (total, per_epoch) = (trainer.total_steps(), trainer.steps_per_epoch());
    let settings = TrainingSettings::from(trainer.settings());
    let spec = trainer.network().spec.clone();
    let parameters = trainer.network().parameter_count();
    let begun = js_sys::Date::now();
    RunReport {
        id: format!("{:x}-{:04x}", begun as u64, (js_sys::Math::random() * 65536.0) as u32),
        name: String::new(),
        begun,
        state: RunState::Running,
        elsewhere: false,
        problem: None,
        model: spec.name.clone(),
        toml: spec.to_toml(),
        settings,
        data: data.name.clone(),
        classes: data.dataset.classes.clone(),
        device,
        device_bytes: trainer.session().program().bytes() as f64,
        parameters: parameters as f64,
        train: data.dataset.train.len() as u32,
        test: data.dataset.test.len() as u32,
        step: 0,
        saved: None,
        total_steps: total as u32,
        steps_per_epoch: per_epoch as u32,
        last: None,
        best_accuracy: None,
        stored_bytes: 0.0,
    }
}
