//! The training loop.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use convoke_core::engine::{Engine, Pending, Run};
use convoke_core::model::Network;
use convoke_core::plan::PlanKind;
use convoke_data::{Dataset, Statistics, shuffled};
use convoke_formats::NamedTensor;

use crate::augment::Share;
use crate::checkpoint::{Best, Checkpoint, LOG, Progress};
use crate::error::{Result, TrainError};
use crate::evaluation::Evaluation;
use crate::event::{Event, Record};
use crate::loss::weight_scale;
use crate::model_file::ModelFile;
use crate::session::{Figures, Input, Session};
use crate::settings::Settings;
use crate::store::Store;

/// The name of the trained model in a store.
const MODEL: &str = "model.safetensors";

/// How long a submission should keep the device busy: long enough that submitting costs nothing, short enough that a stop is
/// answered soon and no watchdog wakes.
const SUBMISSION: Duration = Duration::from_millis(100);

/// How long a run may lose where it is killed, apart from the time that a step takes.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Submissions under way at once: one that runs, and one that waits so that the device need not.
const IN_FLIGHT: usize = 2;

/// What a run is given to live with: where it keeps things, what the time is, when to stop, and who watches.
pub struct Host<'a> {
    /// Where checkpoints, the log and the model go.
    pub store: &'a dyn Store,
    /// The time since some fixed moment.
    pub clock: &'a dyn Fn() -> Duration,
    /// Whether to stop after the step at hand.
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
/// Everything that follows from the settings and the data is the same for every trainer on one engine, bit for bit, however often it
/// was stopped and resumed in between.
#[derive(Debug)]
pub struct Trainer {
    session: Session,
    network: Network,
    settings: Settings,
    statistics: Statistics,
    /// How much each class counts, where they don't count alike.
    class_weights: Option<Vec<f32>>,
    progress: Progress,
    fingerprint: String,
    note: String,
    /// Steps in the next submission, by the time that the last ones took.
    group: usize,
    /// The step after which to pause, where that was asked for.
    until: Option<u64>,
    /// Samples of the epoch at hand that were trained on here, and the seconds that it took.
    trained: (usize, f64),
    saved_at: Duration,
    saved_step: u64,
}

/// Steps that were submitted together.
struct Group {
    steps: usize,
    answer: Pending<'static, Vec<Vec<u32>>>,
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
        engine: Box<dyn Engine>,
        network: Network,
        data: Rc<Dataset>,
        statistics: Statistics,
        settings: Settings,
        weights: Option<Vec<NamedTensor>>,
        note: String,
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
        let batch = settings.batch_size.min(data.train.len().max(data.test.len()));
        let rule = Some(settings.optimizer.rule());
        let fingerprint = fingerprint(&data);
        let loss = settings.loss.loss();
        let class_weights = match &settings.loss.class_weights {
            Some(weights) => Some(weights.resolve(&data.train.labels, data.classes.len())?),
            None => None,
        };
        let mut session = Session::new(engine, &network, data, &input, &loss, rule, batch, progress).await?;
        session.set_weights(&weights)?;
        session.set_class_weights(class_weights.as_deref().unwrap_or_default())?;
        Ok(Self {
            session,
            network,
            settings,
            statistics,
            class_weights,
            progress: Progress::default(),
            fingerprint,
            note,
            group: 1,
            until: None,
            trained: (0, 0.0),
            saved_at: Duration::ZERO,
            saved_step: 0,
        })
    }

    /// A trainer that goes on where a checkpoint was taken. The log in the host's store is cut to what belongs to it when the
    /// run starts.
    ///
    /// # Errors
    /// As [`Trainer::new`], and [`TrainError::Data`] where the data is not the checkpoint's.
    pub async fn resume(
        engine: Box<dyn Engine>,
        data: Rc<Dataset>,
        checkpoint: Checkpoint,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let Checkpoint { model, states, progress: done, settings, data: expected, note } = checkpoint;
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
        let weights = Some(model.weights);
        let mut trainer = Self::new(engine, network, data, model.statistics, settings, weights, note, progress).await?;
        for (index, state) in states.iter().enumerate() {
            trainer.session.set_state(index, state)?;
        }
        trainer.progress = done;
        Ok(trainer)
    }

    /// The network on its engine.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
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

    /// Steps of one epoch; the last may hold fewer samples.
    pub fn steps_per_epoch(&self) -> usize {
        self.session.data().train.len().div_ceil(self.session.program().capacity)
    }

    /// The steps that the whole run takes.
    pub fn total_steps(&self) -> u64 {
        let all = u64::from(self.settings.epochs) * self.steps_per_epoch() as u64;
        self.settings.max_steps.map_or(all, |steps| steps.min(all))
    }

    /// Trains to the end, or until the host says stop, and leaves the model and a checkpoint in the host's store:
    /// [`begin`](Self::begin), [`advance`](Self::advance) and [`keep`](Self::keep) in one.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] where a step is broken, after what was learned before it is saved; [`TrainError::Engine`],
    /// [`TrainError::Store`].
    pub async fn run(&mut self, host: &mut Host<'_>) -> Result<Outcome> {
        self.begin(host).await?;
        let outcome = self.advance(host, None).await;
        if matches!(outcome, Ok(_) | Err(TrainError::NotFinite { .. })) {
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
        self.until = until;
        let outcome = self.epochs(host).await;
        self.until = None;
        outcome
    }

    /// Keeps the model and a checkpoint as they are now.
    ///
    /// # Errors
    /// [`TrainError::Engine`], [`TrainError::Store`].
    pub async fn keep(&mut self, host: &mut Host<'_>) -> Result<()> {
        self.save(host).await?;
        let model = self.model().await?;
        Ok(host.store.put(MODEL, model.to_tensor_file().encode()).await?)
    }

    async fn epochs(&mut self, host: &mut Host<'_>) -> Result<Outcome> {
        let samples = self.session.data().train.len();
        // After the last step an epoch may still wait for its evaluation, where that was broken off.
        let unfinished = |progress: &Progress, total| progress.step < total || progress.position == samples;
        while self.progress.epoch < self.settings.epochs && unfinished(&self.progress, self.total_steps()) {
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

    /// Trains to the end of the epoch at hand, to the last step asked for, or until the host says stop.
    async fn epoch(&mut self, host: &mut Host<'_>) -> Result<()> {
        let order = self.order();
        let (mut position, mut step) = (self.progress.position, self.progress.step);
        let mut waiting: VecDeque<Group> = VecDeque::new();
        let mut answered = (host.clock)();
        loop {
            let due = self.save_due(host, step);
            while !due && waiting.len() < IN_FLIGHT && !(host.stop)() {
                let steps = self.next_group(step);
                let samples = &order[position..order.len().min(position + steps * self.session.program().capacity)];
                if steps == 0 || samples.is_empty() {
                    break;
                }
                let group = self.submit(step, samples)?;
                (position, step) = (position + samples.len(), step + group.steps as u64);
                waiting.push_back(group);
            }
            if let Some(group) = waiting.pop_front() {
                let steps = group.steps;
                self.complete(group, host).await?;
                let now = (host.clock)();
                self.pace(steps, now.saturating_sub(answered));
                answered = now;
            } else if due {
                self.save(host).await?;
            } else {
                return Ok(());
            }
        }
    }

    /// Does so many steps without saving, evaluating or telling anyone, across epochs, and returns their losses: for benches,
    /// and for those who drive the loop themselves.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] or [`TrainError::Engine`].
    pub async fn steps(&mut self, count: u64, clock: &dyn Fn() -> Duration) -> Result<Vec<f64>> {
        let store = crate::MemoryStore::default();
        let mut losses = Vec::new();
        let mut events = |event: &Event| {
            if let Event::Record(Record::Step { loss, .. }) = event {
                losses.push(*loss);
            }
        };
        let mut host = Host { store: &store, clock, stop: &|| false, events: &mut events };
        let asked = self.settings.max_steps.replace(self.progress.step + count);
        self.saved_at = Duration::MAX;
        let mut result = Ok(());
        while result.is_ok() && self.progress.step < self.settings.max_steps.unwrap_or_default() {
            result = self.epoch(&mut host).await;
            if self.progress.position == self.session.data().train.len() {
                self.next_epoch();
            }
        }
        self.settings.max_steps = asked;
        result.map(|()| losses)
    }

    /// The order of the samples of the epoch at hand.
    fn order(&self) -> Vec<u32> {
        let count = self.session.data().train.len() as u32;
        if self.settings.shuffle {
            shuffled(self.settings.seed, self.progress.epoch, count)
        } else {
            (0..count).collect()
        }
    }

    /// Steps that the next submission holds: up to the next checkpoint, the last step, and what the ring has room for.
    fn next_group(&self, step: u64) -> usize {
        let last = self.settings.max_steps.into_iter().chain(self.until).min();
        let last = last.map_or(u64::MAX, |last| last.saturating_sub(step));
        let save = self.settings.checkpoint_steps.map_or(u64::MAX, |every| every - step % every);
        let room = (self.session.slots() / IN_FLIGHT).max(1);
        last.min(save).min(self.group.min(room) as u64) as usize
    }

    fn submit(&mut self, step: u64, samples: &[u32]) -> Result<Group> {
        let optimizer = self.settings.optimizer;
        let (mut runs, mut slots) = (Vec::new(), Vec::new());
        let batches: Vec<&[u32]> = samples.chunks(self.session.program().capacity).collect();
        for (number, batch) in (step + 1..).zip(&batches) {
            let share = Share { batch, run: 0..batch.len(), seed: self.settings.seed, step: number };
            let mut block = self.session.stage_share(&share)?;
            [block.step_size, block.inverse_sqrt_correction] = optimizer.scalars(number);
            block.learning_rate = optimizer.lr() as f32;
            block.weight_scale = self.weight_scale(batch);
            runs.extend([PlanKind::Gradients, PlanKind::Update].map(|plan| Run { plan, step: block }));
            slots.push(block.slot);
        }
        Ok(Group { steps: batches.len(), answer: self.session.submit(&runs, &slots)? })
    }

    /// What a batch's losses are scaled by where classes don't count alike.
    fn weight_scale(&self, batch: &[u32]) -> f32 {
        let labels = &self.session.data().train.labels;
        let weights = self.class_weights.as_deref();
        weights.map_or(1.0, |weights| weight_scale(batch.iter().map(|&i| weights[labels[i as usize] as usize])))
    }

    /// Waits for a submission and records its steps.
    async fn complete(&mut self, group: Group, host: &mut Host<'_>) -> Result<()> {
        let words = group.answer.await?;
        let (figures, flag) = (&words[..group.steps], words[group.steps][0]);
        let mut lines = Vec::new();
        let mut broken = None;
        for words in figures {
            let figures = Figures::of(words);
            let step = self.progress.step + 1;
            if figures.broken || (flag != 0 && flag == step as u32) {
                broken = Some(TrainError::NotFinite { step, lr: self.settings.optimizer.lr() });
                break;
            }
            self.progress.add(figures);
            let record = Record::Step { step, loss: figures.loss(), accuracy: figures.accuracy() };
            lines.extend(line(&record));
            (host.events)(&Event::Record(record));
        }
        self.log(host, &lines).await?;
        match broken {
            None => Ok(()),
            Some(error) => {
                self.session.clear_flag()?;
                Err(error)
            }
        }
    }

    /// Sizes the next submission by the time that the last one took, changing it by a factor of two at most.
    fn pace(&mut self, steps: usize, took: Duration) {
        let wanted = steps as f64 * SUBMISSION.as_secs_f64() / took.as_secs_f64().max(1e-6);
        self.group = (wanted as usize).clamp((steps / 2).max(1), steps * 2);
    }

    /// Evaluates the network and goes over to the next epoch, or says no where the host said stop in between: then it is as if nothing
    /// had been evaluated.
    async fn finish_epoch(&mut self, host: &mut Host<'_>) -> Result<bool> {
        let (stop, events) = (host.stop, &mut *host.events);
        let mut progress = |done, total| {
            events(&Event::Evaluating { done, total });
            !stop()
        };
        let figures = self.session.test_figures(&mut progress).await?;
        if figures.samples < self.session.data().test.len() as u64 {
            return Ok(false);
        }
        let test_top5 = self.session.top5(figures.samples).await?;
        let samples = self.progress.position as f64;
        let record = Record::Epoch {
            epoch: self.progress.epoch + 1,
            train_loss: self.progress.loss_sum / samples,
            train_accuracy: self.progress.correct as f64 / samples,
            test_loss: figures.loss(),
            test_accuracy: figures.accuracy(),
            test_top5,
            samples_per_second: self.trained.0 as f64 / self.trained.1.max(1e-9),
        };
        self.log(host, &line(&record)).await?;
        (host.events)(&Event::Record(record));
        if self.progress.best.is_none_or(|best| figures.accuracy() > best.accuracy) {
            self.progress.best = Some(Best { step: self.progress.step, accuracy: figures.accuracy() });
        }
        self.next_epoch();
        self.save(host).await?;
        Ok(true)
    }

    fn next_epoch(&mut self) {
        self.progress.epoch += 1;
        (self.progress.position, self.progress.loss_sum, self.progress.correct) = (0, 0.0, 0);
        self.trained = (0, 0.0);
    }

    async fn log(&mut self, host: &Host<'_>, lines: &[u8]) -> Result<()> {
        host.store.append(LOG, lines).await?;
        self.progress.log_bytes += lines.len() as u64;
        Ok(())
    }

    /// Whether a checkpoint is to be taken once all that was submitted, up to `step`, is done.
    fn save_due(&self, host: &Host<'_>, step: u64) -> bool {
        let by_time = (host.clock)().saturating_sub(self.saved_at) >= CHECKPOINT_EVERY;
        let every = self.settings.checkpoint_steps.unwrap_or(u64::MAX);
        by_time || (step > self.saved_step && step.is_multiple_of(every))
    }

    async fn save(&mut self, host: &mut Host<'_>) -> Result<()> {
        let checkpoint = self.checkpoint().await?;
        checkpoint.save(host.store).await?;
        (self.saved_at, self.saved_step) = ((host.clock)(), self.progress.step);
        (host.events)(&Event::Saved { name: checkpoint.name(), step: self.progress.step });
        Ok(())
    }

    /// The full state as it is now.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn checkpoint(&mut self) -> Result<Checkpoint> {
        let model = self.model().await?;
        let mut states = Vec::new();
        for index in 0..self.session.states() {
            states.push(self.session.state(index).await?);
        }
        let (progress, settings) = (self.progress.clone(), self.settings.clone());
        Ok(Checkpoint { model, states, progress, settings, data: self.fingerprint.clone(), note: self.note.clone() })
    }

    /// The model as it is now.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn model(&mut self) -> Result<ModelFile> {
        let weights = self.session.weights().await?;
        let classes = self.session.data().classes.clone();
        Ok(ModelFile {
            spec: self.network.spec.clone(),
            classes,
            statistics: self.statistics.clone(),
            loss: self.settings.loss.plain(),
            weights,
        })
    }

    /// Evaluates the model as it is now on the test pictures.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn evaluate(&mut self) -> Result<Evaluation> {
        self.session.evaluate(&mut |_, _| {}).await
    }
}

fn line(record: &Record) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).expect("plain data");
    line.push(b'\n');
    line
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
