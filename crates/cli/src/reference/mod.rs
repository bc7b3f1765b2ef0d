//! docs/options.md: every option of every command, every key of a model's file, every setting of a layer, in one place. It is written from the
//! definitions themselves, and a test fails where it is out of date or where something is without a default, a value or a meaning.

mod keys;
mod layers;
mod values;

use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::Cli;

const HEAD: &str = "\
# Options

Every option of the command `convoke`, every key of a model's TOML file, and every setting of a layer. `cargo xtask docs` writes this page from the
program's own definitions; a test fails where it is out of date.

An option that is given on the command line overrides the model's file, and both override the default. An option, key, value or layer that there is not
is an error that names the nearest there is; so is one that contradicts another.
";

/// The page.
fn page() -> String {
    let mut page = HEAD.to_string();
    let commands = Cli::command();
    for command in commands.get_subcommands() {
        page += &section(command);
    }
    page += &keys::section();
    page += &layers::section();
    page
}

/// A command with its options, in tables by heading.
fn section(command: &Command) -> String {
    let name = command.get_name();
    let about = command.get_about().map_or(String::new(), ToString::to_string);
    let mut text = format!("\n## convoke {name}\n\n{about}.\n");
    let own = |arg: &&Arg| !matches!(arg.get_id().as_str(), "help" | "version");
    let mut headings: Vec<&str> = Vec::new();
    for arg in command.get_arguments().filter(own) {
        let heading = arg.get_help_heading().unwrap_or_default();
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    let in_file = name == "train";
    for heading in headings {
        let key = if in_file { "key in a model's file | " } else { "" };
        let (title, rule) = (if heading.is_empty() { "option" } else { heading }, if in_file { " --- |" } else { "" });
        text +=
            &format!("\n| {title} | value, unit, range | default | {key}meaning |\n| --- | --- | --- |{rule} --- |\n");
        for arg in
            command.get_arguments().filter(own).filter(|arg| arg.get_help_heading().unwrap_or_default() == heading)
        {
            let (default, meaning) = default_and_meaning(arg);
            let id = arg.get_id().as_str();
            let key = if in_file { format!("{} | ", keys::of(id)) } else { String::new() };
            text += &format!("| `{}` | {} | {default} | {key}{meaning} |\n", option(arg), cell(&value(arg)));
        }
    }
    text
}

/// How the option is written.
fn option(arg: &Arg) -> String {
    match arg.get_long() {
        None => arg.get_id().to_string().to_uppercase(),
        Some(long) => format!("--{long}"),
    }
}

/// What may stand behind the option.
fn value(arg: &Arg) -> String {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return "a switch".into();
    }
    let possible: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let several = arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.ends_with(",…")));
    match possible.is_empty() {
        true if several => format!("{}; several with commas", values::of(arg.get_id().as_str())),
        true => values::of(arg.get_id().as_str()).into(),
        false => possible.join(", "),
    }
}

/// The default and the meaning of an option, from its help.
fn default_and_meaning(arg: &Arg) -> (String, String) {
    let help = arg.get_help().map_or(String::new(), ToString::to_string);
    let (short, default) = match help.rsplit_once(" [default: ") {
        Some((short, default)) => (short, default.trim_end_matches(']').to_string()),
        None => (&*help, given_default(arg)),
    };
    let long = match arg.get_id().as_str() {
        "augment" => "See the table `[augment]` below for what there is.".into(),
        _ => arg.get_long_help().map_or(String::new(), ToString::to_string),
    };
    let rest = long.split_once("\n\n").map_or("", |(_, rest)| rest);
    let rest = if arg.get_id().as_str() == "augment" { &long } else { rest };
    let short = short.trim_end_matches('.');
    assert!(short.len() > 10, "{} has no meaning: give it a line of help", option(arg));
    (cell(&default), cell(&format!("{short}. {}", rest.split_whitespace().collect::<Vec<_>>().join(" "))))
}

/// The default of an option whose help doesn't say it.
fn given_default(arg: &Arg) -> String {
    let values: Vec<String> = arg.get_default_values().iter().map(|value| value.to_string_lossy().into()).collect();
    match arg.get_action() {
        ArgAction::SetTrue => "off".into(),
        _ if arg.is_required_set() => "required".into(),
        _ if !values.is_empty() => values.join(" "),
        _ => panic!("{} has no default: say it in its help as [default: …]", option(arg)),
    }
}

/// Text as a table's cell holds it.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_options_is_up_to_date() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/options.md");
        let page = page();
        if std::env::var_os("CONVOKE_WRITE_DOCS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        let differs = page.lines().zip(kept.lines().chain(std::iter::repeat(""))).find(|(now, then)| now != then);
        assert!(page == kept, "docs/options.md is out of date: run `cargo xtask docs`; first at {differs:?}");
    }

    #[test]
    fn values_are_listed_for_options_that_there_are() {
        let commands = Cli::command();
        let ids: Vec<&str> = commands
            .get_subcommands()
            .flat_map(|command| command.get_arguments().map(|arg| arg.get_id().as_str()))
            .collect();
        for id in values::all().chain(keys::options()) {
            assert!(ids.contains(&id), "no command has the option `{id}`");
        }
    }
}
