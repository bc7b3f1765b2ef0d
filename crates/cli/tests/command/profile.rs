//! What `train --profile` writes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::setting::Setting;

/// A row: process and thread.
type Row = (u64, u64);

/// What takes time, in microseconds.
#[derive(Debug)]
struct Span {
    name: String,
    start: f64,
    end: f64,
    details: Value,
}

/// Times are written to a nanosecond.
const EXACT: f64 = 0.002;

/// The rows of a trace by the names of their processes and of themselves, each with what is in it.
fn rows(setting: &Setting, file: &str) -> BTreeMap<(String, String), Vec<Span>> {
    let trace: Value = serde_json::from_slice(&std::fs::read(setting.path(file)).unwrap()).unwrap();
    let (mut processes, mut rows, mut spans) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::<Row, Vec<Span>>::new());
    for event in trace["traceEvents"].as_array().unwrap() {
        let row = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_string();
        match (event["ph"].as_str().unwrap(), event["name"].as_str().unwrap()) {
            ("M", "process_name") => drop(processes.insert(row.0, text(&event["args"]["name"]))),
            ("M", "thread_name") => drop(rows.insert(row, text(&event["args"]["name"]))),
            ("M", _) => {}
            ("X", name) => {
                let (start, lasts) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
                let span = Span { name: name.into(), start, end: start + lasts, details: event["args"].clone() };
                spans.entry(row).or_default().push(span);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(spans.keys().all(|row| rows.contains_key(row)), "every row has a name");
    let named = |(row, name): (Row, String)| {
        // What a device is called is the machine's business.
        let role = processes[&row.0].split(':').next().unwrap();
        ((format!("{role} {}", row.0), name), spans.remove(&row).unwrap_or_default())
    };
    rows.into_iter().map(named).collect()
}

/// Every two spans of a row lie apart, or one within the other: else nothing can draw them.
fn nested(row: &[Span]) {
    for (index, a) in row.iter().enumerate() {
        assert!(a.start >= 0.0 && a.end >= a.start, "{a:?}");
        for b in &row[index + 1..] {
            let apart = a.end <= b.start + EXACT || b.end <= a.start + EXACT;
            let within = |a: &Span, b: &Span| a.start <= b.start + EXACT && b.end <= a.end + EXACT;
            assert!(apart || within(a, b) || within(b, a), "{a:?} {b:?}");
        }
    }
}

#[test]
fn every_device_has_its_rows_and_the_losses_stay_the_same() {
    let setting = Setting::new();
    let arguments = "train small.toml --data data --device cpu,cpu --split equal --threads 1 --epochs 2 --batch-size 8";
    setting.run(&format!("{arguments} --out runs/plain")).good();
    setting.run(&format!("{arguments} --out runs/traced --profile trace.json --profile-steps 3")).good();
    assert_eq!(setting.losses("runs/traced"), setting.losses("runs/plain"));

    let rows = rows(&setting, "trace.json");
    rows.values().for_each(|row| nested(row));
    let row = |process: &str, name: &str| &rows[&(process.to_string(), name.to_string())];
    let count = |row: &[Span], name: &str| row.iter().filter(|span| span.name == name).count();
    for replica in ["replica 1", "replica 2"] {
        let kernels = row(replica, "kernels");
        // Steps of 4 of 8 pictures, and evaluations of their batches.
        let timed: Vec<&Span> = kernels.iter().filter(|span| span.name == "gradients").collect();
        let steps: Vec<u64> = timed.iter().map(|span| span.details["step"].as_u64().unwrap()).collect();
        let mut numbers = steps.clone();
        numbers.dedup();
        assert_eq!(numbers, [5, 6, 7], "{kernels:?}");
        assert!(timed.iter().all(|span| span.details["samples"] == 4));
        for span in &timed {
            let within = |kernel: &&Span| kernel.start >= span.start && kernel.end <= span.end + EXACT;
            let kernels = kernels.iter().filter(within).count();
            assert!(kernels > 0, "{span:?}");
        }
        let all: Vec<&Span> = kernels.iter().filter(|span| span.name == "conv relu_1").collect();
        assert!(all.len() >= 3, "{kernels:?}");
        assert!(all.iter().all(|span| span.details["operations"].as_u64() > Some(0) && span.end > span.start));
        assert_eq!(count(kernels, "evaluate"), 3, "evaluations in so many batches");
        assert!(count(kernels, "submit gradients") >= 4, "{kernels:?}");
        let transfers = row(replica, "transfers");
        assert!(count(transfers, "write") > 0 && count(transfers, "read") > 0, "{transfers:?}");
        assert!(transfers.iter().all(|span| span.details["bytes"].as_u64() > Some(0)));
        assert!(count(row(replica, "waits"), "wait for an answer") >= 7);
    }
    let updates = row("owner 3", "kernels").iter().filter(|span| span.name == "update");
    assert_eq!(updates.map(|span| span.details["step"].as_u64().unwrap()).collect::<Vec<_>>(), [5, 6, 7]);
    let trainer = row("trainer 0", "steps");
    for (name, times) in [("evaluation of 30 pictures", 2), ("end of epoch 2", 1), ("checkpoint", 2)] {
        assert!(count(trainer, name) >= times, "{name} in {trainer:?}");
    }
    // Steps that are told of at once are one span: "steps 2 to 3".
    let steps = trainer.iter().filter(|span| span.name.starts_with("step"));
    let numbers = steps.map(|span| span.name.split(' ').filter_map(|word| word.parse().ok()).collect::<Vec<u64>>());
    let numbers: Vec<u64> = numbers.flat_map(|ends| ends[0]..=ends[ends.len() - 1]).collect();
    assert_eq!(numbers, (1..=7).collect::<Vec<_>>());
}

#[test]
fn one_device_and_a_run_that_goes_on_are_recorded_too() {
    let setting = Setting::new();
    setting.train("--max-steps 9 --out runs/a").good();
    setting.run("train --resume runs/a --epochs 9 --profile trace.json --profile-steps 2").good();
    let rows = rows(&setting, "trace.json");
    rows.values().for_each(|row| nested(row));
    let kernels = &rows[&("device 1".into(), "kernels".into())];
    let steps = |name: &str| -> Vec<u64> {
        let spans = kernels.iter().filter(|span| span.name == name);
        spans.map(|span| span.details["step"].as_u64().unwrap()).collect()
    };
    // From the fifth step of this part of the run.
    assert_eq!(steps("gradients"), [14, 15]);
    assert_eq!(steps("update"), [14, 15]);
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is_trained() {
    let setting = Setting::new();
    setting
        .train("--profile no/such/trace.json --out runs/a")
        .wrong(1, &["can't write the trace to no/such/trace.json"]);
    assert!(!setting.path("runs/a").exists());
    setting.train("--profile-steps 3").wrong(2, &["--profile <FILE.json>"]);
}
