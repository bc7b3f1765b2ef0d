//! An engine that fails: a wrapper such as any user of the crates could write.

use std::future::pending;
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use convoke_core::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::plan::{PlanKind, Program, Slice};

/// What goes wrong, in a step counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device is lost when its part of the gradients begins.
    Forward,
    /// It is lost before it has answered with them.
    Reduction,
    /// It is lost when it is sent the parameters.
    Update,
    /// It refuses the memory for the program.
    Allocation,
    /// From then on it takes ten times as long.
    Slow,
    /// From then on it doesn't answer.
    Silent,
    /// From then on its thread is stuck.
    Stuck,
    /// It doesn't answer from the first evaluation on, whatever the step.
    Evaluation,
    /// From then on it keeps something else than it is sent: nobody can go on from that, so it is none of [`ALL`](Self::ALL).
    Forgetful,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::Forward,
        Self::Reduction,
        Self::Update,
        Self::Allocation,
        Self::Slow,
        Self::Silent,
        Self::Stuck,
        Self::Evaluation,
    ];
}

/// An engine with a fault.
pub struct Faulty {
    inner: Box<dyn Engine>,
    fault: Fault,
    at: u64,
    /// Whether the step at which it fails has begun.
    reached: bool,
    lost: bool,
}

impl Faulty {
    pub fn new(inner: Box<dyn Engine>, fault: Fault, at: u64) -> Self {
        Self { inner, fault, at, reached: false, lost: false }
    }

    fn error(&self) -> EngineError {
        EngineError::Lost { name: self.inner.info().name.clone(), reason: "a cable was pulled".into() }
    }

    /// The error of a call that is about to be made, where there is one.
    fn check(&mut self, now: bool) -> Result<(), EngineError> {
        self.lost |= now;
        if self.lost { Err(self.error()) } else { Ok(()) }
    }
}

impl Engine for Faulty {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        if self.fault == Fault::Allocation {
            let (name, what) = (self.inner.info().name.clone(), "the model".into());
            return Box::pin(std::future::ready(Err(EngineError::OutOfMemory { name, what, bytes: program.bytes() })));
        }
        self.inner.load(program, progress)
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        // What is written after the gradients of a step were computed are its parameters.
        self.check(self.fault == Fault::Update && self.reached)?;
        let mut words = words.to_vec();
        words[0] ^= u32::from(self.fault == Fault::Forgetful && self.reached);
        self.inner.write(slice, &words)
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        let gradients = runs.iter().any(|run| run.plan == PlanKind::Gradients && u64::from(run.step.number) >= self.at);
        self.check(self.fault == Fault::Forward && gradients)?;
        self.reached |= match self.fault {
            Fault::Evaluation => runs.iter().any(|run| run.plan == PlanKind::Evaluate),
            _ => gradients,
        };
        if self.fault == Fault::Stuck && self.reached {
            sleep(Duration::from_secs(86_400));
        }
        let start = Instant::now();
        let submitted = self.inner.submit(runs);
        if self.fault == Fault::Slow && self.reached {
            sleep(start.elapsed() * 9);
        }
        submitted
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        if matches!(self.fault, Fault::Silent | Fault::Evaluation) && self.reached {
            return Box::pin(pending());
        }
        match self.check(self.fault == Fault::Reduction && self.reached) {
            Ok(()) => self.inner.read(slices),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        self.inner.profile(run)
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        self.inner.ceilings()
    }
}
