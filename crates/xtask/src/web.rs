//! The stages that build for the browser and test in it.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::agreement::{Part, run_printing};
use crate::browser::{self, TESTS};
use crate::shell::{self, Outcome, cargo, program, root, run, target_dir};
use crate::wasm::{TARGET, Toolchain};

/// Where the page is built for its tests, from the root: a `trunk serve` that someone has left open isn't disturbed.
const DIST: &str = "target/page/dist";

/// Where the npm package is built, from the root.
const PACKAGE: &str = "web/pkg";

/// Where the page's tests put their pictures of it, from the root.
const SCREENSHOTS: &str = "target/page-screenshots";

/// Files of the page's tests that run side by side: most of their time they wait for a page that is waiting itself.
const AT_ONCE: usize = 2;

/// Seconds that all tests of a file may take in the browser.
const BROWSER_SECONDS: &str = "1200";

fn toolchain() -> Outcome<Toolchain> {
    Toolchain::find().ok_or_else(|| format!("{TARGET} is missing; run `cargo xtask setup`"))
}

/// clippy for the target, over all crates but those that have no place in a browser, and the tests that run there.
pub fn lint() -> Outcome {
    let toolchain = toolchain()?;
    let clippy = toolchain.has("clippy");
    if !clippy {
        println!("clippy is not part of {}: the compiler alone checks", toolchain.describe());
    }
    let (subcommand, deny): (_, &[&str]) = if clippy { ("clippy", &["--", "-D", "warnings"]) } else { ("check", &[]) };
    let libraries = ["--workspace", "--exclude", "convoke-cli", "--exclude", "convoke-tests", "--exclude", "xtask"];
    run(&mut toolchain.cargo(subcommand, &[libraries.as_slice(), deny].concat()))?;
    run(&mut toolchain.cargo(subcommand, &[&["--package", "convoke-web", "--all-targets"], deny].concat()))
}

/// The tests that are compiled to wasm, in Chromium. Optimised: they compute.
pub fn wasm_tests() -> Outcome {
    let mut command = program("wasm-pack");
    command.args([
        "test",
        "--headless",
        "--chrome",
        "--release",
        "--mode",
        "no-install",
        "web",
        // What follows goes to cargo; `--tests` it has from wasm-pack already.
        "--all-targets",
        "--",
        "--nocapture",
    ]);
    toolchain()?.build_in(&mut command);
    command.env("CHROMEDRIVER", browser::chromedriver()?);
    command.env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_SECONDS);
    run_printing(&mut command, Part::Browser)
}

/// The page and the package, built as they are published, with their types; once for all stages.
fn bundle() -> Outcome {
    static BUNDLE: OnceLock<Outcome> = OnceLock::new();
    BUNDLE.get_or_init(build_bundle).clone()
}

fn build_bundle() -> Outcome {
    let toolchain = toolchain()?;
    // Trunk and wasm-pack are told to use no network: what they compile is fetched before.
    run(&mut cargo(&["fetch", "--quiet"]))?;
    let mut trunk = program("trunk");
    trunk.args(["build", "--release", "--offline", "--dist", DIST]);
    toolchain.build_in(&mut trunk);
    run(&mut trunk)?;
    let mut pack = program("wasm-pack");
    pack.args(["build", "web", "--profile", "web", "--target", "web", "--mode", "no-install", "--out-dir"])
        .arg(root().join(PACKAGE));
    toolchain.build_in(&mut pack);
    run(&mut pack)
}

/// TypeScript's check of the page and the examples, against the types that wasm-bindgen writes.
pub fn types() -> Outcome {
    bundle()?;
    for project in ["tsconfig.page.json", "tsconfig.json"] {
        let mut tsc = program("node");
        tsc.arg(format!("{TESTS}/node_modules/typescript/bin/tsc")).args(["--project", &format!("{TESTS}/{project}")]);
        run(&mut tsc)?;
    }
    Ok(())
}

/// The page as people use it, and its size. Files of tests that measure time, in `timed`, run one after another.
pub fn page_tests() -> Outcome {
    bundle()?;
    run(program("node").arg(format!("{TESTS}/size.js")).arg(DIST))?;
    // The build of the tests has the command in it; where they were built before, this takes no time.
    run(&mut cargo(&["test", "--quiet", "--workspace", "--tests", "--no-run"]))?;
    let _ = std::fs::remove_dir_all(root().join(SCREENSHOTS));
    let test = |file: &str| node_test(file, &target_dir().join("debug"));
    for file in files(&format!("{TESTS}/timed"))? {
        if let Err(reason) = run(&mut test(&file)?) {
            once_more(&reason, test(&file)?)?;
        }
    }
    let tests: Vec<Command> =
        files(&format!("{TESTS}/cases"))?.iter().map(|file| test(file)).collect::<Outcome<_>>()?;
    for (reason, command) in shell::run_at_once(tests, AT_ONCE) {
        once_more(&reason, command)?;
    }
    println!("pictures of the page: {SCREENSHOTS}");
    Ok(())
}

/// Some tests measure how soon the page answers, to a twentieth of a second, and all wait no longer than people do: another program that takes
/// the processor just then is no fault of the page. A fault fails twice.
fn once_more(reason: &str, mut test: Command) -> Outcome {
    println!("{reason}\nonce more, in case something else kept the machine busy");
    run(&mut test)
}

/// Half an hour of training in a tab, and thousands of pictures dropped at once.
pub fn soak() -> Outcome {
    bundle()?;
    for file in files(&format!("{TESTS}/soak"))? {
        run(&mut node_test(&file, &target_dir().join("release"))?)?;
    }
    Ok(())
}

/// Node's test runner over one file of the page's tests. `programs` is where cargo has put the command.
fn node_test(file: &str, programs: &Path) -> Outcome<Command> {
    let mut command = program("node");
    command.args(["--test", file]);
    command.env("CHROMIUM", browser::chromium()?);
    command.env("CONVOKE", programs.join(format!("convoke{}", std::env::consts::EXE_SUFFIX)));
    command.env("CONVOKE_PAGE", DIST).env("CONVOKE_PACKAGE", PACKAGE).env("CONVOKE_SCREENSHOTS", SCREENSHOTS);
    Ok(command)
}

/// The tests in a folder, from the root, in the order of their names.
fn files(folder: &str) -> Outcome<Vec<String>> {
    let unreadable = |error: std::io::Error| format!("{folder} can't be read: {error}");
    let entries = std::fs::read_dir(root().join(folder)).map_err(unreadable)?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut files: Vec<String> = names.filter(|n| n.ends_with(".test.js")).map(|n| format!("{folder}/{n}")).collect();
    files.sort();
    if files.is_empty() { Err(format!("there are no tests in {folder}")) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_trunk_watches_is_there() {
        // In a clean clone nothing else is, and trunk doesn't start where a folder is missing.
        let config = std::fs::read_to_string(root().join("Trunk.toml")).unwrap();
        let (_, watched) = config.split_once("\nwatch = [").unwrap();
        let (watched, behind) = watched.split_once(']').unwrap();
        let folders: Vec<&str> = watched.split(", ").map(|folder| folder.trim_matches('"')).collect();
        assert!(folders.len() > 1 && folders.iter().all(|folder| root().join(folder).is_dir()), "{folders:?}");
        assert!(!behind.contains("ignore"), "{behind}");
    }

    #[test]
    fn the_tests_are_found() {
        for folder in ["cases", "timed", "soak"] {
            assert!(files(&format!("{TESTS}/{folder}")).unwrap().iter().all(|file| root().join(file).is_file()));
        }
        assert!(files(TESTS).unwrap_err().contains("no tests"));
        assert!(files("no/such/folder").unwrap_err().contains("can't be read"));
    }
}
