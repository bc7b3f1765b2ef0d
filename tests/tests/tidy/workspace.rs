//! What the checks look at, and how they report.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file of the repository.
pub struct Source {
    /// Its path from the root, with `/` between the parts.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A source that only a test of a check sees.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Whether it is a file of this extension.
    pub fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Whether it lies below a folder.
    pub fn is_below(&self, dir: &str) -> bool {
        self.path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The number of the first line that holds a text, or 1.
    pub fn line_of(&self, text: &str) -> usize {
        self.text.lines().position(|line| line.contains(text)).map_or(1, |index| index + 1)
    }
}

/// Something that a check does not allow.
#[derive(Debug, PartialEq)]
pub struct Violation {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Violation {
    /// A violation at a line of a file.
    pub fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Fails with all violations, if there are any.
#[track_caller]
pub fn expect_none(violations: Vec<Violation>) {
    let lines: String = violations.iter().map(|violation| format!("\n  {violation}")).collect();
    assert!(violations.is_empty(), "{} violation(s):{lines}\n", violations.len());
}

/// Fails unless the violations are at exactly these places, in this order.
#[track_caller]
pub fn expect_at(violations: Vec<Violation>, places: &[(&str, usize)]) {
    let found: Vec<(&str, usize)> = violations.iter().map(|v| (v.path.as_str(), v.line)).collect();
    assert_eq!(found, places, "{violations:#?}");
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the root's tests/").to_path_buf()
}

/// All text files of the repository, in the order of their paths. What is built, hidden, written by runs or by others is not among
/// them, except for the hidden folders that configure the repository.
pub fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root(), "", &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.iter().any(|s| s.path == "crates/core/src/lib.rs"), "the repository's sources were not found");
    sources
}

fn collect(dir: &Path, prefix: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let entry = entry.expect("a folder of the repository can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a file has a type");
        let built = matches!(name.as_str(), "target" | "runs" | "dist" | "pkg" | "node_modules" | "__pycache__");
        let skipped = built
            || name == "vendor"
            || name.starts_with('.') && !matches!(name.as_str(), ".ci" | ".cargo" | ".github" | ".gitignore");
        if kind.is_dir() && !skipped {
            collect(&entry.path(), &format!("{path}/"), sources);
        } else if kind.is_file() && !skipped {
            // What is not UTF-8 is a picture or weights.
            let bytes = fs::read(entry.path()).unwrap_or_else(|error| panic!("{path}: {error}"));
            sources.extend(String::from_utf8(bytes).ok().map(|text| Source { path, text }));
        }
    }
}

/// A crate of the workspace.
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, from the root.
    pub dir: String,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
}

/// What a crate depends on.
pub struct Dependency {
    /// The dependency's own name, whatever the crate calls it.
    pub name: String,
    /// Whether only tests, examples and benchmarks see it.
    pub dev: bool,
}

/// All crates of the workspace, as cargo understands their manifests.
pub fn packages() -> Vec<Package> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let root = root();
    let list = |value: &serde_json::Value| value.as_array().expect("a list").clone();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_string();
    let dependency = |value: &serde_json::Value| Dependency { name: text(&value["name"]), dev: value["kind"] == "dev" };
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let dir =
                manifest.parent().and_then(|dir| dir.strip_prefix(&root).ok()).expect("a crate lies below the root");
            Package {
                name: text(&package["name"]),
                dir: dir.to_string_lossy().replace('\\', "/"),
                dependencies: list(&package["dependencies"]).iter().map(dependency).collect(),
            }
        })
        .collect()
}

#[test]
fn the_workspace_is_seen_whole() {
    let packages = packages();
    let core = packages.iter().find(|package| package.dir == "crates/core").expect("core is a crate");
    assert_eq!(core.name, "convoke-core");
    assert!(core.dependencies.iter().any(|dependency| dependency.name == "thiserror" && !dependency.dev));
    let sources = sources();
    for package in &packages {
        assert!(sources.iter().any(|source| source.path == format!("{}/Cargo.toml", package.dir)), "{}", package.dir);
    }
    assert!(sources.iter().any(|source| source.path == ".ci/run"));
    assert!(sources.iter().all(|source| !source.is_below("target") && !source.is_below(".git")));
}

#[test]
#[should_panic(expected = "2 violation(s):\n  a.rs:1: first\n  b.rs:2: second")]
fn all_violations_are_reported_at_once() {
    expect_none(vec![Violation::new("a.rs", 1, "first"), Violation::new("b.rs", 2, "second")]);
}
