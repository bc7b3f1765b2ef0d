//! Runs that are stopped or killed, and go on as if nothing had happened.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use convoke::prelude::Record;

use crate::setting::{Ran, Setting};

/// How often a run is killed.
const KILLS: usize = if cfg!(feature = "soak") { 20 } else { 5 };

/// A run long enough to be killed that often: 6 steps an epoch.
const RUN: &str = "--batch-size 16 --checkpoint-every 7 --optimizer adam";

const EPOCHS: usize = if cfg!(feature = "soak") { 1200 } else { 300 };

/// Lines of a run's log so far.
fn lines(setting: &Setting, run: &str) -> usize {
    let log = std::fs::read(setting.path(run).join("metrics.jsonl")).unwrap_or_default();
    log.iter().filter(|&&byte| byte == b'\n').count()
}

/// Waits until a run's log has so many lines.
fn wait(setting: &Setting, run: &str, child: &mut Child, wanted: usize) {
    let start = Instant::now();
    while lines(setting, run) < wanted {
        assert!(start.elapsed() < Duration::from_secs(120), "{} of {wanted} lines", lines(setting, run));
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn start(setting: &Setting, arguments: &str) -> Child {
    setting.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Kills a run again and again, after steps that are drawn anew each time, and expects what an uninterrupted one leaves: the same log and
/// the same bytes of these files. `begin` are the arguments of a new run, without its folder. Returns what the uninterrupted one said.
fn kill_again_and_again(setting: &Setting, begin: &str, files: &[&str]) -> Ran {
    let ran = setting.run(&format!("{begin} --out whole")).good();
    let whole = setting.losses("whole");
    // The moments of the kills, by the clock, are different in every run anyway.
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut state = u64::from(seed) | 1;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut arguments = format!("{begin} --out killed");
    // All within the first half: the machine may be slow to kill.
    let span = whole.len() / (2 * KILLS);
    for kill in 0..KILLS {
        let wanted = kill * span + 1 + draw(span - 1);
        let mut child = start(setting, &arguments);
        wait(setting, "killed", &mut child, wanted);
        child.kill().unwrap();
        child.wait().unwrap();
        arguments = "train --resume killed".into();
    }
    setting.run(&arguments).good();
    let losses = setting.losses("killed");
    let differs = losses.iter().zip(&whole).position(|(a, b)| a != b);
    assert_eq!((losses.len(), differs), (whole.len(), None), "seed {seed}");
    assert_eq!(timeless(setting, "killed"), timeless(setting, "whole"), "seed {seed}");
    for file in files {
        let bytes = |run: &str| std::fs::read(setting.path(run).join(file)).unwrap();
        assert!(bytes("killed") == bytes("whole"), "{file}, seed {seed}");
    }
    ran
}

/// A run's log without what depends on the time that things take.
fn timeless(setting: &Setting, run: &str) -> Vec<Record> {
    let mut log = setting.log(run);
    for record in &mut log {
        if let Record::Epoch { samples_per_second, .. } = record {
            *samples_per_second = 0.0;
        }
    }
    log
}

#[test]
fn a_run_that_is_killed_again_and_again_writes_the_same_losses() {
    let setting = Setting::new();
    let begin = format!("train small.toml --data data --device cpu {RUN} --epochs {EPOCHS}");
    kill_again_and_again(&setting, &begin, &["model.safetensors"]);
    assert_eq!(setting.losses("whole").len(), EPOCHS * 6);
}

/// Everything that a run carries from step to step, at once.
const EVERYTHING: &str = r#"
name = "everything"
input = [1, 8, 8]
layers = [
    { type = "conv2d", name = "conv", out_channels = 4, kernel_size = 3, padding = 1, bias = false },
    { type = "batch_norm", name = "bn" },
    { type = "relu" },
    { type = "max_pool2d", kernel_size = 2 },
    { type = "dropout", p = 0.3 },
    { type = "flatten" },
    { type = "linear", name = "fc", out_features = "classes" },
]

[train]
epochs = EPOCHS
batch_size = 6
accumulate = 2
clip_norm = 0.5
ema = 0.95
no_decay_on_norms_and_biases = true
validation = 0.25
keep = 3
checkpoint_steps = 5

[optimizer]
type = "adamw"
lr = 0.005

[loss]
label_smoothing = 0.1
class_weights = "balanced"

[augment]
crop = 1
flip = true
rotate = 5
brightness = 0.2
cutout = 2
mixup = 0.2
"#;

/// The steps of an epoch of [`EVERYTHING`]: 72 pictures in steps of 12.
const STEPS: usize = 6;

fn everything(setting: &Setting, more: &str, epochs: usize) -> String {
    setting.write("all.toml", format!("{EVERYTHING}{more}").replace("EPOCHS", &epochs.to_string()).as_bytes());
    "train all.toml --data data".into()
}

const KEPT: [&str; 2] = ["model.safetensors", "best.safetensors"];

#[test]
fn a_run_with_everything_is_killed_and_stops_early_as_if_it_had_not_been() {
    let setting = Setting::new();
    let cosine = "[schedule]\ntype = 'cosine'\nwarmup = 3\nminimum = 1e-4";
    let begin = everything(&setting, cosine, 3 * EPOCHS);
    let patience = EPOCHS / 2;
    let begin = format!("{begin} --device cpu --best accuracy --patience {patience}");
    let ran = kill_again_and_again(&setting, &begin, &KEPT);
    assert!(ran.stdout.contains(&format!("stopped early: {patience} epochs without a better one")), "{}", ran.stdout);
    let steps = setting.losses("whole").len();
    assert!((patience * STEPS..3 * EPOCHS * STEPS).contains(&steps), "{steps} steps");
}

#[test]
fn a_run_that_slows_down_on_plateaus_is_killed_and_ends_the_same() {
    let setting = Setting::new();
    let plateau =
        "[schedule]\ntype = 'plateau'\nwarmup = '20 steps'\nfactor = 0.7\npatience = 3\nthreshold = 0.01\ncooldown = 1";
    let begin = everything(&setting, plateau, EPOCHS);
    kill_again_and_again(&setting, &format!("{begin} --device cpu --best loss"), &KEPT);
    let rates = setting.log("whole").into_iter().filter_map(|record| match record {
        Record::Step { lr, .. } => Some(lr.to_bits()),
        _ => None,
    });
    let after: std::collections::BTreeSet<u64> = rates.skip(20).collect();
    assert!(after.len() > 3, "the rate has fallen {} times only", after.len());
    assert_eq!(setting.losses("whole").len(), EPOCHS * STEPS);
}

#[test]
fn a_run_with_everything_on_a_graphics_driver_is_killed_and_ends_the_same() {
    let setting = Setting::new();
    let begin = everything(&setting, "[schedule]\ntype = 'onecycle'", EPOCHS / 15);
    kill_again_and_again(&setting, &format!("{begin} --device gpu"), &KEPT);
}

#[cfg(unix)]
#[test]
fn ctrl_c_finishes_the_step_and_saves() {
    let setting = Setting::new();
    let arguments = format!("train small.toml --data data --device cpu {RUN} --epochs 100000 --out run");
    let mut child = setting.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait(&setting, "run", &mut child, 20);
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ran = Ran::new(&arguments, child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("once more ends at once"), "{}", ran.stderr);
    assert!(ran.stdout.contains("go on with: convoke train --resume run"), "{}", ran.stdout);
    let losses = setting.losses("run");
    let steps = losses.len();
    assert!(setting.path(format!("run/checkpoint-{steps:010}.safetensors")).exists(), "{:?}", setting.names("run"));
    assert!(setting.path("run/model.safetensors").exists() && setting.path("run/curves.svg").exists());

    let total = steps + 10;
    let more = setting.run(&format!("train --resume run --max-steps {total}")).good();
    assert!(more.stdout.contains("goes on after step"), "{}", more.stdout);
    let all = setting.losses("run");
    assert_eq!((all.len(), &all[..steps]), (total, &losses[..]));
}

#[test]
fn a_run_goes_on_beyond_what_was_asked_for_first() {
    let setting = Setting::new();
    setting.train("--batch-size 16 --epochs 4 --out whole").good();
    setting.train("--batch-size 16 --epochs 1 --out run").good();
    let done = setting.run("train --resume run").good();
    assert!(done.stdout.contains("all of its 6 steps are done"), "{}", done.stdout);
    setting.run("train --resume run --epochs 3 --max-steps 15").good();
    assert_eq!(setting.losses("run").len(), 15);
    // The pictures at another place, and another number of threads, are the same pictures and the same run.
    std::fs::rename(setting.path("data"), setting.path("moved")).unwrap();
    setting.run("train --resume run").wrong(2, &["no such folder"]);
    setting.run("train --resume run --data moved --threads 1 --epochs 4").good();
    assert_eq!(setting.losses("run"), setting.losses("whole"));
}
