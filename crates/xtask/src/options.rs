//! What the command line asks for.

use crate::stages::STAGES;

/// What to do.
#[derive(Debug, PartialEq)]
pub enum Task {
    /// Print the help.
    Help,
    /// Install what the tests need.
    Setup,
    /// Install what `trunk serve` needs.
    SetupPage,
    /// Run these stages, named and in the order of [`STAGES`].
    Test(Vec<&'static str>),
    /// Run the tests that take long.
    Soak,
    /// Write the page of all options.
    Docs,
    /// List the files of the page's build.
    Stamp,
}

/// The help, with a line for each stage.
pub fn help() -> String {
    let stages: String = STAGES.iter().map(|s| format!("    {:<8} {}\n", s.name, s.about)).collect();
    format!(
        "\
Chores of the Convoke workspace.

Usage: cargo xtask <task>

Tasks:
    test     Install what the tests need and is missing, then run every stage below; stops at the first that fails
    setup    Only install what the tests need
    soak     Run the tests that take long, in release mode (not part of `test`)
    docs     Write docs/options.md and docs/scaling.md from the program itself
    stamp    List the files of the page's build for its service worker (`trunk build` runs this)
    help     Print this

Options of `test`:
    --only STAGE[,STAGE...]    Run these stages alone

Stages:
{stages}"
    )
}

/// Reads the command line, without the program's name.
pub fn parse(arguments: &[String]) -> Result<Task, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if words.iter().any(|word| matches!(*word, "-h" | "--help")) {
        return Ok(Task::Help);
    }
    match words.as_slice() {
        [] => Err("no task given".into()),
        ["help"] => Ok(Task::Help),
        ["setup"] => Ok(Task::Setup),
        ["setup", "page"] => Ok(Task::SetupPage),
        ["soak"] => Ok(Task::Soak),
        ["docs"] => Ok(Task::Docs),
        ["stamp"] => Ok(Task::Stamp),
        ["test"] => Ok(Task::Test(STAGES.iter().map(|s| s.name).collect())),
        ["test", "--only", list] => chosen(list),
        ["test", option] if option.starts_with("--only=") => chosen(&option["--only=".len()..]),
        ["test", "--only"] => Err("--only needs the names of stages, with commas between them".into()),
        [task @ ("setup" | "test" | "soak" | "docs" | "stamp" | "help"), rest @ ..] => {
            Err(format!("`{task}` takes no `{}`", rest.join(" ")))
        }
        [other, ..] => Err(format!("there is no task `{other}`")),
    }
}

/// The stages of a comma-separated list, in the order in which they run.
fn chosen(list: &str) -> Result<Task, String> {
    let asked: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if asked.is_empty() {
        return Err("--only needs the name of at least one stage".into());
    }
    if let Some(unknown) = asked.iter().find(|name| STAGES.iter().all(|s| s.name != **name)) {
        return Err(format!("there is no stage `{unknown}`"));
    }
    Ok(Task::Test(STAGES.iter().map(|s| s.name).filter(|name| asked.contains(name)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Task, String> {
        parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_plain_test_runs_every_stage() {
        let Ok(Task::Test(stages)) = parse_line("test") else { panic!("not a test task") };
        assert_eq!(stages.len(), STAGES.len());
        assert_eq!(stages[0], "setup");
    }

    #[test]
    fn chosen_stages_run_in_the_usual_order() {
        let expected = Ok(Task::Test(vec!["fmt", "clippy"]));
        assert_eq!(parse_line("test --only clippy,fmt"), expected);
        assert_eq!(parse_line("test --only=clippy,,fmt"), expected);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, named) in [
            ("", "no task"),
            ("tset", "`tset`"),
            ("test --only", "--only"),
            ("test --only ,", "at least one"),
            ("test --only fmt,lint", "`lint`"),
            ("setup now", "`now`"),
        ] {
            let message = parse_line(line).unwrap_err();
            assert!(message.contains(named), "`{line}` gave: {message}");
        }
    }

    #[test]
    fn help_lists_every_stage() {
        for stage in STAGES {
            assert!(help().contains(&format!("    {:<8} {}", stage.name, stage.about)));
        }
        assert_eq!(parse_line("test --help"), Ok(Task::Help));
        assert_eq!(parse_line("setup page"), Ok(Task::SetupPage));
    }
}
