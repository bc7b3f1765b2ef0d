//! An engine that can hold less than it could.

use std::rc::Rc;

use convoke_core::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::plan::{Program, Slice};

/// An engine whose bindings hold so many bytes.
pub struct Narrow {
    /// The engine.
    pub inner: Box<dyn Engine>,
    /// The most that a binding holds.
    pub max_binding_bytes: usize,
}

impl Engine for Narrow {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn limits(&self) -> Limits {
        Limits { max_binding_bytes: self.max_binding_bytes, ..self.inner.limits() }
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        self.inner.load(program, progress)
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        self.inner.write(slice, words)
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        self.inner.submit(runs)
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        self.inner.read(slices)
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        self.inner.profile(run)
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        self.inner.ceilings()
    }
}
