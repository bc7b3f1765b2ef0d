//! What has changed from one report to another, beyond the noise.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::table::table;
use crate::text;

/// What is read of a report, from the command or from the bench page of a browser. Figures that one of them lacks are not compared.
#[derive(Debug, Deserialize)]
struct Report {
    /// Who trains, where a file has several reports.
    #[serde(default)]
    trainer: Option<String>,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    device: String,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    batch_size: usize,
    samples_per_second: f64,
    /// Samples a second of each window.
    #[serde(default)]
    windows: Vec<f64>,
    first_step_seconds: Option<f64>,
    warm_first_step_seconds: Option<f64>,
    peak_bytes: Option<f64>,
    program_bytes: Option<f64>,
    ceiling_gflops_per_second: Option<f64>,
    ceiling_gbytes_per_second: Option<f64>,
    kernels: Option<Vec<Kernel>>,
}

#[derive(Debug, Deserialize)]
struct Kernel {
    plan: String,
    label: String,
    kernel: String,
    microseconds: f64,
    #[serde(default)]
    range: Option<[f64; 2]>,
}

/// A figure with what it was in several tries.
#[derive(Clone, Copy, Debug)]
struct Figure {
    value: f64,
    low: f64,
    high: f64,
}

impl Figure {
    /// Where there was one try, a tenth to either side is taken for noise.
    fn once(value: f64) -> Self {
        Self { value, low: value * 0.9, high: value * 1.1 }
    }

    fn within(value: f64, tries: &[f64]) -> Self {
        if tries.len() < 2 {
            return Self::once(value);
        }
        let (low, high) = tries.iter().fold((value, value), |(low, high), &t| (low.min(t), high.max(t)));
        Self { value, low, high }
    }

    /// Whether no try of one was among those of the other.
    fn differs(self, other: Self) -> bool {
        self.high < other.low || other.high < self.low
    }
}

/// The differences in words.
pub fn describe(before: &Path, after: &Path) -> Result<String> {
    let [all_before, all_after] = [read(before)?, read(after)?];
    let (a, b) = (&all_before[0], &all_after[0]);
    let mut text = String::new();
    for (what, a, b) in [
        ("commit", &a.commit, &b.commit),
        ("model", &a.model, &b.model),
        ("device", &a.device, &b.device),
        ("driver", &a.driver, &b.driver),
        ("batch size", &a.batch_size.to_string(), &b.batch_size.to_string()),
    ] {
        text += &if a == b { format!("{what:<11} {a}\n") } else { format!("{what:<11} {a} → {b}\n") };
    }
    let [a, b] = [&all_before, &all_after].map(|all| all.iter().flat_map(figures).collect::<Vec<_>>());
    let mut rows = Vec::new();
    for (name, before) in &a {
        let Some((_, after)) = b.iter().find(|(other, _)| other == name) else { continue };
        if before.differs(*after) {
            let factor = after.value / before.value;
            rows.push(vec![
                name.clone(),
                text::short(before.value),
                text::short(after.value),
                format!("× {factor:.2}"),
            ]);
        }
    }
    let alone = |a: &[(String, Figure)], b: &[(String, Figure)]| {
        let names = a.iter().filter(|(name, _)| !b.iter().any(|(other, _)| other == name));
        names.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    text += "\n";
    text += &if rows.is_empty() {
        "nothing has changed by more than the noise\n".to_string()
    } else {
        table(&["what has changed", "before", "after", ""], &rows, 1)
    };
    for (which, names) in [(before, alone(&a, &b)), (after, alone(&b, &a))] {
        if !names.is_empty() {
            text += &format!("only in {}: {}\n", which.display(), names.join(", "));
        }
    }
    Ok(text)
}

/// The reports of a file: one of the command, or those of the trainers in a browser.
fn read(path: &Path) -> Result<Vec<Report>> {
    #[derive(Deserialize)]
    struct Several {
        reports: Vec<Report>,
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Run(format!("can't read {}: {error}", path.display())))?;
    if let Ok(Several { reports }) = serde_json::from_str(&text)
        && !reports.is_empty()
    {
        return Ok(reports);
    }
    serde_json::from_str(&text).map(|report| vec![report]).map_err(|error| {
        Failure::Run(format!(
            "{} is not a report of `convoke bench --json`: {error}; write one by `convoke bench --json > {}`",
            path.display(),
            path.display()
        ))
    })
}

/// All figures with their names and units. Kernels of the same name are numbered.
fn figures(report: &Report) -> Vec<(String, Figure)> {
    let mut all = vec![("training, samples/s".to_string(), Figure::within(report.samples_per_second, &report.windows))];
    let single = [
        ("first step, s", report.first_step_seconds),
        ("first step once more, s", report.warm_first_step_seconds),
        ("memory at most, MiB", report.peak_bytes.map(|bytes| bytes / (1 << 20) as f64)),
        ("the program's buffers, MiB", report.program_bytes.map(|bytes| bytes / (1 << 20) as f64)),
        ("ceiling, GFLOP/s", report.ceiling_gflops_per_second),
        ("ceiling, GB/s", report.ceiling_gbytes_per_second),
    ];
    all.extend(single.into_iter().filter_map(|(name, value)| Some((name.to_string(), Figure::once(value?)))));
    let mut seen = BTreeMap::<String, usize>::new();
    for kernel in report.kernels.iter().flatten() {
        let name = format!("{} {} ({}), µs", kernel.plan, kernel.label, kernel.kernel);
        let count = seen.entry(name.clone()).and_modify(|count| *count += 1).or_insert(1);
        let name = if *count > 1 { format!("{name} {count}") } else { name };
        let tries = kernel.range.map_or(Vec::new(), |range| range.to_vec());
        all.push((name, Figure::within(kernel.microseconds, &tries)));
    }
    if let Some(trainer) = &report.trainer {
        all.iter_mut().for_each(|(name, _)| *name = format!("{trainer}: {name}"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(speed: f64, windows: &[f64], kernel: f64) -> String {
        format!(
            r#"{{"commit": "c", "model": "m", "device": "d", "driver": "v", "batch_size": 64, "samples_per_second": {speed},
                "windows": {windows:?}, "first_step_seconds": 1.0, "more": 1, "kernels":
                [{{"plan": "gradients", "label": "conv1", "kernel": "conv", "microseconds": {kernel}, "range": [{}, {}]}}]}}"#,
            kernel * 0.95,
            kernel * 1.05
        )
    }

    #[test]
    fn what_is_within_the_noise_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let a = path("a.json", report(1000.0, &[900.0, 1000.0, 1100.0], 10.0));
        let b = path("b.json", report(1050.0, &[1000.0, 1050.0, 1150.0], 10.4));
        let c = path("c.json", report(2000.0, &[1900.0, 2000.0, 2100.0], 5.0));
        let same = describe(&a, &b).unwrap();
        assert!(same.contains("nothing has changed") && same.contains("device      d\n"), "{same}");
        let changed = describe(&a, &c).unwrap();
        assert!(changed.contains("training, samples/s") && changed.contains("× 2.00"), "{changed}");
        assert!(changed.contains("conv1") && changed.contains("× 0.50"), "{changed}");
        assert!(!changed.contains("first step"), "{changed}");
        let several = |speed: f64| {
            format!(
                r#"{{"reports": [{{"trainer": "convoke gpu", "samples_per_second": {speed}, "windows": [{speed}, {speed}]}}]}}"#
            )
        };
        let [d, e] = [("d.json", 500.0), ("e.json", 600.0)].map(|(name, speed)| path(name, several(speed)));
        let browsers = describe(&d, &e).unwrap();
        assert!(browsers.contains("convoke gpu: training, samples/s") && browsers.contains("× 1.20"), "{browsers}");
        let broken = path("broken.json", "{}".into());
        let error = format!("{:?}", describe(&a, &broken).unwrap_err());
        assert!(error.contains("not a report of `convoke bench --json`"), "{error}");
    }
}
