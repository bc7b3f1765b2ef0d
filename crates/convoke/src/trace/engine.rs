//! What an engine does: submissions with their kernels, writes, reads.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use convoke_core::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::plan::{Program, Slice};
use serde_json::{Map, Value, json};

use super::rows::Row;
use super::window::{Scope, Window};
use super::{Span, Trace, details};
use crate::block_on;

/// An engine that is recorded.
pub(super) struct Traced {
    inner: Box<dyn Engine>,
    trace: Trace,
    process: usize,
    window: Window,
    program: Option<Rc<Program>>,
    /// Whether the device has no times of its kernels.
    untimed: bool,
    /// When the last answer that took a while was there.
    answered: Rc<Cell<Duration>>,
}

impl Traced {
    pub fn new(inner: Box<dyn Engine>, trace: Trace, process: usize) -> Self {
        let window = Window::new(trace.0.steps);
        Self { inner, trace, process, window, program: None, untimed: false, answered: Rc::default() }
    }

    /// Adds what took from `start` until now.
    fn add(&self, row: Row, name: &str, start: Duration, details: Map<String, Value>) {
        self.trace.add(Span { process: self.process, row, name: name.into(), start, end: self.trace.now(), details });
    }

    /// Submits runs that are recorded as one.
    fn whole(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        let start = self.trace.now();
        self.inner.submit(runs)?;
        let mut names: Vec<&str> = Vec::new();
        for run in runs {
            let name = self.plan_name(run);
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        let name = format!("submit {}", names.join(", "));
        self.add(Row::Kernels, &name, start, details([("runs", json!(runs.len())), ("step", json!(step(runs)))]));
        Ok(())
    }

    fn plan_name(&self, run: &Run) -> &str {
        self.program.as_ref().map_or("", |program| &program.plan(run.plan).name)
    }

    /// Does a run kernel by kernel. `false` where the device can't, and nothing has run.
    fn timed(&mut self, run: Run) -> Result<bool, EngineError> {
        let start = self.trace.now();
        let Some(times) = block_on(self.inner.profile(run))? else { return Ok(false) };
        let end = self.trace.now();
        let Some(program) = self.program.clone() else { return Ok(true) };
        let (process, row) = (self.process, Row::Kernels);
        let told = details([("samples", json!(run.step.samples)), ("step", json!(run.step.number))]);
        self.trace.add(Span { process, row, name: self.plan_name(&run).into(), start, end, details: told });
        let mut at = start;
        for time in times {
            let Some(step) = program.plan(run.plan).steps.get(time.step) else { continue };
            // A device's clock is another one: what it says must still fit.
            let until = end.min(at + Duration::try_from_secs_f64(time.seconds).unwrap_or_default());
            let flops = step.kernel.flops().at(run.step.samples as usize);
            let details = details([("layer", json!(step.label)), ("operations", json!(flops))]);
            let name = format!("{} {}", step.kernel.stem(), step.label);
            self.trace.add(Span { process, row, name, start: at, end: until, details });
            at = until;
        }
        Ok(true)
    }

    fn recorded(&mut self, runs: &[Run], scope: Scope) -> Result<(), EngineError> {
        match scope {
            Scope::Nothing => self.inner.submit(runs),
            Scope::Kernels if !self.untimed => {
                for (done, run) in runs.iter().enumerate() {
                    if !self.timed(*run)? {
                        self.untimed = true;
                        let name = &self.inner.info().name;
                        self.trace
                            .note(format!("{name} has no times of its kernels: its submissions are shown as a whole"));
                        return self.whole(&runs[done..]);
                    }
                }
                Ok(())
            }
            Scope::Whole | Scope::Kernels => self.whole(runs),
        }
    }
}

/// The step that runs belong to: 0 for evaluations.
fn step(runs: &[Run]) -> u32 {
    runs.first().map_or(0, |run| run.step.number)
}

impl Engine for Traced {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        Box::pin(async move {
            let start = self.trace.now();
            self.inner.load(program.clone(), progress).await?;
            let told = details([("bytes", json!(program.bytes()))]);
            self.program = Some(program);
            self.add(Row::Kernels, "prepare kernels", start, told);
            Ok(())
        })
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        let start = self.trace.now();
        self.inner.write(slice, words)?;
        if self.window.is_open() {
            self.add(Row::Transfers, "write", start, details([("bytes", json!(4 * words.len()))]));
        }
        Ok(())
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        let scopes: Vec<Scope> = runs.iter().map(|run| self.window.see(run)).collect();
        let mut rest = runs;
        for alike in scopes.chunk_by(|a, b| a == b) {
            let (now, later) = rest.split_at(alike.len());
            self.recorded(now, alike[0])?;
            rest = later;
        }
        Ok(())
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        let start = self.trace.now();
        let mut answer = self.inner.read(slices);
        if !self.window.is_open() {
            return answer;
        }
        let told = details([("bytes", json!(slices.iter().map(|slice| slice.bytes).sum::<usize>()))]);
        // Memory that the processor sees is copied by the call.
        if let Poll::Ready(words) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.add(Row::Transfers, "read", start, told);
            return Box::pin(std::future::ready(words));
        }
        let (trace, process, answered) = (self.trace.clone(), self.process, self.answered.clone());
        Box::pin(async move {
            let words = answer.await?;
            let end = trace.now();
            let start = start.max(answered.replace(end));
            let name = "read, after what was submitted before".into();
            trace.add(Span { process, row: Row::Transfers, name, start, end, details: told });
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
