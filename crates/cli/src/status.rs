//! What is going on before there is something to tell: a line on a terminal, nothing elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on the terminal that shows how far something is.
#[derive(Debug)]
pub struct Status {
    bar: Option<ProgressBar>,
}

impl Status {
    /// A line where the error output is a terminal.
    pub fn new() -> Self {
        let bar = || {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style("{msg} {bar:24} {pos}/{len}"));
            bar
        };
        Self { bar: stderr().is_terminal().then(bar) }
    }

    /// Begins something, and returns what is to be told how many of how many are done.
    pub fn phase(&self, what: &'static str) -> impl FnMut(usize, usize) + use<> {
        let bar = self.bar.clone();
        move |done, total| {
            if let Some(bar) = &bar {
                bar.set_message(what);
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
        }
    }

    /// Removes the line.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A line's style from its template.
pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is sound").progress_chars("━╸─")
}
