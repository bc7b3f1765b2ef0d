//! What no source may hold: too many lines, work left undone, or a path of one machine.

use crate::scan;
use crate::workspace::{Source, Violation};

/// The most lines of a source.
const MOST_LINES: usize = 600;

/// What is a source, by its extension.
const CODE: [&str; 8] = ["rs", "wgsl", "py", "sh", "js", "ts", "css", "html"];

/// Marks of work left undone; put together so that this file does not hold them.
const MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Folders in which people's own files lie.
const HOMES: [&str; 4] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

fn is_code(source: &Source) -> bool {
    CODE.iter().any(|extension| source.has_extension(extension))
}

/// Every source that is too long.
fn check_length(sources: &[Source]) -> Vec<Violation> {
    let long = sources.iter().filter(|source| is_code(source) && source.text.lines().count() > MOST_LINES);
    long.map(|source| {
        let lines = source.text.lines().count();
        let message = format!("{lines} lines, more than {MOST_LINES}: split it by purpose");
        Violation::new(&source.path, MOST_LINES + 1, message)
    })
    .collect()
}

/// Every mark of work left undone, every macro that stands for missing code and every test that is switched off.
fn check_done(sources: &[Source]) -> Vec<Violation> {
    sources
        .iter()
        .filter(|source| is_code(source))
        .flat_map(|source| marks(source).into_iter().chain(stubs(source)))
        .collect()
}

fn marks(source: &Source) -> Vec<Violation> {
    let is_marked =
        |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| MARKS.contains(&word));
    let lines = source.text.lines().enumerate().filter(|(_, line)| is_marked(line));
    lines
        .map(|(index, _)| {
            Violation::new(&source.path, index + 1, "work left undone: do it, or open an issue and drop the mark")
        })
        .collect()
}

fn stubs(source: &Source) -> Vec<Violation> {
    if !source.has_extension("rs") {
        return Vec::new();
    }
    let names = match scan::names(&source.text, true) {
        Ok(names) => names,
        Err(error) => return vec![Violation::new(&source.path, 1, error)],
    };
    names
        .iter()
        .filter_map(|name| {
            let advice = match name.parts.last()?.as_str() {
                "todo!" | "unimplemented!" => "stands for code that is missing: write it, or refuse with an error",
                "#[ignore]" => "a test that is switched off: mend it, or move it to those of the feature `soak`",
                _ => return None,
            };
            Some(Violation::new(&source.path, name.line, format!("`{}` {advice}", name.parts.join("::"))))
        })
        .collect()
}

/// Every absolute path into someone's own files, in any text.
fn check_paths(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            if let Some(home) = HOMES.iter().find(|home| has_path(line, home)) {
                let message =
                    format!("`{home}…` is a path of one machine: take it from the caller, or name it from the root");
                violations.push(Violation::new(&source.path, index + 1, message));
            }
        }
    }
    violations
}

/// Whether an absolute path that starts with `home` is in a line. In an address or a longer path it is none.
fn has_path(line: &str, home: &str) -> bool {
    let starts_there = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_-.~$}/*".contains(c));
    line.match_indices(home).any(|(at, _)| starts_there(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{expect_at, expect_none, sources};

    #[test]
    fn no_source_is_too_long() {
        expect_none(check_length(&sources()));
    }

    #[test]
    fn no_work_is_left_undone() {
        expect_none(check_done(&sources()));
    }

    #[test]
    fn no_path_is_of_one_machine() {
        expect_none(check_paths(&sources()));
    }

    #[test]
    fn a_long_source_is_seen() {
        let of = |lines: usize| Source::new("shaders/conv.wgsl", &"x\n".repeat(lines));
        expect_none(check_length(&[of(MOST_LINES), Source::new("a.txt", &"x\n".repeat(MOST_LINES + 1))]));
        expect_at(check_length(&[of(MOST_LINES + 1)]), &[("shaders/conv.wgsl", MOST_LINES + 1)]);
    }

    #[test]
    fn each_mark_and_stub_is_seen() {
        for mark in MARKS {
            let line = format!("let x = 1; // {mark}: y");
            expect_at(check_done(&[Source::new("a.rs", &format!("\n{line}"))]), &[("a.rs", 2)]);
            expect_at(check_done(&[Source::new("a.py", &format!("# {mark}"))]), &[("a.py", 1)]);
        }
        for stub in ["fn f() { todo!() }", "fn f() { std::unimplemented!(\"x\") }", "#[ignore] #[test] fn f() {}"] {
            expect_at(check_done(&[Source::new("a.rs", &format!("\n\n{stub}"))]), &[("a.rs", 3)]);
        }
        let good = "// METHOD; \"todo!()\"\n#[cfg_attr(x, y)] fn todo() -> bool { ignore != unimplemented }";
        expect_none(check_done(&[Source::new("a.rs", good)]));
    }

    #[test]
    fn each_path_of_one_machine_is_seen() {
        for home in HOMES {
            for line in [format!("cd {home}x"), format!("\"{home}x\""), format!("file://{home}x").replace("//", "= ")] {
                expect_at(check_paths(&[Source::new("a.md", &format!("\n{line}"))]), &[("a.md", 2)]);
            }
            expect_none(check_paths(&[Source::new("a.md", &format!("https://a.example{home}x and crates{home}x"))]));
        }
    }
}
