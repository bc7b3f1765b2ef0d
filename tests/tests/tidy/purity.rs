//! What code of each crate may not name: the graphics library outside `gpu`, and files, threads, the clock and waiting
//! in what runs in a browser.

use crate::scan::{self, Name};
use crate::workspace::{Source, Violation};

/// What some folders' code may not name.
struct Rule {
    /// Which sources it is about.
    applies: fn(&Source) -> bool,
    /// Whether it is about tests too.
    tests_too: bool,
    /// Whether a name is forbidden.
    forbids: fn(&Name) -> bool,
    /// Why, and what to do.
    advice: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        applies: |source| {
            ["crates", "shaders", "tests"].iter().any(|dir| source.is_below(dir)) && !source.is_below("crates/gpu")
        },
        tests_too: true,
        forbids: |name| ["wgpu", "wgpu_core", "wgpu_hal", "wgpu_types"].iter().any(|part| name.has(part)),
        advice: "only crates/gpu names wgpu: give it a function that does this",
    },
    Rule {
        applies: |source| source.is_below("crates/core/src"),
        tests_too: false,
        forbids: |name| {
            let modules = ["fs", "io", "thread", "time", "net", "env", "process"];
            modules.iter().any(|module| name.starts_with(&["std", module]))
                || ["async", "tokio"].iter().any(|part| name.has(part))
        },
        advice: "core knows no files, threads, clock, environment or async: let the caller hand it what it needs",
    },
    Rule {
        applies: |source| BROWSER.iter().any(|dir| source.is_below(dir)),
        tests_too: false,
        forbids: |name| {
            ["fs", "thread", "net", "process"].iter().any(|module| name.starts_with(&["std", module]))
                || ["Instant", "SystemTime", "block_on"].iter().any(|part| name.has(part))
        },
        advice: "this runs in a browser, where there are no files, threads, clock or waiting: take a store, a clock or a \
                 future from the caller",
    },
];

/// What runs in a browser, beside core.
const BROWSER: [&str; 5] =
    ["crates/toml/src", "crates/gpu/src", "crates/data/src", "crates/formats/src", "crates/train/src"];

/// Every forbidden name in Rust sources.
fn check(sources: &[Source]) -> Vec<Violation> {
    let rust = sources.iter().filter(|source| source.has_extension("rs"));
    rust.flat_map(|source| RULES.iter().flat_map(|rule| check_one(source, rule))).collect()
}

fn check_one(source: &Source, rule: &Rule) -> Vec<Violation> {
    if !(rule.applies)(source) || !rule.tests_too && is_test_file(&source.path) {
        return Vec::new();
    }
    match scan::names(&source.text, rule.tests_too) {
        Err(error) => vec![Violation::new(&source.path, 1, error)],
        Ok(names) => names
            .iter()
            .filter(|name| (rule.forbids)(name))
            .map(|name| {
                Violation::new(&source.path, name.line, format!("`{}`: {}", name.parts.join("::"), rule.advice))
            })
            .collect(),
    }
}

/// Whether a file in `src` holds a module that is only compiled for tests.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/src/tests/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{expect_at, expect_none, sources};

    #[test]
    fn crates_name_only_what_they_may() {
        let sources = sources();
        for dir in BROWSER.iter().chain(&["crates/core/src", "crates/cpu/src"]) {
            assert!(
                sources.iter().any(|source| source.is_below(dir)),
                "{dir} has no sources: this check looks in vain"
            );
        }
        expect_none(check(&sources));
    }

    #[test]
    fn wgpu_outside_its_crate_is_seen() {
        let bad = "//! Not this wgpu.\nuse wgpu::Device;\n#[cfg(test)]\nmod tests {\n    use wgpu_types::Limits;\n}\n";
        let sources = [Source::new("crates/gpu/src/lib.rs", bad), Source::new("crates/cli/src/main.rs", bad)];
        expect_at(check(&sources), &[("crates/cli/src/main.rs", 2), ("crates/cli/src/main.rs", 5)]);
    }

    #[test]
    fn each_thing_that_core_may_not_name_is_seen() {
        let lines = [
            "use std::fs;",
            "use std::{io::Read, mem};",
            "fn a() { std::thread::spawn(|| ()); }",
            "fn b(now: std::time::Instant) {}",
            "async fn c() {}",
            "use tokio::task;",
            "use std::net::TcpStream;",
            "fn d() { std::env::var(\"X\").ok(); }",
        ];
        let source = Source::new("crates/core/src/graph.rs", &lines.join("\n"));
        let places: Vec<(&str, usize)> = (1..=lines.len()).map(|line| ("crates/core/src/graph.rs", line)).collect();
        expect_at(check(&[source]), &places);
        let good = "use std::future::Future;\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        expect_none(check(&[
            Source::new("crates/core/src/graph.rs", good),
            Source::new("crates/core/src/tests.rs", "use std::fs;"),
        ]));
    }

    #[test]
    fn each_thing_that_a_browser_lacks_is_seen() {
        let lines = [
            "use std::fs::File;",
            "use std::thread;",
            "let t = Instant::now();",
            "SystemTime::now();",
            "pollster::block_on(f);",
        ];
        for dir in BROWSER {
            let path = format!("{dir}/lib.rs");
            let places: Vec<(&str, usize)> = (1..=lines.len()).map(|line| (path.as_str(), line)).collect();
            expect_at(check(&[Source::new(&path, &lines.join("\n"))]), &places);
        }
        expect_none(check(&[Source::new("crates/cpu/src/lib.rs", &lines.join("\n"))]));
    }

    #[test]
    fn code_that_is_not_rust_is_seen() {
        expect_at(check(&[Source::new("crates/cli/src/main.rs", "fn main( {")]), &[("crates/cli/src/main.rs", 1)]);
    }
}
