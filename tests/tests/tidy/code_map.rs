//! ARCHITECTURE.md's code map names every crate and every kernel.

use std::collections::HashSet;

use crate::workspace::{Package, Source, Violation};

/// Where the map is.
const FILE: &str = "ARCHITECTURE.md";

/// Every crate's folder and every kernel's stem that the map lacks. They count where they stand as code: in backticks
/// or in a fenced block, below the heading "Code map" and above the next one of its level.
fn check(packages: &[Package], stems: &[&str], sources: &[Source]) -> Vec<Violation> {
    let Some(source) = sources.iter().find(|source| source.path == FILE) else {
        return vec![Violation::new(FILE, 1, "there is no such file: write it, with a section \"Code map\"")];
    };
    let Some((line, section)) = section(&source.text, "code map") else {
        return vec![Violation::new(
            FILE,
            1,
            "there is no section \"Code map\": write it, with every crate and kernel",
        )];
    };
    let words = words_in_code(&section);
    let crates = packages.iter().map(|package| ("crate", package.dir.as_str()));
    let kernels = stems.iter().map(|stem| ("kernel", *stem));
    crates
        .chain(kernels)
        .filter(|(_, name)| !words.contains(*name))
        .map(|(kind, name)| {
            Violation::new(
                FILE,
                line,
                format!("the code map lacks {kind} `{name}`: add it, in backticks, with what it is for"),
            )
        })
        .collect()
}

/// The lines below a heading of this text up to the next heading of its level or above, with the heading's line number.
fn section(text: &str, title: &str) -> Option<(usize, String)> {
    let mut fenced = false;
    let mut found: Option<(usize, usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        match &mut found {
            None if level > 0 && !fenced && line.to_lowercase().contains(title) => {
                found = Some((index + 1, level, String::new()))
            }
            Some((_, own, _)) if level > 0 && level <= *own && !fenced => break,
            Some((_, _, lines)) => *lines += &format!("{line}\n"),
            None => {}
        }
    }
    found.map(|(line, _, lines)| (line, lines))
}

/// The words in code spans and fenced blocks: runs of letters, digits, `_`, `-` and `/`, without a `/` at the end.
fn words_in_code(text: &str) -> HashSet<&str> {
    let not_in_word = |c: char| !(c.is_alphanumeric() || "_-/".contains(c));
    let code = text.split('`').skip(1).step_by(2).filter(|span| !span.is_empty());
    let fenced = text.split("```").skip(1).step_by(2);
    code.chain(fenced).flat_map(|code| code.split(not_in_word)).map(|word| word.trim_end_matches('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::STEMS;
    use crate::workspace::{expect_at, expect_none, packages, sources};

    #[test]
    fn every_crate_and_kernel_is_in_the_code_map() {
        expect_none(check(&packages(), STEMS, &sources()));
    }

    fn violations(architecture: &str) -> Vec<Violation> {
        let package = Package { name: "convoke-core".into(), dir: "crates/core".into(), dependencies: Vec::new() };
        check(&[package], &["map"], &[Source::new(FILE, architecture)])
    }

    #[test]
    fn names_count_as_code_in_the_map_alone() {
        expect_none(violations("# A\n## Code map\n`crates/core/` is the core; `map` is a kernel.\n"));
        expect_none(violations("## Code map\n```\ncrates/core   # this is no heading\nmap\n```\n## Next\n"));
        expect_none(violations("## Code map\n```\nx\n```\n`crates/core`, ### not\n### Kernels\n`map`\n"));
    }

    #[test]
    fn what_the_map_lacks_is_seen() {
        expect_at(violations("# A\n## Code map\n`crates/core`; map\n"), &[(FILE, 2)]);
        expect_at(violations("# A\n\n## Code map\n`map`\n## Later\n`crates/core`\n"), &[(FILE, 3)]);
        expect_at(violations("## Code map\n`crates/core/src` `map_reduce`\n"), &[(FILE, 1), (FILE, 1)]);
        expect_at(violations("`crates/core` `map`\n"), &[(FILE, 1)]);
        expect_at(check(&[], &[], &[]), &[(FILE, 1)]);
    }
}
