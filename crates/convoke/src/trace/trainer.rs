//! The trainer's row: steps, evaluations, checkpoints.

use std::time::Duration;

use convoke_train::{Event, Record};
use serde_json::{Map, Value, json};

use super::rows::Row;
use super::window::steps_recorded;
use super::{Span, Trace, details};

/// Steps whose answers come closer to one another came with one answer.
const TOGETHER: Duration = Duration::from_micros(100);

/// Records a trainer's events: what is told when something ends took from the event before on.
#[derive(Debug)]
pub struct TrainerRow {
    trace: Trace,
    /// When the last event ended.
    mark: Duration,
    /// The first step that was told of.
    first: Option<u64>,
    /// What may go on: steps of one answer, or an evaluation.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    kind: &'static str,
    /// First and last step, or the pictures that are done and all.
    numbers: [u64; 2],
    start: Duration,
    end: Duration,
    details: Map<String, Value>,
}

impl TrainerRow {
    pub(super) fn new(trace: Trace) -> Self {
        let mark = trace.now();
        Self { trace, mark, first: None, open: None }
    }

    /// Records what has happened just now.
    pub fn event(&mut self, event: &Event) {
        let now = self.trace.now();
        match event {
            Event::Record(Record::Step { step, loss, .. }) => self.step(*step, *loss, now),
            Event::Evaluating { done, total } => {
                let numbers = [*done as u64, *total as u64];
                let goes_on = |open: &Open| {
                    open.kind == "evaluation" && open.numbers[1] == numbers[1] && open.numbers[0] < numbers[0]
                };
                if !self.open.as_ref().is_some_and(goes_on) {
                    self.close();
                    self.open("evaluation", numbers, now, Map::new());
                }
                self.extend(numbers, now);
            }
            Event::Record(record) => {
                self.close();
                let (name, told) = match record {
                    Record::Epoch { epoch, .. } => (format!("end of epoch {epoch}"), json!(record)),
                    Record::Shares { .. } => ("new shares".into(), json!(record)),
                    Record::Left { .. } => ("a device is left behind".into(), json!(record)),
                    Record::Step { .. } => return,
                };
                self.span(name, details([("record", told)]), now);
            }
            Event::Saved { name, step } => {
                self.close();
                self.span("checkpoint".into(), details([("name", json!(name)), ("step", json!(step))]), now);
            }
            Event::Preparing { .. } => self.mark = now,
        }
    }

    fn step(&mut self, step: u64, loss: f64, now: Duration) {
        if step.saturating_sub(*self.first.get_or_insert(step)) >= steps_recorded(self.trace.0.steps) {
            self.close();
            self.mark = now;
            return;
        }
        let together = self.open.as_ref().is_some_and(|open| open.kind == "step" && now - open.end < TOGETHER);
        if !together {
            self.close();
            self.open("step", [step, step], now, details([("loss", json!(loss))]));
        }
        let begun = self.open.as_ref().map_or(step, |open| open.numbers[0]);
        self.extend([begun, step], now);
    }

    fn open(&mut self, kind: &'static str, numbers: [u64; 2], now: Duration, details: Map<String, Value>) {
        self.open = Some(Open { kind, numbers, start: self.mark, end: now, details });
    }

    fn extend(&mut self, numbers: [u64; 2], now: Duration) {
        if let Some(open) = &mut self.open {
            (open.numbers, open.end) = (numbers, now);
        }
        self.mark = now;
    }

    /// Ends what may go on.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let [from, to] = open.numbers;
        let name = match open.kind {
            "step" if from == to => format!("step {from}"),
            "step" => format!("steps {from} to {to}"),
            kind => format!("{kind} of {to} pictures"),
        };
        self.trace.add(Span {
            process: 0,
            row: Row::Steps,
            name,
            start: open.start,
            end: open.end,
            details: open.details,
        });
    }

    fn span(&mut self, name: String, details: Map<String, Value>, now: Duration) {
        self.trace.add(Span { process: 0, row: Row::Steps, name, start: self.mark, end: now, details });
        self.mark = now;
    }
}

impl Drop for TrainerRow {
    fn drop(&mut self) {
        self.close();
    }
}
