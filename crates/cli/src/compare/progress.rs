//! How far the training at hand is: a bar on a terminal, nothing elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::status::style;
use crate::text;

/// The bar's length, whatever the budget.
const LENGTH: f64 = 1000.0;
/// The share of what was shown before in what is shown now.
const KEEP: f64 = 0.95;

/// A bar for one run.
pub struct Progress {
    bar: Option<ProgressBar>,
    heading: String,
    shown: Option<(f64, f64)>,
}

impl Progress {
    /// A bar with what is trained in front.
    pub fn new(heading: &str) -> Self {
        let bar = || {
            let bar = ProgressBar::with_draw_target(Some(LENGTH as u64), ProgressDrawTarget::stderr());
            bar.set_style(style("{bar:24} {percent:>3} %  {msg}"));
            bar
        };
        Self { bar: stderr().is_terminal().then(bar), heading: heading.into(), shown: None }
    }

    /// Shows a step, after which that share of the budget is used up.
    pub fn step(&mut self, used: f64, loss: f64, accuracy: f64) {
        let (old_loss, old_accuracy) = self.shown.unwrap_or((loss, accuracy));
        let mix = |old: f64, new: f64| KEEP * old + (1.0 - KEEP) * new;
        let (loss, accuracy) = (mix(old_loss, loss), mix(old_accuracy, accuracy));
        self.shown = Some((loss, accuracy));
        if let Some(bar) = &self.bar {
            bar.set_position((used.min(1.0) * LENGTH) as u64);
            bar.set_message(format!("{}  loss {loss:.4}  accuracy {}", self.heading, text::percent(accuracy)));
        }
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
