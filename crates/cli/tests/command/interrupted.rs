//! Runs that are stopped or killed, and go on as if nothing had happened.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

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

#[test]
fn a_run_that_is_killed_again_and_again_writes_the_same_losses() {
    let setting = Setting::new();
    setting.train(&format!("{RUN} --epochs {EPOCHS} --out whole")).good();
    let whole = setting.losses("whole");
    assert_eq!(whole.len(), EPOCHS * 6);

    // Steps drawn anew each time: the moments of the kills, by the clock, are different in every run anyway.
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut state = u64::from(seed) | 1;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut arguments = format!("train small.toml --data data --device cpu {RUN} --epochs {EPOCHS} --out killed");
    // All within the first half: the machine may be slow to kill.
    let span = EPOCHS * 6 / (2 * KILLS);
    for kill in 0..KILLS {
        let wanted = kill * span + 1 + draw(span - 1);
        let mut child = start(&setting, &arguments);
        wait(&setting, "killed", &mut child, wanted);
        child.kill().unwrap();
        child.wait().unwrap();
        arguments = "train --resume killed".into();
    }
    setting.run(&arguments).good();
    let losses = setting.losses("killed");
    let differs = losses.iter().zip(&whole).position(|(a, b)| a != b);
    assert_eq!((losses.len(), differs), (whole.len(), None), "seed {seed}");
    let model = |run: &str| std::fs::read(setting.path(run).join("model.safetensors")).unwrap();
    assert!(model("killed") == model("whole"), "seed {seed}");
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
