//! Ctrl-C, and a polite end by the system: the first stops and saves, the second ends at once.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Failure, Result};

/// Whether someone has asked to stop.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Whether someone has.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches for it from now on.
pub fn watch() -> Result<Interrupt> {
    let interrupt = Interrupt(Arc::default());
    let asked = interrupt.0.clone();
    let watched = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        let text = "stopping: all is saved; once more ends at once";
        // Where nobody can be told, it stops all the same.
        _ = writeln!(std::io::stderr(), "\n{text}");
    });
    watched.map_err(|error| Failure::Run(format!("can't watch for Ctrl-C: {error}")))?;
    Ok(interrupt)
}
