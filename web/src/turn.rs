//! Letting the event loop take its turn, so that messages are seen while the CPU computes.

use std::rc::Rc;

use convoke::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke::plan::{Program, Slice};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

/// Waits until the event loop has taken a turn. By message, not by timer: browsers slow timers down in hidden tabs.
pub(crate) async fn turn() {
    let Ok(channel) = MessageChannel::new() else { return };
    let told = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        // The promise is never rejected.
        drop(JsFuture::from(told).await);
    }
    channel.port1().close();
}

/// An engine that computes when it is asked, and so would keep a tab from ever hearing: each of its answers comes a turn later.
pub(crate) struct Turning(pub Box<dyn Engine>);

impl Engine for Turning {
    fn info(&self) -> &DeviceInfo {
        self.0.info()
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        self.0.load(program, progress)
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        self.0.write(slice, words)
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        self.0.submit(runs)
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        let answer = self.0.read(slices);
        Box::pin(async move {
            turn().await;
            answer.await
        })
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        self.0.profile(run)
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        self.0.ceilings()
    }
}
