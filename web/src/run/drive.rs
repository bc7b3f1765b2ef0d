//! Driving the active run: trains, takes orders in between, and brings it through the loss of its device.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use convoke::data::Dataset;
use convoke::engine::EngineError;
use convoke::train::{Checkpoint, Event as Told, Host, Outcome, Record, Store, TrainError, Trainer};
use futures_channel::mpsc;

use super::keep::epoch_record;
use super::pace::Pace;
use super::{Active, Answer, Hold, Library, Order, Tell};
use crate::device;
use crate::failure::Result;
use crate::now;
use crate::protocol::{DeviceChoice, Event, Failure, Phase, RunReport, RunState, StepRecord};

/// So many losses of the device without a step in between end a run.
const MOST_LOSSES: usize = 3;

/// A run that is ready to go.
pub(crate) struct Prepared {
    pub trainer: Trainer,
    pub report: RunReport,
    pub store: Rc<dyn Store>,
    /// Where the report is kept, with the folder of the pictures; `None` where the browser keeps nothing.
    pub library: Option<(Library, Option<String>)>,
    /// The pictures.
    pub data: Rc<Dataset>,
    /// On what, for a new device.
    pub choice: DeviceChoice,
    /// The right to write to the run.
    pub hold: Option<Hold>,
}

/// Makes a prepared run active: returns what others see of it, and the future that drives it to its end.
pub(crate) fn drive(prepared: Prepared, tell: Tell) -> (Rc<Active>, impl Future<Output = ()>) {
    let (orders, inbox) = mpsc::unbounded();
    let Prepared { trainer, report, store, library, data, choice, hold } = prepared;
    let active = Rc::new(Active {
        report: RefCell::new(report),
        store,
        data,
        hold: RefCell::new(hold),
        interrupted: Cell::new(false),
        orders,
    });
    let driver = Driver {
        active: active.clone(),
        tell,
        trainer,
        library,
        choice,
        pace: Pace::default(),
        until: None,
        losses: 0,
        begun: false,
    };
    (active, driver.run(inbox))
}

struct Driver {
    active: Rc<Active>,
    tell: Tell,
    trainer: Trainer,
    library: Option<(Library, Option<String>)>,
    choice: DeviceChoice,
    pace: Pace,
    /// The step after which to pause.
    until: Option<u64>,
    losses: usize,
    /// Whether the store is ready for the run: there may have been no room for that.
    begun: bool,
}

/// Who waits for the run to be held after a step.
type Waiting = Option<Answer<RunReport>>;

impl Driver {
    async fn run(mut self, inbox: mpsc::UnboundedReceiver<Order>) {
        self.live(inbox).await;
        drop(self.active.hold.take());
    }

    async fn live(&mut self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        let begun = self.begin().await;
        let mut waiting: Waiting = None;
        self.settle(begun.map(|()| Outcome::Stopped), &mut waiting).await;
        loop {
            // Where it is held, nothing happens until an order comes; else only those are taken that wait.
            let order = match self.state() {
                RunState::Running => inbox.try_recv().ok(),
                RunState::Paused => inbox.recv().await.ok(),
                RunState::Stopped | RunState::Finished | RunState::Failed => return,
            };
            match order {
                Some(order) => self.take(order, &mut waiting).await,
                None if self.state() == RunState::Paused => return,
                None => {
                    self.active.interrupted.set(false);
                    let outcome = self.advance().await;
                    self.settle(outcome, &mut waiting).await;
                }
            }
        }
    }

    fn state(&self) -> RunState {
        self.active.report.borrow().state
    }

    async fn take(&mut self, order: Order, waiting: &mut Waiting) {
        match order {
            Order::Continue(answer) => {
                self.pace.restart(now(), self.trainer.progress().step as u32);
                self.become_state(RunState::Running, None);
                drop(answer.send(Ok(self.report())));
            }
            Order::Step(answer) => {
                self.until = Some(self.trainer.progress().step + 1);
                *waiting = Some(answer);
                self.become_state(RunState::Running, None);
            }
            Order::Pause(answer) => {
                let kept = self.hold(RunState::Paused).await;
                drop(answer.send(kept.map(|()| self.report())));
            }
            Order::Stop(answer) => {
                let kept = self.hold(RunState::Stopped).await;
                drop(answer.send(kept.map(|()| self.report())));
            }
            Order::Abandon(answer) => {
                self.abandon();
                drop(answer.send(Ok(self.report())));
            }
            Order::Model(answer) => drop(answer.send(self.trainer.model().await.map_err(Failure::from))),
            Order::Checkpoint(answer) => drop(answer.send(self.trainer.checkpoint().await.map_err(Failure::from))),
        }
    }

    /// Keeps all and holds the run. Where it can't be kept, it is only held, so that nothing is lost.
    async fn hold(&mut self, state: RunState) -> Result<()> {
        self.until = None;
        let kept = self.keep().await.map_err(Failure::from);
        match &kept {
            Ok(()) => self.become_state(state, None),
            Err(failure) => self.become_state(RunState::Paused, Some(failure.message.clone())),
        }
        kept
    }

    /// Ends the run as it was kept last.
    fn abandon(&mut self) {
        {
            let mut report = self.active.report.borrow_mut();
            (report.state, report.problem) = match report.saved {
                Some(_) => (RunState::Stopped, None),
                None => (RunState::Failed, Some("It was ended before any of it could be kept.".into())),
            };
            report.step = report.saved.unwrap_or_default();
            // What was only known of later steps goes with them.
            if report.last.is_some_and(|last| last.epoch * report.steps_per_epoch > report.step) {
                (report.last, report.best_accuracy) = (None, None);
            }
        }
        self.tell_state();
    }

    /// What follows from how far the trainer came.
    async fn settle(&mut self, outcome: std::result::Result<Outcome, TrainError>, waiting: &mut Waiting) {
        let held = match outcome {
            Ok(Outcome::Finished) => Some(self.hold(RunState::Finished).await),
            Ok(Outcome::Stopped) if self.until.is_some_and(|step| self.trainer.progress().step >= step) => {
                Some(self.hold(RunState::Paused).await)
            }
            Ok(Outcome::Stopped) => None,
            Err(TrainError::Engine(EngineError::Lost { reason, .. })) => {
                let recovered = self.recover(&reason).await;
                recovered.err().map(|failure| Err(self.fail(failure)))
            }
            Err(error @ TrainError::NotFinite { .. }) => {
                // What was learned before the broken step is as good as ever.
                let kept = self.keep().await;
                Some(Err(self.fail(kept.err().unwrap_or(error).into())))
            }
            // The state is whole, only its copy is not: the run is held, and goes on when there is room.
            Err(TrainError::Store(error)) => {
                let failure = Failure::from(error);
                self.become_state(RunState::Paused, Some(failure.message.clone()));
                Some(Err(failure))
            }
            Err(error) => Some(Err(self.fail(error.into()))),
        };
        if let (Some(held), Some(answer)) = (held, waiting.take_if(|_| self.state() != RunState::Running)) {
            drop(answer.send(held.map(|()| self.report())));
        }
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.become_state(RunState::Failed, Some(failure.message.clone()));
        failure
    }

    /// Goes on, on a new device, where the last checkpoint was taken.
    async fn recover(&mut self, reason: &str) -> Result<()> {
        self.losses += 1;
        if self.losses > MOST_LOSSES {
            let message = format!(
                "the device was lost {MOST_LOSSES} times in a row ({reason}); the last checkpoint is kept: resume the run on another device"
            );
            return Err(Failure::new("device-lost", message));
        }
        let checkpoint = Checkpoint::newest(&*self.active.store, "the run").await?;
        // The graphics process may still be coming back: then the automatic choice takes what there is.
        let engine = match device::open(self.choice).await {
            Ok(engine) => engine,
            Err(_) => device::open(DeviceChoice::Auto).await?,
        };
        let (report, tell) = (device::describe(engine.info()), self.tell.clone());
        let mut preparing = |done, total| tell(progress(Phase::Preparing, done, total));
        self.trainer = Trainer::resume(engine, self.active.data.clone(), checkpoint, &mut preparing).await?;
        self.active.report.borrow_mut().device = report.clone();
        self.begin().await?;
        let (run, step) = (self.active.id(), self.trainer.progress().step as u32);
        self.pace = Pace::default();
        self.pace.restart(now(), step);
        (self.tell)(Event::DeviceLost { run, reason: reason.into(), step, device: report });
        Ok(())
    }

    async fn begin(&mut self) -> std::result::Result<(), TrainError> {
        self.pace.restart(now(), self.trainer.progress().step as u32);
        self.begun = false;
        self.with_host(async |trainer, host| trainer.begin(host).await).await?;
        self.begun = true;
        Ok(())
    }

    async fn keep(&mut self) -> std::result::Result<(), TrainError> {
        self.with_host(async |trainer, host| trainer.keep(host).await).await
    }

    async fn advance(&mut self) -> std::result::Result<Outcome, TrainError> {
        if !self.begun {
            self.begin().await?;
        }
        let until = self.until;
        self.with_host(async |trainer, host| trainer.advance(host, until).await).await
    }

    /// Lets the trainer do something with this run's store, clock and ears.
    async fn with_host<T>(&mut self, work: impl AsyncFnOnce(&mut Trainer, &mut Host<'_>) -> T) -> T {
        let Self { active, tell, trainer, library, pace, losses, .. } = self;
        let samples = trainer.settings().batch_size as f64;
        let listener = Listener { active: active.clone(), tell: tell.clone(), library: library.clone(), samples };
        let mut events = |event: &Told| {
            if matches!(event, Told::Record(Record::Step { .. })) {
                *losses = 0;
            }
            listener.hear(event, pace);
        };
        let stop = || active.interrupted.get();
        let mut host = Host { store: &*active.store, clock: &now, stop: &stop, events: &mut events };
        let done = work(trainer, &mut host).await;
        listener.tell_steps(pace.take(now()), pace);
        done
    }

    fn report(&self) -> RunReport {
        self.active.report.borrow().clone()
    }

    fn become_state(&mut self, state: RunState, problem: Option<String>) {
        {
            let mut report = self.active.report.borrow_mut();
            (report.state, report.problem) = (state, problem);
            report.step = self.trainer.progress().step as u32;
        }
        self.tell_state();
    }

    fn tell_state(&self) {
        keep_report(&self.library, self.report());
        (self.tell)(Event::State { run: Box::new(self.report()) });
    }
}

/// Makes the page's events of the trainer's.
struct Listener {
    active: Rc<Active>,
    tell: Tell,
    library: Option<(Library, Option<String>)>,
    /// Samples of a step.
    samples: f64,
}

impl Listener {
    fn hear(&self, event: &Told, pace: &mut Pace) {
        match event {
            &Told::Record(Record::Step { step, loss, accuracy, .. }) => {
                pace.add(StepRecord { step: step as u32, loss, accuracy }, now());
                self.active.report.borrow_mut().step = step as u32;
                let due = pace.due(now());
                self.tell_steps(due, pace);
            }
            Told::Record(record) => {
                self.tell_steps(pace.take(now()), pace);
                let Some(epoch) = epoch_record(record) else { return };
                {
                    let mut report = self.active.report.borrow_mut();
                    report.last = Some(epoch);
                    report.best_accuracy = Some(report.best_accuracy.unwrap_or(0.0).max(epoch.test_accuracy));
                }
                (self.tell)(Event::Epoch { run: self.active.id(), epoch });
            }
            &Told::Preparing { done, total } => (self.tell)(progress(Phase::Preparing, done, total)),
            &Told::Evaluating { done, total } => (self.tell)(progress(Phase::Evaluating, done, total)),
            &Told::Saved { step, .. } => {
                self.active.report.borrow_mut().saved = Some(step as u32);
                keep_report(&self.library, self.active.report.borrow().clone());
                (self.tell)(Event::Saved { run: self.active.id(), step: step as u32 });
            }
        }
    }

    fn tell_steps(&self, steps: Option<Vec<StepRecord>>, pace: &Pace) {
        let Some(steps) = steps else { return };
        let per_second = pace.steps_per_second();
        let left = self.active.report.borrow().total_steps.saturating_sub(steps.last().map_or(0, |last| last.step));
        (self.tell)(Event::Steps {
            run: self.active.id(),
            steps,
            samples_per_second: per_second * self.samples,
            seconds_left: if per_second > 0.0 { f64::from(left) / per_second } else { 0.0 },
        });
    }
}

fn progress(phase: Phase, done: usize, total: usize) -> Event {
    Event::Progress { phase, done: done as u32, total: total as u32 }
}

/// Keeps how a run stands, beside all else: writes come in the order in which they are begun. One that fails is made up for by the
/// next; the checkpoint, which counts, is written by the trainer.
fn keep_report(library: &Option<(Library, Option<String>)>, report: RunReport) {
    if let Some((library, pictures)) = library.clone() {
        wasm_bindgen_futures::spawn_local(async move {
            drop(library.keep_report(&report, pictures).await);
        });
    }
}
