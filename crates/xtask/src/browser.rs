//! The browser in which the page is tested, the program that drives it, and the JavaScript tools that ask both.

use std::path::{Path, PathBuf};

use crate::apt;
use crate::shell::{self, Outcome, find_program, output, program, root};

/// Names under which Chromium and its kin are found.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The oldest major version of Node.js that the tests run on.
const NODE: u32 = 18;

/// The folder of the page's tests, from the root.
pub const TESTS: &str = "web/tests/page";

/// Chromium: the one that `CHROMIUM` names, else the first that is found.
pub fn chromium() -> Outcome<PathBuf> {
    named_or_found("CHROMIUM", &CHROMIUM)
}

/// The program through which WebDriver reaches Chromium: the one that `CHROMEDRIVER` names, else the one that is found.
pub fn chromedriver() -> Outcome<PathBuf> {
    named_or_found("CHROMEDRIVER", &["chromedriver"])
}

fn named_or_found(variable: &str, names: &[&str]) -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        let path = PathBuf::from(named);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(format!("{variable} names {}, which is no file", path.display()))
        };
    }
    names
        .iter()
        .find_map(|name| find_program(name))
        .ok_or_else(|| format!("{} is not on the PATH; run `cargo xtask setup`, or name it in {variable}", names[0]))
}

/// Makes sure of Chromium, its driver, Node.js and npm, and of the packages that the page's tests use.
pub fn install() -> Outcome {
    programs().map_err(|reason| advice(&reason))?;
    packages()
}

/// Debian's packages for what is missing.
fn programs() -> Outcome {
    // A variable that names no file is a mistake to tell of, not a reason to install anything.
    for (variable, found) in [("CHROMIUM", chromium()), ("CHROMEDRIVER", chromedriver())] {
        if std::env::var_os(variable).is_some() {
            found?;
        }
    }
    let missing = [
        ("chromium", chromium().is_err()),
        ("chromium-driver", chromedriver().is_err()),
        ("nodejs", find_program("node").is_none()),
        ("npm", find_program("npm").is_none()),
    ];
    let missing: Vec<&str> = missing.into_iter().filter(|(_, missing)| *missing).map(|(package, _)| package).collect();
    if !missing.is_empty() {
        apt::install(&missing)?;
    }
    chromium()?;
    chromedriver()?;
    let version = output(program("node").arg("--version")).unwrap_or_default();
    match major(&version) {
        Some(found) if found >= NODE => Ok(()),
        _ => Err(format!("Node.js {NODE} or newer is needed, and `node --version` says `{version}`")),
    }
}

/// The first number of a version such as `v18.20.4`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// What to install by hand, for the systems that are common.
fn advice(reason: &str) -> String {
    format!(
        "the page's tests need Chromium with chromedriver, and Node.js {NODE} or newer with npm, and {reason}. Install them and run \
         this again:
    Debian           sudo apt-get install chromium chromium-driver nodejs npm
    Fedora           sudo dnf install chromium chromedriver nodejs npm
    Arch             sudo pacman -S chromium nodejs npm
    macOS            brew install --cask chromium chromedriver; brew install node
    Windows          winget install Google.Chrome OpenJS.NodeJS.LTS, and chromedriver of Chrome's version
Ubuntu's own package of Chromium is a snap, which the tests can't drive: Google's .deb with chromedriver of its version serves.
If they lie elsewhere, name them in CHROMIUM and CHROMEDRIVER."
    )
}

/// The JavaScript packages of the page's tests, of the versions of their lock file.
fn packages() -> Outcome {
    let dir = root().join(TESTS);
    // A copy of the lock file says what is installed.
    let (lock, installed) = (dir.join("package-lock.json"), dir.join("node_modules/.installed.json"));
    let read = |path: &Path| std::fs::read(path).ok();
    if read(&lock).is_some() && read(&lock) == read(&installed) {
        return Ok(());
    }
    let mut npm = program(find_program("npm").unwrap_or_else(|| "npm".into()));
    npm.args(["ci", "--prefix", TESTS, "--no-audit", "--no-fund", "--ignore-scripts"]);
    shell::run(&mut npm)?;
    std::fs::copy(&lock, &installed).map_err(|error| format!("{} can't be written: {error}", installed.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v18.20.4"), Some(18));
        assert_eq!(major("22"), Some(22));
        assert_eq!(major(""), None);
    }

    #[test]
    fn advice_names_the_reason_and_the_way() {
        let text = advice("apt has no network");
        for word in ["apt has no network", "chromium-driver", "dnf", "CHROMEDRIVER"] {
            assert!(text.contains(word), "{word} is missing in: {text}");
        }
    }

    #[test]
    fn a_missing_program_is_named_with_what_to_do() {
        let message = named_or_found("NO_SUCH_VARIABLE_HERE", &["no-such-program-here"]).unwrap_err();
        for word in ["no-such-program-here", "cargo xtask setup", "NO_SUCH_VARIABLE_HERE"] {
            assert!(message.contains(word), "{word} is missing in: {message}");
        }
    }
}
