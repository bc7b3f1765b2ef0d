//! What the commands print, for people and for programs.

use crate::setting::Setting;

#[test]
fn a_summary_counts_the_reference_network() {
    let setting = Setting::new();
    let summary = setting.run("summary --json").good().json();
    assert_eq!(summary["model"], "reference-cnn");
    assert_eq!(summary["parameters"], 207_210);
    assert_eq!(summary["layers"].as_array().unwrap().len(), 10);
    assert_eq!(summary["layers"][0]["type"], "conv2d");
    assert_eq!(summary["layers"][0]["output"], serde_json::json!([16, 28, 28]));
    let large = setting.run("summary --batch-size 256 --json").good().json();
    let bytes = |summary: &serde_json::Value| summary["training_bytes"]["total"].as_u64().unwrap();
    assert!(bytes(&large) > 2 * bytes(&summary));
    let text = setting.run("summary small.toml").good().stdout;
    for part in ["small: pictures of 1×8×8", "conv2d", "4×8×8", "parameters  690", "training"] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn the_devices_hold_the_cpu() {
    let setting = Setting::new();
    let devices = setting.run("devices --json").good().json();
    let cpu =
        devices.as_array().unwrap().iter().find(|device| device["id"] == "cpu").expect("the CPU is a device").clone();
    let name = cpu["name"].as_str().unwrap();
    assert_eq!((&cpu["kind"], name.is_empty()), (&"cpu".into(), false));
    let text = setting.run("devices").good().stdout;
    assert!(text.contains(name) && text.contains("cpu "), "{text}");
}

#[test]
fn a_bench_prints_one_object() {
    let setting = Setting::new();
    let ran = setting.run("bench small.toml --data data --device cpu --batch-size 16 --seconds 0.2 --json").good();
    let report = ran.json();
    assert_eq!((&report["model"], &report["batch_size"]), (&"small".into(), &16.into()));
    for figure in ["samples_per_second", "first_step_seconds", "peak_bytes", "gflops_per_second", "share_of_ceiling"] {
        assert!(report[figure].as_f64().is_some_and(|value| value > 0.0), "{figure} in {report}");
    }
    assert!(!report["device"].as_str().unwrap().is_empty());
    assert_eq!(report["reference_steps"], serde_json::json!([]));
    assert_eq!(report["repeated_losses"], 10);
    assert!(report["last_loss"].as_f64() < report["first_loss"].as_f64());
    let kernels = report["kernels"].as_array().unwrap();
    for kernel in ["gather", "conv", "update"] {
        let found = kernels.iter().find(|k| k["kernel"] == kernel).unwrap_or_else(|| panic!("no {kernel}"));
        assert!(found["microseconds"].as_f64().is_some_and(|time| time > 0.0), "{found}");
    }
}

#[test]
fn a_bench_is_legible() {
    let setting = Setting::new();
    let text = setting.run("bench small.toml --data data --device cpu --seconds 0.1").good().stdout;
    for part in ["samples/s: the median of 5 windows", "first step", "ceilings", "reference: no step", "µs"] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

/// `convoke summary | head -1`: whoever read has gone away.
#[test]
fn a_closed_pipe_is_no_error() {
    let setting = Setting::new();
    let train = "train small.toml --data data --device cpu --out run";
    // A run that is stopped so is not complete, and its exit code says it.
    for (arguments, code) in [("summary", 0), ("devices", 0), ("train --help", 0), (train, 130)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = setting.command(arguments).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments}");
        assert_eq!(output.status.code(), Some(code), "{arguments}");
    }
}
