//! Dependencies run one way, and only where ARCHITECTURE.md draws an arrow.

use crate::workspace::{Package, Source, Violation};

/// The crates of the workspace that each may depend on, in tests too.
const ARROWS: &[(&str, &[&str])] = &[
    ("convoke-shaders", &[]),
    ("crc32fast", &[]),
    ("convoke-toml", &[]),
    ("convoke-core", &["convoke-shaders", "convoke-toml"]),
    ("convoke-gpu", &["convoke-shaders", "convoke-core"]),
    ("convoke-cpu", &["convoke-core"]),
    ("convoke-data", &["convoke-core"]),
    ("convoke-formats", &["convoke-core"]),
    ("convoke-train", &["convoke-toml", "convoke-core", "convoke-data", "convoke-formats"]),
    ("convoke", LIBRARIES),
    ("convoke-cli", ALL),
    ("convoke-tests", ALL),
    ("convoke-web", &["convoke", "convoke-toml", "convoke-tests"]),
    ("xtask", &[]),
];

const LIBRARIES: &[&str] = &[
    "convoke-shaders",
    "convoke-toml",
    "convoke-core",
    "convoke-gpu",
    "convoke-cpu",
    "convoke-data",
    "convoke-formats",
    "convoke-train",
];

const ALL: &[&str] = &[
    "convoke-shaders",
    "convoke-toml",
    "convoke-core",
    "convoke-gpu",
    "convoke-cpu",
    "convoke-data",
    "convoke-formats",
    "convoke-train",
    "convoke",
];

/// Crates that run in a browser, and what none of them may depend on but for tests: threads, executors, files.
const BROWSER: &[&str] =
    &["crc32fast", "convoke-toml", "convoke-core", "convoke-gpu", "convoke-data", "convoke-formats", "convoke-train"];
const NATIVE: &[&str] = &["rayon", "tokio", "async-std", "smol", "pollster", "memmap2", "num_cpus"];

/// Every dependency that runs where it may not. Manifests are looked up in `sources`, for the lines.
fn check(packages: &[Package], sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in packages {
        let manifest = format!("{}/Cargo.toml", package.dir);
        let line_of = |text: &str| sources.iter().find(|s| s.path == manifest).map_or(1, |source| source.line_of(text));
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            let message = format!(
                "{} is not among ARROWS in tests/tests/tidy/dependencies.rs: draw it there and in ARCHITECTURE.md",
                package.name
            );
            violations.push(Violation::new(&manifest, 1, message));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let ours = ARROWS.iter().any(|(ours, _)| *ours == name);
            let message = if ours && !allowed.contains(&name) {
                format!("{} may not depend on {name}: move what both need to a crate below them", package.name)
            } else if name.starts_with("wgpu") && package.name != "convoke-gpu" {
                format!("only convoke-gpu depends on {name}: give it a function that does this")
            } else if name.starts_with("wasm-bindgen") && package.name != "convoke-web" {
                format!("only convoke-web depends on {name}: let the caller do what needs JavaScript")
            } else if BROWSER.contains(&package.name.as_str()) && NATIVE.contains(&name) && !dependency.dev {
                format!("{} runs in a browser, where {name} does not: let the caller do it", package.name)
            } else {
                continue;
            };
            violations.push(Violation::new(&manifest, line_of(name), message));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Dependency, expect_at, expect_none, packages, sources};

    fn package(name: &str, dir: &str, dependencies: &[(&str, bool)]) -> Package {
        let dependencies = dependencies.iter().map(|&(name, dev)| Dependency { name: name.into(), dev }).collect();
        Package { name: name.into(), dir: dir.into(), dependencies }
    }

    #[test]
    fn dependencies_run_as_drawn() {
        let packages = packages();
        for (name, _) in ARROWS {
            assert!(packages.iter().any(|package| package.name == *name), "ARROWS draws {name}, which is no crate");
        }
        expect_none(check(&packages, &sources()));
    }

    #[test]
    fn arrows_have_no_cycle() {
        let mut left: Vec<_> = ARROWS.to_vec();
        while !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
            let before = left.len();
            left.retain(|(_, below)| below.iter().any(|name| names.contains(name)));
            assert!(left.len() < before, "a cycle among {names:?}");
        }
    }

    #[test]
    fn a_dependency_against_the_arrows_is_seen() {
        let manifest = "[dependencies]\nconvoke-core.workspace = true\nconvoke-gpu.workspace = true\n";
        let sources = [Source::new("crates/train/Cargo.toml", manifest)];
        for dev in [false, true] {
            let train = package("convoke-train", "crates/train", &[("convoke-core", false), ("convoke-gpu", dev)]);
            expect_at(check(&[train], &sources), &[("crates/train/Cargo.toml", 3)]);
        }
        for name in ["convoke", "convoke-tests", "convoke-train"] {
            expect_at(check(&[package(name, "x", &[("convoke-cli", false)])], &[]), &[("x/Cargo.toml", 1)]);
        }
    }

    #[test]
    fn wgpu_outside_its_crate_is_seen() {
        expect_at(
            check(&[package("convoke-cli", "crates/cli", &[("wgpu", false)])], &[]),
            &[("crates/cli/Cargo.toml", 1)],
        );
        expect_none(check(&[package("convoke-gpu", "crates/gpu", &[("wgpu", false)])], &[]));
    }

    #[test]
    fn native_helpers_in_a_browser_crate_are_seen() {
        expect_at(check(&[package("convoke-data", "d", &[("rayon", false)])], &[]), &[("d/Cargo.toml", 1)]);
        expect_none(check(
            &[package("convoke-data", "d", &[("rayon", true)]), package("convoke-cpu", "c", &[("rayon", false)])],
            &[],
        ));
    }

    #[test]
    fn a_crate_without_arrows_is_seen() {
        expect_at(check(&[package("convoke-new", "new", &[])], &[]), &[("new/Cargo.toml", 1)]);
    }

    #[test]
    fn wasm_bindgen_is_seen() {
        let package = |name: &str, dir: &str| package(name, dir, &[("wasm-bindgen-futures", false)]);
        expect_at(check(&[package("convoke-gpu", "g")], &[]), &[("g/Cargo.toml", 1)]);
        expect_none(check(&[package("convoke-web", "web")], &[]));
    }
}
