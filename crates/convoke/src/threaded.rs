//! Engines on threads of their own.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use convoke_core::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::plan::{Program, Slice};

use crate::answer::{self, answer};
use crate::block_on;

/// An engine on a thread of its own, which does what it is told in order while the caller goes on: so engines that compute on the calling thread,
/// as the CPU's does, work beside others, and one that never answers holds up nobody but those who wait for it. When it is dropped its thread
/// ends with what it is doing; nobody waits for that.
#[derive(Debug)]
pub struct Threaded {
    info: DeviceInfo,
    limits: Limits,
    orders: Sender<Order>,
    /// What went wrong in a call that has no answer.
    error: Arc<Mutex<Option<EngineError>>>,
}

/// An answer on its way to the caller.
type Reply<T> = answer::Reply<Result<T, EngineError>>;

/// What the thread is told.
enum Order {
    Load(Box<Program>, Sender<(usize, usize)>, Reply<()>),
    Write(Slice, Vec<u32>),
    Submit(Vec<Run>),
    Read(Vec<Slice>, Reply<Vec<Vec<u32>>>),
    Profile(Run, Reply<Option<Vec<StepTime>>>),
    Ceilings(Reply<Option<Ceilings>>),
}

/// Between two looks at an answer that a driver owes.
const PAUSE: Duration = Duration::from_micros(100);

/// The longest between two.
const LONGEST: Duration = Duration::from_millis(50);

impl Threaded {
    /// Opens an engine on a new thread, by what `open` does there, and waits until it is open.
    ///
    /// # Errors
    /// What `open` says; [`EngineError::Refused`] where the operating system refuses the thread.
    pub fn new(
        open: impl FnOnce() -> Result<Box<dyn Engine>, EngineError> + Send + 'static,
    ) -> Result<Self, EngineError> {
        let (orders, inbox) = channel();
        let (opened, answer) = channel();
        let error = Arc::new(Mutex::new(None));
        let told = error.clone();
        let run = move || match open() {
            Ok(engine) => {
                if opened.send(Ok((engine.info().clone(), engine.limits()))).is_ok() {
                    serve(engine, &inbox, &told);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let refused = |reason: String| EngineError::Refused {
            name: "the operating system".into(),
            what: "a thread for an engine".into(),
            reason,
        };
        thread::Builder::new().name("convoke-engine".into()).spawn(run).map_err(|e| refused(e.to_string()))?;
        let (info, limits) = answer.recv().map_err(|_| refused("it ended before the engine was open".into()))??;
        Ok(Self { info, limits, orders, error })
    }

    /// Sends an order, unless one before it has failed.
    fn order(&self, order: Order) -> Result<(), EngineError> {
        if let Some(error) = self.error.lock().ok().and_then(|error| error.clone()) {
            return Err(error);
        }
        self.orders.send(order).map_err(|_| ended(&self.info))
    }

    /// Sends an order that is answered.
    fn ask<T: 'static>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Pending<'static, T> {
        let (reply, answer) = answer();
        let sent = self.order(order(reply));
        let info = self.info.clone();
        Box::pin(async move {
            sent?;
            answer.await.unwrap_or_else(|| Err(ended(&info)))
        })
    }
}

fn ended(info: &DeviceInfo) -> EngineError {
    EngineError::Lost { name: info.name.clone(), reason: "its thread has ended".into() }
}

/// An answer that the engine owes, to whom, and since when.
struct Debt {
    pending: Pending<'static, Vec<Vec<u32>>>,
    reply: Reply<Vec<Vec<u32>>>,
    asked: Instant,
}

/// Answers that the engine owes.
#[derive(Default)]
struct Owed {
    answers: Vec<Debt>,
    /// How long the last ones took.
    usual: Duration,
}

impl Owed {
    /// How long to wait for the next order before looking again. Steps take their time, and are alike: to look often before an answer can be there only takes
    /// a processor's time from whoever computes it.
    fn pause(&self) -> Duration {
        const EARLY: f64 = 0.85;
        let since = self.answers.first().map_or(Duration::ZERO, |debt| debt.asked.elapsed());
        self.usual.mul_f64(EARLY).saturating_sub(since).clamp(PAUSE, LONGEST)
    }

    /// Sends what has come.
    fn look(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        for mut debt in std::mem::take(&mut self.answers) {
            match debt.pending.as_mut().poll(&mut context) {
                Poll::Ready(answer) => {
                    debt.reply.send(answer);
                    let took = debt.asked.elapsed();
                    // Soon where they get quicker, slowly where they get slower.
                    self.usual = if took < self.usual { took } else { self.usual + (took - self.usual) / 4 };
                }
                Poll::Pending => self.answers.push(debt),
            }
        }
    }
}

/// Does what it is told until nobody is there to tell it.
fn serve(mut engine: Box<dyn Engine>, inbox: &Receiver<Order>, failed: &Mutex<Option<EngineError>>) {
    let mut owed = Owed::default();
    loop {
        let order = if owed.answers.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(owed.pause())
        };
        match order {
            Ok(order) => obey(&mut *engine, order, &mut owed, failed),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        owed.look();
    }
}

fn obey(engine: &mut dyn Engine, order: Order, owed: &mut Owed, failed: &Mutex<Option<EngineError>>) {
    let done = match order {
        Order::Write(slice, words) => engine.write(slice, &words),
        Order::Submit(runs) => engine.submit(&runs),
        Order::Read(slices, reply) => {
            owed.answers.push(Debt { pending: engine.read(&slices), reply, asked: Instant::now() });
            Ok(())
        }
        Order::Load(program, progress, reply) => {
            // Who asked may have gone: then nobody wants to know.
            let mut progress = |done, total| _ = progress.send((done, total));
            reply.send(block_on(engine.load(Rc::from(program), &mut progress)));
            Ok(())
        }
        Order::Profile(run, reply) => {
            reply.send(block_on(engine.profile(run)));
            Ok(())
        }
        Order::Ceilings(reply) => {
            reply.send(block_on(engine.ceilings()));
            Ok(())
        }
    };
    if let (Err(error), Ok(mut failed)) = (done, failed.lock()) {
        failed.get_or_insert(error);
    }
}

impl Engine for Threaded {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        // What failed belongs to the program before.
        if let Ok(mut error) = self.error.lock() {
            error.take_if(|error| !matches!(error, EngineError::Lost { .. }));
        }
        let ((told, tells), (reply, answer)) = (channel(), answer());
        let sent = self.order(Order::Load(Box::new((*program).clone()), told, reply));
        Box::pin(async move {
            sent?;
            let mut answer = pin!(answer);
            poll_fn(|context| {
                tells.try_iter().for_each(|(done, total)| progress(done, total));
                answer.as_mut().poll(context)
            })
            .await
            .unwrap_or_else(|| Err(ended(&self.info)))
        })
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        self.order(Order::Write(slice, words.to_vec()))
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        self.order(Order::Submit(runs.to_vec()))
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        let slices = slices.to_vec();
        let (answer, error, info) =
            (self.ask(|reply| Order::Read(slices, reply)), self.error.clone(), self.info.clone());
        Box::pin(async move {
            let words = answer.await?;
            // What was written or started before the read may have failed: then these words are not what was asked for.
            match error.lock() {
                Ok(error) => error.clone().map_or(Ok(words), Err),
                Err(_) => Err(ended(&info)),
            }
        })
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        self.ask(|reply| Order::Profile(run, reply))
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        self.ask(Order::Ceilings)
    }
}
