//! One tab alone writes to a run.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::failure::Result;
use crate::protocol::Failure;

#[wasm_bindgen]
extern "C" {
    /// The browser's `navigator.locks`.
    type Locks;

    #[wasm_bindgen(method)]
    fn query(this: &Locks) -> Promise;

    #[wasm_bindgen(method)]
    fn request(this: &Locks, name: &str, options: &Object, granted: &JsValue) -> Promise;
}

/// The right to write to a run, which ends with this, and with the worker.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Gives it back.
    release: Function,
}

/// What the names of the runs' locks begin with.
const LOCK: &str = "convoke-run-";

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

/// The browser's locks, where it has them.
fn locks() -> Option<Locks> {
    let locks = get(&get(&js_sys::global(), "navigator"), "locks");
    locks.is_object().then(|| locks.unchecked_into())
}

thread_local! {
    /// The runs that this tab has, until the browser knows that it has them no more.
    static OWN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl Hold {
    /// The runs that other tabs have.
    pub async fn elsewhere() -> Vec<String> {
        let Some(locks) = locks() else { return Vec::new() };
        let known = JsFuture::from(locks.query()).await.unwrap_or_default();
        let held = Array::from(&get(&known, "held"));
        let run = |lock: JsValue| Some(get(&lock, "name").as_string()?.strip_prefix(LOCK)?.to_string());
        held.iter().filter_map(run).filter(|run| OWN.with_borrow(|own| !own.contains(run))).collect()
    }

    /// Takes a run for this tab. `None` where the browser has no locks.
    ///
    /// # Errors
    /// [`Failure`] `in-use` where another tab has it.
    pub async fn take(run: &str) -> Result<Option<Self>> {
        let Some(locks) = locks() else { return Ok(None) };
        let release: Rc<RefCell<Option<Function>>> = Rc::default();
        let kept = release.clone();
        // The browser holds the lock for as long as this is not resolved.
        let held = Promise::new(&mut |resolve, _| *kept.borrow_mut() = Some(resolve));
        let mut released = None;
        let answer = Promise::new(&mut |resolve, _| {
            let held = held.clone();
            let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
                let has_it = lock.is_object();
                drop(resolve.call1(&JsValue::NULL, &has_it.into()));
                if has_it { held.into() } else { JsValue::UNDEFINED }
            });
            let options = Object::new();
            drop(Reflect::set(&options, &"ifAvailable".into(), &true.into()));
            released = Some(locks.request(&format!("{LOCK}{run}"), &options, &granted));
        });
        let has_it = JsFuture::from(answer).await.is_ok_and(|answer| answer.is_truthy());
        if !has_it {
            let message = "the run is open in another tab; stop it there, or close that tab, and try again";
            return Err(Failure::new("in-use", message));
        }
        let own = run.to_string();
        OWN.with_borrow_mut(|all| all.push(own.clone()));
        spawn_local(async move {
            if let Some(released) = released {
                drop(JsFuture::from(released).await);
            }
            // Once only: it may have been taken again meanwhile.
            OWN.with_borrow_mut(|all| all.iter().position(|run| *run == own).map(|at| all.swap_remove(at)));
        });
        Ok(release.take().map(|release| Self { release }))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Resolving a promise can't fail.
        drop(self.release.call0(&JsValue::NULL));
    }
}
