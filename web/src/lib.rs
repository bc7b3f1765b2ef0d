//! Convoke in the browser: the page's worker, and the npm package.
//!
//! The page talks to the worker in the messages of `protocol`; it draws, and computes nothing. What both share, and what the package
//! exports, is here.
#![cfg(target_family = "wasm")]

mod blobs;
mod data;
mod device;
mod failure;
mod insight;
mod model;
#[cfg(feature = "package")]
pub mod package;
pub mod protocol;
mod revoke;
mod run;
mod settings;
pub mod storage;
mod tiles;
mod turn;
mod worker;
pub use worker::{Port, serve};

use std::time::Duration;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{DedicatedWorkerGlobalScope, Performance};

use failure::Result;
use protocol::Failure;

/// Lets a defect be seen in the browser's console with its place, and not as `unreachable` alone.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// The time since the worker or page was opened.
fn now() -> Duration {
    let performance = Reflect::get(&js_sys::global(), &"performance".into()).unwrap_or_default();
    Duration::from_secs_f64(performance.unchecked_into::<Performance>().now() / 1000.0)
}

/// The worker that this runs in.
fn scope() -> Result<DedicatedWorkerGlobalScope> {
    let wrong = |_| Failure::new("no-worker", "this works in a dedicated worker alone; start one, as the examples do");
    js_sys::global().dyn_into().map_err(wrong)
}
