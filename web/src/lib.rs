#![cfg(target_family = "wasm")]
//! Convoke in the browser.

pub mod protocol;
mod settings;
