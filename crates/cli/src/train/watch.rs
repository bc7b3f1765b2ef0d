//! What a user sees of a run: a progress bar on a terminal, plain lines elsewhere.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{IsTerminal, stderr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use convoke::prelude::{Event, Record, Trainer};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::status::style;
use crate::{output, text};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The time over which the speed is measured.
const WINDOW: Duration = Duration::from_secs(5);

/// Steps whose answers come closer to one another were answered together.
const TOGETHER: Duration = Duration::from_millis(3);

/// The share of what was shown before in what is shown now.
const KEEP: f64 = 0.95;

/// Watches a run.
#[derive(Debug)]
pub struct Watch {
    bar: Option<ProgressBar>,
    closed: Rc<Cell<bool>>,
    total_steps: u64,
    epochs: u32,
    steps_per_epoch: u64,
    samples_per_epoch: u64,
    batch: u64,
    /// The learning rate of the last step.
    lr: f64,
    loss: Smooth,
    accuracy: Smooth,
    speed: Speed,
    /// What the speed was before it was measured anew.
    last_speed: Option<f64>,
    last_line: Instant,
}

impl Watch {
    /// Watches a run from where it is.
    pub fn new(trainer: &mut Trainer) -> Self {
        let (total_steps, step) = (trainer.total_steps(), trainer.progress().step);
        let bar = || {
            let bar = ProgressBar::with_draw_target(Some(total_steps), ProgressDrawTarget::stderr());
            bar.set_style(style("{bar:24} {pos}/{len}  {msg}"));
            bar.set_position(step);
            bar
        };
        let now = Instant::now();
        Self {
            bar: stderr().is_terminal().then(bar),
            closed: Rc::default(),
            total_steps,
            epochs: trainer.settings().epochs,
            steps_per_epoch: trainer.steps_per_epoch() as u64,
            samples_per_epoch: trainer.split()[0] as u64,
            batch: trainer.step_samples() as u64,
            lr: 0.0,
            loss: Smooth::default(),
            accuracy: Smooth::default(),
            speed: Speed::new(now),
            last_speed: None,
            last_line: now,
        }
    }

    /// Whether nobody reads the output any more.
    pub fn closed(&self) -> Rc<Cell<bool>> {
        self.closed.clone()
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Shows what has happened.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Record(Record::Step { step, loss, accuracy, lr }) => {
                self.lr = *lr;
                self.step(*step, *loss, *accuracy);
            }
            Event::Record(record @ Record::Epoch { .. }) => self.epoch(record),
            Event::Record(Record::Shares { step, shares }) => self.print(&text::shares(*step, shares)),
            Event::Record(Record::Left { step, device, reason }) => {
                self.print(&format!("after step {}: {device} is left behind: {reason}", text::grouped(*step)));
            }
            Event::Evaluating { done, total } => self.message(|| format!("testing {done}/{total}")),
            // Testing and saving are not training: the speed begins anew.
            Event::Saved { .. } => self.speed = Speed::new(Instant::now()),
            Event::Preparing { .. } => {}
        }
    }

    fn step(&mut self, step: u64, loss: f64, accuracy: f64) {
        self.loss.add(loss);
        self.accuracy.add(accuracy);
        let now = Instant::now();
        self.speed.add(now, self.samples_of(step));
        self.last_speed = self.speed.per_second().or(self.last_speed);
        let message = self.describe(step);
        if let Some(bar) = &self.bar {
            bar.set_position(step);
            bar.set_message(message);
        } else if now - self.last_line >= LINE_EVERY {
            self.last_line = now;
            self.print(&format!("step {}/{}  {message}", text::grouped(step), text::grouped(self.total_steps)));
        }
    }

    /// Samples of a step: the last of an epoch may hold fewer.
    fn samples_of(&self, step: u64) -> u64 {
        let before = (step - 1) % self.steps_per_epoch * self.batch;
        self.batch.min(self.samples_per_epoch.saturating_sub(before))
    }

    fn describe(&self, step: u64) -> String {
        let epoch = (step - 1) / self.steps_per_epoch + 1;
        let (loss, accuracy) = (self.loss.value(), text::percent(self.accuracy.value()));
        let figures = format!(
            "epoch {epoch}/{}  loss {loss:.4}  accuracy {accuracy}  rate {}",
            self.epochs,
            text::short(self.lr)
        );
        let Some(speed) = self.last_speed else { return figures };
        let left = (self.total_steps.saturating_sub(step) * self.batch) as f64 / speed;
        let left = text::time(Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX));
        format!("{figures}  {} samples/s  {left} left", text::rate(speed))
    }

    fn epoch(&mut self, record: &Record) {
        let &Record::Epoch {
            epoch,
            train_loss,
            train_accuracy,
            test_loss,
            test_accuracy,
            validation_loss,
            validation_accuracy,
            samples_per_second,
            ..
        } = record
        else {
            return;
        };
        let width = self.epochs.to_string().len();
        let [train_accuracy, test_accuracy] = [train_accuracy, test_accuracy].map(text::percent);
        let validation = validation_loss.zip(validation_accuracy).map_or(String::new(), |(loss, accuracy)| {
            format!("  validation: loss {loss:.4}, accuracy {}", text::percent(accuracy))
        });
        self.last_line = Instant::now();
        self.print(&format!(
            "epoch {epoch:>width$}/{}  training: loss {train_loss:.4}, accuracy {train_accuracy}{validation}  test: loss {test_loss:.4}, accuracy {test_accuracy}  {} samples/s",
            self.epochs,
            text::rate(samples_per_second)
        ));
    }

    fn message(&self, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(message());
        }
    }

    fn print(&self, line: &str) {
        let print = || output::line(line);
        let printed = match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        };
        // Where nobody reads, the run is stopped as by Ctrl-C: nothing is lost.
        self.closed.set(self.closed.get() || printed.is_err());
    }
}

/// A mean in which what came last counts most.
#[derive(Clone, Copy, Debug, Default)]
struct Smooth {
    sum: f64,
    weight: f64,
}

impl Smooth {
    fn add(&mut self, value: f64) {
        self.sum = KEEP * self.sum + (1.0 - KEEP) * value;
        self.weight = KEEP * self.weight + (1.0 - KEEP);
    }

    fn value(self) -> f64 {
        self.sum / self.weight
    }
}

/// Samples a second over the last few seconds.
///
/// Steps that were submitted together are answered together, one right after the other: until the next answer comes, it
/// is not known how many they are. So the answer at hand does not count yet.
#[derive(Debug)]
struct Speed {
    /// When answers came, and how many samples had been trained on with each.
    answers: VecDeque<(Instant, u64)>,
}

impl Speed {
    fn new(start: Instant) -> Self {
        Self { answers: VecDeque::from([(start, 0)]) }
    }

    fn add(&mut self, now: Instant, samples: u64) {
        let (last, before) = self.answers.back().copied().unwrap_or((now, 0));
        if self.answers.len() > 1 && now - last < TOGETHER {
            self.answers.pop_back();
        }
        self.answers.push_back((now, before + samples));
        while self.answers.len() > 3 && self.answers.get(1).is_some_and(|(then, _)| now - *then >= WINDOW) {
            self.answers.pop_front();
        }
    }

    /// `None` while there is too little to tell.
    fn per_second(&self) -> Option<f64> {
        let (first, before) = self.answers.front()?;
        let (last, after) = self.answers.iter().rev().nth(1)?;
        let time = *last - *first;
        (time > Duration::from_millis(200)).then(|| (after - before) as f64 / time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_value_begins_at_the_first_and_follows() {
        let mut smooth = Smooth::default();
        smooth.add(4.0);
        assert!((smooth.value() - 4.0).abs() < 1e-12);
        (0..200).for_each(|_| smooth.add(1.0));
        assert!((smooth.value() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds_and_of_whole_answers() {
        let start = Instant::now();
        let at = |milliseconds: u64| start + Duration::from_millis(milliseconds);
        let mut speed = Speed::new(start);
        speed.add(at(1000), 100);
        assert_eq!(speed.per_second(), None, "more of this answer may come");
        speed.add(at(1001), 100);
        assert_eq!(speed.per_second(), None);
        speed.add(at(2000), 64);
        let rate = speed.per_second().unwrap();
        assert!((rate - 200.0).abs() < 1.0, "{rate}");
        for second in 3..=20 {
            speed.add(at(second * 1000), if second <= 10 { 100 } else { 300 });
        }
        let rate = speed.per_second().unwrap();
        assert!((rate - 300.0).abs() < 1.0, "{rate}");
        assert!(speed.answers.len() < 10);
    }
}
