//! What the command prints. Whoever reads it may go away, as `head` does.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::failure::{Failure, Result};

/// Prints text as it is.
pub fn text(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    printed.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Run(format!("can't print: {error}; give the output another place")),
    })
}

/// Prints a line.
pub fn line(line: impl Display) -> Result<()> {
    text(&format!("{line}\n"))
}

/// Prints a value as JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string_pretty(value).expect("plain data"))
}
