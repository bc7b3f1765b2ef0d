//! What happens while training, as JavaScript hears of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use convoke::train::{Event, Record};
use futures_channel::mpsc;
use futures_util::lock::Mutex;
use js_sys::{Object, Promise, Reflect, Symbol};
use serde::Serialize;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::future_to_promise;

use super::Result;
use crate::protocol::{EpochRecord, StepRecord};
use crate::run::epoch_record;

#[wasm_bindgen]
extern "C" {
    /// What happens, one after the other.
    #[wasm_bindgen(typescript_type = "AsyncIterableIterator<TrainingEvent>")]
    pub type TrainingEvents;
    /// Is told what happens.
    #[wasm_bindgen(typescript_type = "(event: TrainingEvent) => void")]
    pub type Listener;
}

/// `TrainingEvent`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum TrainingEvent {
    Step(StepRecord),
    Epoch(EpochRecord),
    Evaluating { done: u32, total: u32 },
}

/// An event as JavaScript is told of it; `None` for what it isn't told.
pub(super) fn translate(event: &Event) -> Option<TrainingEvent> {
    match event {
        &Event::Record(Record::Step { step, loss, accuracy, .. }) => {
            Some(TrainingEvent::Step(StepRecord { step: step as u32, loss, accuracy }))
        }
        Event::Record(record) => epoch_record(record).map(TrainingEvent::Epoch),
        &Event::Evaluating { done, total } => {
            Some(TrainingEvent::Evaluating { done: done as u32, total: total as u32 })
        }
        Event::Preparing { .. } | Event::Saved { .. } => None,
    }
}

/// JavaScript's asynchronous iterator over what comes in. Its `return`, which leaving a loop calls, stops the training and waits for its end.
pub(super) fn iterator(told: mpsc::UnboundedReceiver<Result<JsValue>>, stop: Rc<Cell<bool>>) -> Result<TrainingEvents> {
    let told = Arc::new(Mutex::new(told));
    let rest = told.clone();
    let next = Closure::<dyn FnMut() -> Promise>::new(move || {
        let told = told.clone();
        future_to_promise(async move {
            match told.lock().await.recv().await {
                Ok(event) => result(event?, false),
                Err(_) => result(JsValue::UNDEFINED, true),
            }
        })
    });
    let end = Closure::<dyn FnMut() -> Promise>::new(move || {
        stop.set(true);
        let rest = rest.clone();
        future_to_promise(async move {
            // All that is told ends with the training; what goes wrong till then is not passed over.
            while let Ok(event) = rest.lock().await.recv().await {
                event?;
            }
            result(JsValue::UNDEFINED, true)
        })
    });
    let iterator = Object::new();
    Reflect::set(&iterator, &"next".into(), &next.into_js_value())?;
    Reflect::set(&iterator, &"return".into(), &end.into_js_value())?;
    let this = RefCell::new(iterator.clone());
    let itself = Closure::<dyn FnMut() -> Object>::new(move || this.borrow().clone());
    Reflect::set(&iterator, &Symbol::async_iterator(), &itself.into_js_value())?;
    Ok(iterator.unchecked_into())
}

/// An iterator's result.
fn result(value: JsValue, done: bool) -> Result<JsValue> {
    let result = Object::new();
    Reflect::set(&result, &"value".into(), &value)?;
    Reflect::set(&result, &"done".into(), &done.into())?;
    Ok(result.into())
}
