//! The page `docs/agreement.md`: how far each engine is from PyTorch and from the definition, as the tests found it.
//!
//! Tests print a line `agreement|ENGINE|CHECK|VALUE|BOUND` for each figure. Those of the native tests are added to the file that
//! `CONVOKE_AGREEMENT` names, those of the browser's are kept from what they print.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell::{Outcome, cargo, describe, root, run, target_dir};

/// The page, from the root.
const PAGE: &str = "docs/agreement.md";
/// What Debian's Chromium brings along: the software driver that its WebGPU runs on, for Vulkan.
const SWIFTSHADER: &str = "/usr/lib/chromium/vk_swiftshader_icd.json";
/// What a line of a figure begins with.
const MARK: &str = "agreement|";

/// The figures of the native tests, of those on the other software driver, and of the browser's.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// The machine's own devices.
    Native,
    /// Chromium's software driver, natively.
    SwiftShader,
    /// The browser.
    Browser,
}

impl Part {
    const ALL: [Self; 3] = [Self::Native, Self::SwiftShader, Self::Browser];

    fn path(self) -> PathBuf {
        let name = match self {
            Self::Native => "native.txt",
            Self::SwiftShader => "swiftshader.txt",
            Self::Browser => "browser.txt",
        };
        target_dir().join("agreement").join(name)
    }
}

/// An empty file for a part's figures.
fn empty(part: Part) -> Outcome<PathBuf> {
    let path = part.path();
    let made =
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).and_then(|()| std::fs::write(&path, ""));
    made.map_err(|error| format!("{} can't be written: {error}", path.display()))?;
    Ok(path)
}

/// Runs native tests, whose figures are kept.
pub fn run_native(command: &mut Command, part: Part) -> Outcome {
    command.env("CONVOKE_AGREEMENT", empty(part)?);
    run(command)
}

/// Runs a command in sight, and keeps the figures among what it prints.
pub fn run_printing(command: &mut Command, part: Part) -> Outcome {
    let (path, line) = (empty(part)?, describe(command));
    println!("$ {line}");
    let failed = |error: std::io::Error| format!("`{line}` could not be started: {error}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut figures = String::new();
    for text in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
        println!("{text}");
        if text.trim_start().starts_with(MARK) {
            figures += &format!("{}\n", text.trim());
        }
    }
    std::fs::write(&path, figures).map_err(|error| format!("{} can't be written: {error}", path.display()))?;
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed ({status})")),
        Err(error) => Err(format!("`{line}` can't be waited for: {error}")),
    }
}

/// Tests Chromium's driver natively where it is there, then holds all figures to the bounds of the page and writes it anew.
pub fn stage() -> Outcome {
    if Path::new(SWIFTSHADER).exists() {
        let tests = ["--test", "laws", "--test", "pytorch", "--test", "pytorch_cases"];
        let mut command = cargo(&[&["test", "--workspace"], tests.as_slice()].concat());
        command.args(["--", "engines_", "free_steps"]);
        command.env("VK_DRIVER_FILES", SWIFTSHADER);
        run_native(&mut command, Part::SwiftShader)?;
        // Both drivers and the CPU on one step.
        let mut command = cargo(&["test", "--workspace", "--test", "replicas"]);
        command.args(["--", "gradients_at_given_weights", "twenty_free_steps"]);
        match std::env::var("VK_DRIVER_FILES") {
            Ok(others) => command.env("VK_DRIVER_FILES", format!("{others}:{SWIFTSHADER}")),
            Err(_) => command.env("VK_ADD_DRIVER_FILES", SWIFTSHADER),
        };
        run(&mut command)?;
    }
    let read = |part: Part| std::fs::read_to_string(part.path()).unwrap_or_default();
    let figures = figures(&Part::ALL.map(read).concat())?;
    let path = root().join(PAGE);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    hold(&before, &figures)?;
    let page = page(&figures);
    if page != before {
        std::fs::write(&path, page).map_err(|error| format!("{PAGE} can't be written: {error}"))?;
        println!("{PAGE} is new: some digits, or some engines, are others than before");
    }
    Ok(())
}

/// How far off one engine is in one check.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    engine: String,
    check: String,
    value: f64,
    bound: f64,
}

/// The figures of some lines: of each engine and check the largest.
fn figures(lines: &str) -> Outcome<Vec<Figure>> {
    let mut figures: Vec<Figure> = Vec::new();
    for line in lines.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let figure =
            match fields.as_slice() {
                [_, engine, check, value, bound] => value.parse().ok().zip(bound.parse().ok()).map(|(value, bound)| {
                    Figure { engine: engine.to_string(), check: check.to_string(), value, bound }
                }),
                _ => None,
            };
        let figure = figure.ok_or_else(|| format!("this is no figure: {line}"))?;
        match figures.iter_mut().find(|f| f.engine == figure.engine && f.check == figure.check) {
            Some(known) => known.value = known.value.max(figure.value),
            None => figures.push(figure),
        }
    }
    if figures.is_empty() {
        return Err("there are no figures: run the stages `test` and `browser` first".into());
    }
    Ok(figures)
}

/// Fails where an engine is further off than the page says that any may be.
fn hold(page: &str, figures: &[Figure]) -> Outcome {
    for Figure { engine, check, value, bound } in figures {
        let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {check} | ")));
        let promised = row.and_then(|row| row.split(" | ").next()?.parse::<f64>().ok()).unwrap_or(*bound);
        if value.partial_cmp(&promised).is_none_or(|order| order.is_gt()) {
            return Err(format!("{engine}, {check}: off by {value:.1e}, and {PAGE} allows {promised:.1e}"));
        }
    }
    Ok(())
}

/// The page.
fn page(figures: &[Figure]) -> String {
    let distinct = |of: fn(&Figure) -> &String| {
        let mut all: Vec<&String> = Vec::new();
        figures.iter().map(of).for_each(|name| {
            if !all.contains(&name) {
                all.push(name)
            }
        });
        all
    };
    let (mut engines, checks) = (distinct(|figure| &figure.engine), distinct(|figure| &figure.check));
    engines.sort_by_key(|name| (name.starts_with("browser"), *name != "CPU", name.to_string()));
    let names: Vec<&str> = engines.iter().map(|name| name.as_str()).collect();
    let mut text = format!(
        "{ABOUT}\n| check | bound | {} |\n| --- | ---: |{}\n",
        names.join(" | "),
        " ---: |".repeat(names.len())
    );
    let mut checks = checks;
    checks.sort_by_key(|check| ORDER.iter().position(|known| known == check).unwrap_or(ORDER.len()));
    for check in checks {
        let of = |engine: &&String| figures.iter().find(|f| f.check == *check && f.engine == **engine);
        let cells: Vec<String> = engines
            .iter()
            .map(|engine| of(engine).map_or("–".into(), |figure| format!("{:.1e}", figure.value)))
            .collect();
        let bound = figures.iter().find(|f| f.check == *check).map_or(0.0, |figure| figure.bound);
        text += &format!("| {check} | {bound:.1e} | {} |\n", cells.join(" | "));
    }
    text
}

/// The checks in the page's order.
const ORDER: [&str; 9] = [
    "op laws",
    "single operations",
    "loss at given weights",
    "gradients at given weights",
    "gradients where a decision falls the other way",
    "50 recorded updates",
    "20 free steps, sgd",
    "20 free steps, adam",
    "100 free steps, five seeds",
];

const ABOUT: &str = "# How closely engines agree

Written by `cargo xtask test`, from what its tests found on the machine that ran them. A figure is the largest error of a check on an engine; the
test fails where one is beyond its bound, and so does the stage that writes this page where the page's bound was stricter before.

- *Op laws*: every op, in many shapes, against its definition in double precision, as a share of what rounding errors are in proportion to.
- All others are against PyTorch 2.15 (see `tests/fixtures/README.md`). *Single operations*: the same measure.
- *At given weights*: the reference CNN's loss and gradients for batches of 64 at recorded weights, against PyTorch's in double precision. A ReLU or a maximum may
  fall the other way than in double precision where two values are as good as equal; where that is shown, the gradients have a row of their own. (At
  the first recorded step PyTorch's single precision has such a maximum too.)
- *Recorded updates*: each optimizer's parameters after 50 steps of recorded gradients.
- *Free steps*: the losses of training by itself. Such training is chaotic: PyTorch drifts from itself, when the same sums are taken in another order, by up to 7.5e-2 within 100
  steps. The bound is three times that.
";

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "agreement|browser, WebGPU|op laws|6.4e-8|1e-5\nagreement|CPU|op laws|1e-8|1e-5
agreement|CPU|op laws|3e-8|1e-5\nagreement|CPU|other|2e-1|2.3e-1\n";

    #[test]
    fn the_page_has_the_largest_figures() {
        let page = page(&figures(LINES).unwrap());
        for row in [
            "| check | bound | CPU | browser, WebGPU |",
            "| op laws | 1.0e-5 | 3.0e-8 | 6.4e-8 |",
            "| other | 2.3e-1 | 2.0e-1 | – |",
        ] {
            assert!(page.lines().any(|line| line == row), "{row} is missing in\n{page}");
        }
    }

    #[test]
    fn figures_are_held_to_the_bounds_of_the_page() {
        let found = figures(LINES).unwrap();
        let page = page(&found);
        assert_eq!(hold(&page, &found), Ok(()));
        assert_eq!(hold("", &found), Ok(()));
        let stricter = page.replace("| op laws | 1.0e-5 |", "| op laws | 5.0e-8 |");
        assert!(hold(&stricter, &found).unwrap_err().contains("browser, WebGPU, op laws"));
        assert!(hold(&page, &figures("agreement|CPU|op laws|NaN|1e-5").unwrap()).is_err());
    }

    #[test]
    fn what_is_no_figure_is_said() {
        assert!(figures("agreement|CPU|x|1").unwrap_err().contains("no figure"));
        assert!(figures("").unwrap_err().contains("no figures"));
    }
}
