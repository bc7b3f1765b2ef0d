//! How long an engine's answers are waited for.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use convoke_core::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::plan::{Program, Slice};
use serde_json::json;

use super::rows::Row;
use super::window::Window;
use super::{Span, Trace, details};

/// An engine whose reads are timed from asking until the answer is there. An engine answers in order: of answers that are asked for at once, each is waited
/// for from the one before on.
pub(super) struct Waiting {
    inner: Box<dyn Engine>,
    trace: Trace,
    process: usize,
    window: Window,
    answered: Rc<Cell<Duration>>,
}

impl Waiting {
    pub fn new(inner: Box<dyn Engine>, trace: Trace, process: usize) -> Self {
        let window = Window::new(trace.0.steps);
        Self { inner, trace, process, window, answered: Rc::default() }
    }
}

impl Engine for Waiting {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        self.inner.load(program, progress)
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        self.inner.write(slice, words)
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        for run in runs {
            self.window.see(run);
        }
        self.inner.submit(runs)
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        let asked = self.trace.now();
        let answer = self.inner.read(slices);
        if !self.window.is_open() {
            return answer;
        }
        let bytes: usize = slices.iter().map(|slice| slice.bytes).sum();
        let (trace, process, answered) = (self.trace.clone(), self.process, self.answered.clone());
        Box::pin(async move {
            let words = answer.await?;
            let end = trace.now();
            let start = asked.max(answered.replace(end));
            let details = details([("bytes", json!(bytes))]);
            trace.add(Span { process, row: Row::Waits, name: "wait for an answer".into(), start, end, details });
            Ok(words)
        })
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        self.inner.profile(run)
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        self.inner.ceilings()
    }
}
