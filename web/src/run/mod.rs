//! Runs: one that is active and takes orders, and those that are kept.

mod drive;
mod hold;
mod keep;
mod pace;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use convoke::data::Dataset;
use convoke::train::{Checkpoint, ModelFile, Store};
use futures_channel::{mpsc, oneshot};

pub(crate) use drive::{Prepared, drive};
pub(crate) use hold::Hold;
#[cfg(feature = "package")]
pub(crate) use keep::epoch_record;
pub(crate) use keep::{Library, export, log};

use crate::failure::Result;
use crate::protocol::{Event, Failure, RunReport, RunState};

/// What the active run can be asked.
pub(crate) enum Order {
    /// Go on after a pause.
    Continue(Answer<RunReport>),
    /// Hold.
    Pause(Answer<RunReport>),
    /// Make one step.
    Step(Answer<RunReport>),
    /// End.
    Stop(Answer<RunReport>),
    /// End, and lose what is not kept.
    Abandon(Answer<RunReport>),
    /// Say what the model is now.
    Model(Answer<ModelFile>),
    /// Say what a checkpoint would be now, without keeping it.
    Checkpoint(Answer<Checkpoint>),
}

/// Where an answer goes. One that nobody waits for any more is dropped.
pub(crate) type Answer<T> = oneshot::Sender<Result<T>>;

/// The active run, as others see it: the trainer itself is in the hands of [`drive`].
pub(crate) struct Active {
    /// How it stands.
    pub report: RefCell<RunReport>,
    /// Where it is kept.
    pub store: Rc<dyn Store>,
    /// What it trains and is tested on, whatever else is open.
    pub data: Rc<Dataset>,
    /// The right to write to it, until it ends.
    pub hold: RefCell<Option<Hold>>,
    /// Set where an order waits: the trainer stops at the next occasion to take it.
    interrupted: Cell<bool>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Active {
    /// The run's id.
    pub fn id(&self) -> String {
        self.report.borrow().id.clone()
    }

    /// Whether it has not ended: it trains, or is held and goes on at once.
    pub fn is_live(&self) -> bool {
        matches!(self.report.borrow().state, RunState::Running | RunState::Paused)
    }

    /// Gives an order and waits for its answer.
    ///
    /// # Errors
    /// The order's, or that the run has ended.
    pub async fn order<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T> {
        let ended = || Failure::new("no-run", "the run has ended; start another, or resume it");
        let (answer, told) = oneshot::channel();
        self.orders.unbounded_send(order(answer)).map_err(|_| ended())?;
        self.interrupted.set(true);
        told.await.map_err(|_| ended())?
    }
}

/// Tells the page what happens.
pub(crate) type Tell = Rc<dyn Fn(Event)>;
