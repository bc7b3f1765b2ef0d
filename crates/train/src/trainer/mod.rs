//! The training loop.

mod epochs;
mod split_steps;
mod steps;

use std::rc::Rc;
use std::time::Duration;

use convoke_core::engine::DeviceInfo;
use convoke_core::loss::Loss;
use convoke_core::model::Network;
use convoke_core::plan::{Program, Training};
use convoke_data::{Dataset, Samples, Statistics};
use convoke_formats::NamedTensor;

use crate::checkpoint::{Checkpoint, LOG, Progress};
use crate::error::{Result, TrainError};
use crate::evaluation::Evaluation;
use crate::event::{Event, Record};
use crate::groups::training;
use crate::model_file::ModelFile;
use crate::pieces::probably_long;
use crate::replicas::{DeviceShare, Engines, Replicas, common_limits, with_several};
use crate::schedule::Length;
use crate::session::{Input, Part, Session, Snapshot, all};
use crate::settings::Settings;
use crate::split::split;
use crate::store::Store;

/// The name of the trained model in a store.
const MODEL: &str = "model.safetensors";

/// The name of the best model so far in a store, where there is a validation set.
const BEST: &str = "best.safetensors";

/// How long a run may lose where it is killed, apart from the time that a step takes.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// What a run is given to live with: where it keeps things, what the time is, when to stop, and who watches.
pub struct Host<'a> {
    /// Where checkpoints, the log and the model go.
    pub store: &'a dyn Store,
    /// The time since some fixed moment.
    pub clock: &'a dyn Fn() -> Duration,
    /// Whether to stop: after the steps under way, or in the middle of a long one, which then is as if it had never begun.
    pub stop: &'a dyn Fn() -> bool,
    /// Is told what happens.
    pub events: &'a mut dyn FnMut(&Event),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs, or all steps that were asked for, are done.
    Finished,
    /// It was told to stop; it can be resumed.
    Stopped,
}

/// A network in training.
///
/// [`run`](Self::run) trains to the end; [`begin`](Self::begin), [`advance`](Self::advance) and [`keep`](Self::keep) are for those who go step by step, and
/// [`steps`](Self::steps) for those who want nothing but losses. The crate `convoke` has examples of all of them.
///
/// Everything that follows from the settings and the data is the same for every trainer on one engine, bit for bit, however often it
/// was stopped and resumed in between.
#[derive(Debug)]
pub struct Trainer {
    /// The network on the only engine, or on the owner of what the replicas compute gradients of.
    session: Session,
    replicas: Option<Replicas>,
    /// The shares that were told of last.
    announced: Vec<DeviceShare>,
    data: Rc<Dataset>,
    network: Network,
    settings: Settings,
    statistics: Statistics,
    /// How much each class counts, where they don't count alike.
    class_weights: Option<Vec<f32>>,
    progress: Progress,
    /// The training pictures that are learned from, and those that are validated with.
    split: [Vec<u32>; 2],
    /// Samples of a step; the last of an epoch may hold fewer.
    step_samples: usize,
    fingerprint: String,
    note: String,
    /// Steps in the next submission, by the time that the last ones took.
    group: usize,
    /// Submissions to have under way at once.
    in_flight: usize,
    /// Whether a step takes so long that it is submitted in pieces.
    long: bool,
    /// The step after which to pause, where that was asked for.
    until: Option<u64>,
    /// Samples of the epoch at hand that were trained on here, and the seconds that it took.
    trained: (usize, f64),
    saved_at: Duration,
    saved_step: u64,
}

impl Trainer {
    /// A trainer that begins with the given weights, or with the seed's where there are none.
    ///
    /// `note` is kept in checkpoints for the host: where the data came from, say. `progress` is told how many of how many kernels
    /// are prepared.
    ///
    /// # Errors
    /// [`TrainError::Setting`], [`TrainError::Data`], [`TrainError::Weights`], [`TrainError::Model`] or [`TrainError::Engine`].
    #[expect(clippy::too_many_arguments, reason = "each is a different thing, and none has a default")]
    pub async fn new(
        engines: impl Into<Engines>,
        network: Network,
        data: Rc<Dataset>,
        statistics: Statistics,
        settings: Settings,
        weights: Option<Vec<NamedTensor>>,
        note: String,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        Self::prepare(engines.into(), network, data, statistics, settings, weights, note, None, progress).await
    }

    /// As [`Trainer::new`], for runs of at most `capacity` samples where that is known.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing, and none has a default")]
    async fn prepare(
        engines: Engines,
        network: Network,
        data: Rc<Dataset>,
        statistics: Statistics,
        settings: Settings,
        weights: Option<Vec<NamedTensor>>,
        note: String,
        capacity: Option<usize>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        settings.check()?;
        if data.train.is_empty() || data.test.is_empty() {
            return Err(TrainError::Data("there are no pictures to train on, or none to test on".into()));
        }
        let weights = match weights {
            Some(weights) => crate::check_weights(&network, "the given weights", weights)?,
            None => crate::initial_weights(&network, settings.seed),
        };
        let (channels, augment) = (data.channels, settings.augment.clone());
        let input = Input { channels, statistics: statistics.clone(), augment };
        let split = match settings.validation {
            0.0 => [(0..data.train.len() as u32).collect(), Vec::new()],
            fraction => split(settings.seed, &data.train.labels, data.classes.len(), fraction),
        };
        if settings.validation > 0.0 && split[1].is_empty() {
            let problem =
                "there are too few training pictures to set some aside for validation; leave --validation out";
            return Err(TrainError::Data(problem.into()));
        }
        let batch = settings.batch_size.min(data.train.len().max(data.test.len()));
        let step_samples = batch.saturating_mul(settings.accumulate).min(split[0].len().max(batch));
        let capacity = capacity.map_or(batch, |capacity| capacity.clamp(1, batch));
        let mut training = training(&settings, &network)?;
        training.accumulate |= step_samples > capacity;
        let fingerprint = fingerprint(&data);
        let loss = settings.loss.loss();
        let class_weights = match &settings.loss.class_weights {
            Some(weights) => Some(weights.resolve(&data.train.labels, data.classes.len())?),
            None => None,
        };
        let (session, replicas) = load(engines, &network, &data, &input, &loss, training, capacity, progress).await?;
        let long = probably_long(session.program(), step_samples);
        let mut trainer = Self {
            session,
            replicas,
            announced: Vec::new(),
            data,
            network,
            settings,
            statistics,
            class_weights,
            progress: Progress::default(),
            split,
            step_samples,
            fingerprint,
            note,
            group: 1,
            in_flight: 1,
            long,
            until: None,
            trained: (0, 0.0),
            saved_at: Duration::ZERO,
            saved_step: 0,
        };
        trainer.settings.schedule.check_length(trainer.length()).map_err(TrainError::Setting)?;
        trainer.set_weights(&weights)?;
        Ok(trainer)
    }

    /// A trainer that goes on where a checkpoint was taken. The log in the host's store is cut to what belongs to it when the
    /// run starts.
    ///
    /// # Errors
    /// As [`Trainer::new`], and [`TrainError::Data`] where the data is not the checkpoint's.
    pub async fn resume(
        engines: impl Into<Engines>,
        data: Rc<Dataset>,
        checkpoint: Checkpoint,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let Checkpoint { model, weights, states, progress: done, settings, data: expected, capacity, shares, note } =
            checkpoint;
        if fingerprint(&data) != expected {
            let problem = "the data has changed since the checkpoint was taken; give the same data, or start a new run with --init";
            return Err(TrainError::Data(problem.into()));
        }
        if done.position > data.train.len() {
            let problem = format!(
                "the checkpoint is at sample {} of {}, which can't be; go on from another",
                done.position,
                data.train.len()
            );
            return Err(TrainError::Data(problem));
        }
        let network = model.spec.build()?;
        let (average, capacity) = (model.weights, Some(capacity));
        let weights = Some(weights.unwrap_or_else(|| average.clone()));
        let trainer =
            Self::prepare(engines.into(), network, data, model.statistics, settings, weights, note, capacity, progress);
        let mut trainer = trainer.await?;
        trainer.session.set_average(&average)?;
        for (index, state) in states.iter().enumerate() {
            trainer.session.set_state(index, state)?;
        }
        trainer.progress = done;
        trainer.replicas.iter_mut().for_each(|replicas| replicas.repeat(&shares));
        trainer.announced = shares;
        Ok(trainer)
    }

    /// The network on its engine; of several, on the one that owns the parameters, and that has no pictures.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The devices that compute, each with its program.
    pub fn devices(&mut self) -> Vec<(DeviceInfo, Rc<Program>)> {
        let of = |session: &mut Session| (session.engine().info().clone(), session.program_rc());
        match &mut self.replicas {
            None => vec![of(&mut self.session)],
            Some(replicas) => replicas.sessions().map(of).collect(),
        }
    }

    /// How much of each batch each device has, where there are several.
    pub fn shares(&self) -> Vec<DeviceShare> {
        self.replicas.as_ref().map_or_else(Vec::new, Replicas::shares)
    }

    /// Gives all engines the same weights; where an average of them is kept, it begins there.
    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<()> {
        let class_weights = self.class_weights.as_deref().unwrap_or_default();
        for session in self.replicas.iter_mut().flat_map(Replicas::sessions).chain([&mut self.session]) {
            session.set_weights(weights)?;
            session.set_class_weights(class_weights)?;
        }
        Ok(())
    }

    /// The pictures.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// What is trained.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// How to train.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How far the run has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Samples of a step; the last of an epoch may hold fewer.
    pub fn step_samples(&self) -> usize {
        self.step_samples
    }

    /// The most samples that are computed together: fewer than a step's where gradients are added up, because that was asked for or because
    /// the device can't hold a whole batch.
    pub fn micro_batch(&self) -> usize {
        self.replicas.as_ref().map_or(self.session.program().capacity, Replicas::capacity)
    }

    /// The training pictures that are learned from, and those that are set aside to validate with.
    pub fn split(&self) -> [usize; 2] {
        [self.split[0].len(), self.split[1].len()]
    }

    /// Steps of one epoch; the last may hold fewer samples.
    pub fn steps_per_epoch(&self) -> usize {
        self.split[0].len().div_ceil(self.step_samples)
    }

    /// The steps that the whole run takes, if it is not stopped early.
    pub fn total_steps(&self) -> u64 {
        let all = u64::from(self.settings.epochs) * self.steps_per_epoch() as u64;
        self.settings.max_steps.map_or(all, |steps| steps.min(all))
    }

    fn length(&self) -> Length {
        Length { steps: self.total_steps(), per_epoch: self.steps_per_epoch() }
    }

    /// The learning rate of a step, counted from 1, as it is known now.
    pub fn rate(&self, step: u64) -> f64 {
        let lr = self.settings.optimizer.lr().min(self.progress.plateau.limit);
        self.settings.schedule.rate(lr, step.max(1) - 1, self.length())
    }

    /// Whether the run has ended because nothing got better any more.
    pub fn stopped_early(&self) -> bool {
        let since = self.progress.best.map_or(0, |best| self.progress.epoch.saturating_sub(best.epoch));
        self.settings.patience.is_some_and(|patience| since >= patience)
    }

    /// Trains to the end, or until the host says stop, and leaves the model and a checkpoint in the host's store:
    /// [`begin`](Self::begin), [`advance`](Self::advance) and [`keep`](Self::keep) in one.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] where a step is broken, and [`TrainError::NoneLeft`] where of several devices none is left, after what was learned before is saved; [`TrainError::Engine`],
    /// [`TrainError::Store`].
    pub async fn run(&mut self, host: &mut Host<'_>) -> Result<Outcome> {
        self.begin(host).await?;
        let outcome = self.advance(host, None).await;
        if matches!(outcome, Ok(_) | Err(TrainError::NotFinite { .. } | TrainError::NoneLeft { .. })) {
            self.keep(host).await?;
        }
        outcome
    }

    /// Makes the host's store ready for the run: cuts the log to what belongs to it, and takes a first checkpoint of a new run. To be
    /// called once, before the first [`advance`](Self::advance).
    ///
    /// # Errors
    /// [`TrainError::Engine`], [`TrainError::Store`].
    pub async fn begin(&mut self, host: &mut Host<'_>) -> Result<()> {
        host.store.truncate(LOG, self.progress.log_bytes).await?;
        (self.saved_at, self.saved_step) = ((host.clock)(), self.progress.step);
        if self.progress.step == 0 {
            self.save(host).await?;
        }
        Ok(())
    }

    /// Trains until the host says stop, step `until` is done or the run is, taking checkpoints on the way, and none at the end: it can
    /// go on at once.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`], [`TrainError::Engine`], [`TrainError::Store`].
    pub async fn advance(&mut self, host: &mut Host<'_>, until: Option<u64>) -> Result<Outcome> {
        self.until = until.map(|until| self.settings.max_steps.map_or(until, |most| most.min(until)));
        let outcome = self.epochs(host).await;
        self.until = None;
        outcome
    }

    /// Keeps the model and a checkpoint as they are now.
    ///
    /// # Errors
    /// [`TrainError::Engine`], [`TrainError::Store`].
    pub async fn keep(&mut self, host: &mut Host<'_>) -> Result<()> {
        let checkpoint = self.save(host).await?;
        Ok(host.store.put(MODEL, checkpoint.model.to_tensor_file().encode()).await?)
    }

    async fn epochs(&mut self, host: &mut Host<'_>) -> Result<Outcome> {
        let samples = self.split[0].len();
        // After the last step an epoch may still wait for its evaluation, where that was broken off.
        let unfinished = |progress: &Progress, total| progress.step < total || progress.position == samples;
        while self.progress.epoch < self.settings.epochs
            && unfinished(&self.progress, self.total_steps())
            && !self.stopped_early()
        {
            let began = ((host.clock)(), self.progress.position);
            self.epoch(host).await?;
            self.trained.0 += self.progress.position - began.1;
            self.trained.1 += ((host.clock)() - began.0).as_secs_f64();
            let ended = self.progress.position < samples || self.finish_epoch(host).await?;
            let paused = self.until.is_some_and(|step| self.progress.step >= step) || (host.stop)();
            if !ended || (paused && self.progress.step < self.total_steps()) {
                return Ok(Outcome::Stopped);
            }
        }
        Ok(Outcome::Finished)
    }

    /// The full state as it is now.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn checkpoint(&mut self) -> Result<Checkpoint> {
        let Snapshot { evaluated, trained, states } = self.session.snapshot().await?;
        Ok(Checkpoint {
            model: self.model_of(evaluated),
            weights: trained,
            states,
            progress: self.progress.clone(),
            settings: self.settings.clone(),
            data: self.fingerprint.clone(),
            capacity: self.micro_batch(),
            shares: self.shares(),
            note: self.note.clone(),
        })
    }

    /// The model as it is now.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn model(&mut self) -> Result<ModelFile> {
        let weights = self.session.weights().await?;
        Ok(self.model_of(weights))
    }

    fn model_of(&self, weights: Vec<NamedTensor>) -> ModelFile {
        ModelFile {
            spec: self.network.spec.clone(),
            classes: self.data.classes.clone(),
            statistics: self.statistics.clone(),
            loss: self.settings.loss.plain(),
            weights,
        }
    }

    /// Evaluates the model as it is now on the test pictures.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn evaluate(&mut self) -> Result<Evaluation> {
        let order = all(&self.data.test);
        let (figures, tallies) = self.figures(Part::Test, &order, &mut |_, _| true, &|| Duration::ZERO).await?;
        Ok(Evaluation::of(self.network.classes(), figures, &tallies))
    }
}

/// The network on its only engine, or on the owner and the replicas. The owner computes no gradients: it is made for as little as can be.
#[expect(clippy::too_many_arguments, reason = "each is a different thing, and none has a default")]
async fn load(
    engines: Engines,
    network: &Network,
    data: &Rc<Dataset>,
    input: &Input,
    loss: &Loss,
    training: Training,
    capacity: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Session, Option<Replicas>)> {
    if engines.replicas.is_empty() {
        // One engine has the whole batch.
        let training = Some(Training { synchronized: false, ..training });
        let session = Session::new(engines.owner, network, data.clone(), input, loss, training, capacity, progress);
        return Ok((session.await?, None));
    }
    let limits = common_limits(&engines);
    let Engines { owner, replicas, split, deadline } = engines;
    let how = (split, deadline);
    let replicas = Replicas::new(replicas, how, network, data, input, loss, &training, capacity, limits, progress);
    let Some(replicas) = with_several(replicas) else {
        let problem = "several devices are given, and this program trains on one; give one, or train with the command";
        return Err(TrainError::Setting(problem.into()));
    };
    let replicas = replicas.await?;
    let options = (Some(training), 1, limits);
    let empty = Rc::new(Dataset { train: Samples::default(), test: Samples::default(), ..(**data).clone() });
    let session = Session::within(owner, network, empty, input, loss, options, progress).await?;
    Ok((session, Some(replicas)))
}

/// A hash of all that training sees of the data: a checkpoint is resumed on that data alone.
pub fn fingerprint(data: &Dataset) -> String {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for samples in [&data.train, &data.test] {
        hash.update(bytemuck::cast_slice(&samples.labels));
        hash.update(&samples.pixels);
    }
    data.classes.iter().for_each(|name| hash.update(name.as_bytes()));
    format!("{:032x}", hash.digest128())
}

/// A record as a line of the log.
fn line(record: &Record) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).expect("plain data");
    line.push(b'\n');
    line
}
