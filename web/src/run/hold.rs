//! One tab alone writes to a run.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::failure::Result;
use crate::protocol::Failure;

#[wasm_bindgen]
extern "C" {
    /// The browser's `navigator.locks`.
    type Locks;

    #[wasm_bindgen(method)]
    fn request(this: &Locks, name: &str, options: &Object, granted: &JsValue) -> Promise;
}

/// The right to write to a run, which ends with this, and with the worker.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Gives it back.
    release: Function,
}

impl Hold {
    /// Takes a run for this tab. `None` where the browser has no locks.
    ///
    /// # Errors
    /// [`Failure`] `in-use` where another tab has it.
    pub async fn take(run: &str) -> Result<Option<Self>> {
        let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).unwrap_or_default();
        let locks = get(&get(&js_sys::global(), "navigator"), "locks");
        if !locks.is_object() {
            return Ok(None);
        }
        let release: Rc<RefCell<Option<Function>>> = Rc::default();
        let kept = release.clone();
        // The browser holds the lock for as long as this is not resolved.
        let held = Promise::new(&mut |resolve, _| *kept.borrow_mut() = Some(resolve));
        let answer = Promise::new(&mut |resolve, _| {
            let held = held.clone();
            let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
                let has_it = lock.is_object();
                drop(resolve.call1(&JsValue::NULL, &has_it.into()));
                if has_it { held.into() } else { JsValue::UNDEFINED }
            });
            let options = Object::new();
            drop(Reflect::set(&options, &"ifAvailable".into(), &true.into()));
            drop(locks.unchecked_ref::<Locks>().request(&format!("convoke-run-{run}"), &options, &granted));
        });
        let has_it = JsFuture::from(answer).await.is_ok_and(|answer| answer.is_truthy());
        if !has_it {
            let message = "the run is open in another tab; go on with it there, or close that tab first";
            return Err(Failure::new("in-use", message));
        }
        Ok(release.take().map(|release| Self { release }))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Resolving a promise can't fail.
        drop(self.release.call0(&JsValue::NULL));
    }
}
