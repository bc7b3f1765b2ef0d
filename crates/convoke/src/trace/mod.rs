//! What engines and a trainer do over time, as a trace that chrome://tracing and Perfetto draw.

mod engine;
mod rows;
mod trainer;
mod waiting;
mod window;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use convoke_core::engine::Engine;
use serde_json::{Map, Value, json};

pub use trainer::TrainerRow;

use engine::Traced;
use rows::Row;
use waiting::Waiting;

/// The most events that a trace holds: some 50 MB.
const MOST_EVENTS: usize = 200_000;

/// Records what happens in a run. Of each engine: what is submitted, how long each kernel of some steps takes, what is written and read, and how
/// long the trainer waits for its answers. Of the trainer: steps, evaluations, checkpoints.
///
/// The first few steps are recorded as they are; so many after them, and as many batches of evaluations, run kernel by kernel, which changes
/// no result, but lets nothing overlap within an engine. Then engines are recorded no more.
///
/// ```
/// use convoke::device::{DeviceRequest, open};
/// use convoke::Trace;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let trace = Trace::new(20);
/// let engine = convoke::block_on(open(&DeviceRequest::Cpu, None))?;
/// let engine = trace.waiting(trace.engine(engine, 1, "device"), 1);
/// // … train with it, and then:
/// let mut file = Vec::new();
/// trace.write(&mut file)?;
/// # drop(engine);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Trace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    start: Instant,
    steps: u64,
    recorded: Mutex<Recorded>,
}

#[derive(Debug, Default)]
struct Recorded {
    spans: Vec<Span>,
    left_out: u64,
    /// Processes by number: in a trace's words, an engine or the trainer.
    names: Vec<(usize, String)>,
    notes: Vec<String>,
}

/// Something that takes a while.
#[derive(Debug)]
struct Span {
    process: usize,
    row: Row,
    name: String,
    start: Duration,
    end: Duration,
    /// What is shown when it is chosen.
    details: Map<String, Value>,
}

impl Trace {
    /// A trace that begins now. `steps` is how many are run kernel by kernel.
    pub fn new(steps: u64) -> Self {
        Self(Arc::new(Shared { start: Instant::now(), steps, recorded: Mutex::default() }))
    }

    /// The engine, recorded as process `number` (from 1, each its own), by its name behind `role`. Where the engine gets a thread of its own, this belongs
    /// on it. Runs that are timed kernel by kernel are waited for.
    pub fn engine(&self, engine: Box<dyn Engine>, number: usize, role: &str) -> Box<dyn Engine> {
        self.name(number, format!("{role}: {}", engine.info().name));
        Box::new(Traced::new(engine, self.clone(), number))
    }

    /// The engine, with the time from asking until its answers are there, recorded beside what [`engine`](Self::engine) records under this number. Where the
    /// engine has a thread of its own, this belongs on the trainer's.
    pub fn waiting(&self, engine: Box<dyn Engine>, number: usize) -> Box<dyn Engine> {
        Box::new(Waiting::new(engine, self.clone(), number))
    }

    /// Records what the trainer tells.
    pub fn trainer(&self) -> TrainerRow {
        self.name(0, "trainer".into());
        TrainerRow::new(self.clone())
    }

    /// Writes it in Chrome's trace event format
    /// (<https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>): times in microseconds since the trace began.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, to: impl io::Write) -> io::Result<()> {
        let recorded = self.recorded();
        let about = |name: &str, process: usize, details: Value| json!({ "ph": "M", "name": name, "pid": process, "tid": 0, "args": details });
        let mut events = Vec::new();
        for (process, name) in &recorded.names {
            events.push(about("process_name", *process, json!({ "name": name })));
            events.push(about("process_sort_index", *process, json!({ "sort_index": process })));
            for row in Row::of(*process) {
                let mut event = about("thread_name", *process, json!({ "name": row.name() }));
                event["tid"] = json!(*row as usize);
                events.push(event);
            }
        }
        let microseconds = |time: Duration| time.as_nanos() as f64 / 1e3;
        events.extend(recorded.spans.iter().map(|span| {
            json!({
                "ph": "X", "name": span.name, "cat": span.row.name(), "pid": span.process, "tid": span.row as usize,
                "ts": microseconds(span.start), "dur": microseconds(span.end.saturating_sub(span.start)), "args": span.details,
            })
        }));
        let about = json!({
            "by": concat!("convoke ", env!("CARGO_PKG_VERSION")),
            "steps by kernel": self.0.steps,
            "notes": recorded.notes,
            "events left out": recorded.left_out,
        });
        let all = json!({ "displayTimeUnit": "ms", "otherData": about, "traceEvents": events });
        Ok(serde_json::to_writer(to, &all)?)
    }

    /// Time since the trace began.
    fn now(&self) -> Duration {
        self.0.start.elapsed()
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        // What a thread has left that panicked is whole: each change is one push.
        self.0.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, process: usize, name: String) {
        self.recorded().names.push((process, name));
    }

    fn note(&self, note: String) {
        self.recorded().notes.push(note);
    }

    fn add(&self, span: Span) {
        let mut recorded = self.recorded();
        if recorded.spans.len() < MOST_EVENTS {
            recorded.spans.push(span);
        } else {
            recorded.left_out += 1;
        }
    }
}

/// Details by their names.
fn details<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.into(), value)).collect()
}
