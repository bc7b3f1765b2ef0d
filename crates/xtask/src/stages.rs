//! The stages of `cargo xtask test`.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::agreement;
use crate::setup;
use crate::shell::{Outcome, cargo, run as run_command};
use crate::web;

/// One stage.
pub struct Stage {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Does it.
    run: fn() -> Outcome,
}

/// All stages, in the order in which they run: what fails soonest is first.
pub const STAGES: &[Stage] = &[
    Stage { name: "setup", about: "What the tests need is installed", run: setup::run },
    Stage { name: "fmt", about: "rustfmt has nothing to change", run: || run_command(&mut fmt()) },
    Stage { name: "clippy", about: "clippy has nothing to warn of, in any target", run: || run_command(&mut clippy()) },
    Stage { name: "tidy", about: "The invariants of ARCHITECTURE.md hold", run: || run_command(&mut tidy()) },
    Stage {
        name: "test",
        about: "Unit tests, op laws, both engines (the GPU's on a real driver), fixtures",
        run: || agreement::run_native(&mut tests(), agreement::Part::Native),
    },
    Stage { name: "doctest", about: "The examples in the documentation run", run: || run_command(&mut doctests()) },
    Stage { name: "doc", about: "The documentation builds without a warning", run: || run_command(&mut doc()) },
    Stage {
        name: "wasm",
        about: "clippy has nothing to warn of in what a browser needs, its tests included",
        run: web::lint,
    },
    Stage {
        name: "types",
        about: "The page and the examples hold the types of the worker and the package",
        run: web::types,
    },
    Stage {
        name: "browser",
        about: "Op laws, worker and storage in Chromium, on WebGPU and on the CPU",
        run: web::wasm_tests,
    },
    Stage {
        name: "agreement",
        about: "No engine is further from PyTorch than docs/agreement.md says; its table",
        run: agreement::stage,
    },
    Stage {
        name: "page",
        about: "The page, built for release, as a person uses it, in Chromium; its size",
        run: web::page_tests,
    },
];

fn fmt() -> Command {
    cargo(&["fmt", "--all", "--check"])
}

fn clippy() -> Command {
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// Selects the whole workspace, so that dependencies have the features, and so the builds, that `tests` uses again.
fn tidy() -> Command {
    cargo(&["test", "--workspace", "--test", "tidy"])
}

fn tests() -> Command {
    cargo(&["test", "--workspace", "--tests"])
}

fn doctests() -> Command {
    cargo(&["test", "--workspace", "--doc"])
}

/// Without the command: its program and the facade's library would be pages of one name.
fn doc() -> Command {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--exclude", "convoke-cli"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// The tests that take long.
pub fn soak() -> Outcome {
    run_command(&mut cargo(&[
        "test",
        "--release",
        "--package=convoke-tests",
        "--package=convoke-cli",
        "--features=convoke-tests/soak,convoke-cli/soak",
    ]))?;
    web::soak()
}

/// Writes the pages that follow from the program: of all options, and of scaling.
pub fn docs() -> Outcome {
    let pages: [&[&str]; 2] = [
        &["test", "--package=convoke-cli", "--bin=convoke", "the_page_of_options"],
        &["test", "--package=convoke", "--test=scaling", "the_page_of_scaling"],
    ];
    for page in pages {
        run_command(cargo(page).env("CONVOKE_WRITE_DOCS", "1"))?;
    }
    Ok(())
}

/// What became of a stage.
#[derive(Debug, PartialEq)]
enum Fate {
    Passed(Duration),
    Failed(Duration),
    NotRun,
}

/// Runs the named stages one after another and stops at the first that fails; a summary follows in either case.
pub fn run(chosen: &[&str]) -> Outcome {
    let stages: Vec<&Stage> = STAGES.iter().filter(|stage| chosen.contains(&stage.name)).collect();
    let (fates, outcome) = run_stages(&stages);
    println!("\n{}", summary(&stages, &fates));
    outcome
}

fn run_stages(stages: &[&Stage]) -> (Vec<Fate>, Outcome) {
    let mut fates = Vec::new();
    let mut outcome = Ok(());
    for (number, stage) in stages.iter().enumerate() {
        if outcome.is_err() {
            fates.push(Fate::NotRun);
            continue;
        }
        println!("\n=== {}/{} {}: {} ===", number + 1, stages.len(), stage.name, stage.about);
        let start = Instant::now();
        outcome = (stage.run)().map_err(|reason| format!("stage `{}`: {reason}", stage.name));
        let time = start.elapsed();
        println!("=== {} {} in {} ===", stage.name, if outcome.is_ok() { "passed" } else { "FAILED" }, seconds(time));
        fates.push(if outcome.is_ok() { Fate::Passed(time) } else { Fate::Failed(time) });
    }
    (fates, outcome)
}

/// A line for each stage and one for all.
fn summary(stages: &[&Stage], fates: &[Fate]) -> String {
    let mut total = Duration::ZERO;
    let mut lines = String::new();
    for (stage, fate) in stages.iter().zip(fates) {
        let (word, time) = match fate {
            Fate::Passed(time) => ("passed", Some(*time)),
            Fate::Failed(time) => ("FAILED", Some(*time)),
            Fate::NotRun => ("not run", None),
        };
        total += time.unwrap_or_default();
        lines += &format!("{:<8} {word:<8} {:>8}\n", stage.name, time.map(seconds).unwrap_or_default());
    }
    lines + &format!("{:<8} {:<8} {:>8}", "total", "", seconds(total))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSES: Stage = Stage { name: "good", about: "passes", run: || Ok(()) };
    const FAILS: Stage = Stage { name: "bad", about: "fails", run: || Err("of a reason".into()) };
    const NEVER: Stage = Stage { name: "never", about: "must not run", run: || panic!("ran after a failure") };

    #[test]
    fn the_first_failure_is_the_last_stage_run() {
        let stages = [&PASSES, &FAILS, &NEVER];
        let (fates, outcome) = run_stages(&stages);
        assert!(matches!(fates.as_slice(), [Fate::Passed(_), Fate::Failed(_), Fate::NotRun]), "{fates:?}");
        assert_eq!(outcome, Err("stage `bad`: of a reason".into()));
    }

    #[test]
    fn the_summary_tells_of_every_stage() {
        let stages = [&PASSES, &FAILS, &NEVER];
        let fates = [Fate::Passed(Duration::from_millis(1500)), Fate::Failed(Duration::from_secs(2)), Fate::NotRun];
        let text = summary(&stages, &fates);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            [
                vec!["good", "passed", "1.5", "s"],
                vec!["bad", "FAILED", "2.0", "s"],
                vec!["never", "not", "run"],
                vec!["total", "3.5", "s"]
            ]
        );
    }
}
