//! How fast a run goes, and what it tells: steps are told together, a few times a second.

use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::StepRecord;

/// Steps are told so often.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// The pace is that of the last so many seconds.
const WINDOW: f64 = 5.0;

/// Collects steps, and measures their pace.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    steps: Vec<StepRecord>,
    told: Duration,
    /// Moments, in seconds, and the steps done by then.
    moments: VecDeque<(f64, u32)>,
}

impl Pace {
    /// Begins to measure anew: after a pause.
    pub fn restart(&mut self, now: Duration, step: u32) {
        self.moments.clear();
        self.moments.push_back((now.as_secs_f64(), step));
    }

    /// A step is done.
    pub fn add(&mut self, step: StepRecord, now: Duration) {
        self.steps.push(step);
        let now = now.as_secs_f64();
        self.moments.push_back((now, step.step));
        while self.moments.len() > 2 && self.moments.front().is_some_and(|(then, _)| now - then > WINDOW) {
            self.moments.pop_front();
        }
    }

    /// The steps to tell of, if it is time to.
    pub fn due(&mut self, now: Duration) -> Option<Vec<StepRecord>> {
        (now.saturating_sub(self.told) >= TELL_EVERY).then(|| self.take(now)).flatten()
    }

    /// The steps that were not told of.
    pub fn take(&mut self, now: Duration) -> Option<Vec<StepRecord>> {
        self.told = now;
        (!self.steps.is_empty()).then(|| std::mem::take(&mut self.steps))
    }

    /// Steps a second; 0 where nothing is known yet.
    pub fn steps_per_second(&self) -> f64 {
        match (self.moments.front(), self.moments.back()) {
            (Some(first), Some(last)) if last.0 > first.0 => f64::from(last.1 - first.1) / (last.0 - first.0),
            _ => 0.0,
        }
    }
}
