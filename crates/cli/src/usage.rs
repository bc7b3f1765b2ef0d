//! What is wrong with the options, in one line that names what would be right.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use convoke::nearest::closest;

/// What is wrong with `words`, the arguments of `command` without its name.
pub fn explain(error: &Error, command: &Command, words: &[String]) -> String {
    let command = words.iter().find_map(|word| command.find_subcommand(word)).unwrap_or(command);
    let text = |kind| error.get(kind).and_then(one);
    let problem = match error.kind() {
        ErrorKind::UnknownArgument => text(ContextKind::InvalidArg).and_then(|name| unknown(name, command)),
        ErrorKind::InvalidValue => invalid(error),
        ErrorKind::InvalidSubcommand => text(ContextKind::InvalidSubcommand).map(|name| {
            let names = command.get_subcommands().map(Command::get_name);
            format!("there is no command `{name}`; {}", nearest(name, names))
        }),
        ErrorKind::ArgumentConflict => conflict(error, words),
        _ => None,
    };
    format!("{}; see `convoke help`", problem.unwrap_or_else(|| one_line(&error.to_string())))
}

/// What other trainers call an option, which none of its letters may tell.
const ELSEWHERE: [(&str, &str); 16] = [
    ("--betas", "--beta1"),
    ("--dataset", "--data"),
    ("--early-stopping", "--patience"),
    ("--eta-min", "--minimum"),
    ("--grad-clip", "--clip-norm"),
    ("--gradient-accumulation", "--accumulate"),
    ("--learning-rate", "--lr"),
    ("--output", "--out"),
    ("--pct-start", "--rise"),
    ("--pretrained", "--init"),
    ("--rho", "--alpha"),
    ("--scheduler", "--schedule"),
    ("--step-size", "--every"),
    ("--transforms", "--augment"),
    ("--wd", "--weight-decay"),
    ("--workers", "--threads"),
];

/// An option that there is not.
fn unknown(name: &str, command: &Command) -> Option<String> {
    let options: Vec<String> =
        command.get_arguments().filter_map(|option| Some(format!("--{}", option.get_long()?))).collect();
    let own = if command.has_subcommands() { &["--help", "--version"][..] } else { &["--help"] };
    let known: Vec<&str> = options.iter().map(String::as_str).chain(own.iter().copied()).collect();
    let elsewhere = ELSEWHERE.iter().find(|(other, here)| *other == name && known.contains(here));
    let meant = match elsewhere {
        Some((_, here)) => format!("did you mean `{here}`?"),
        None => nearest(name, known.into_iter()),
    };
    name.starts_with("--").then(|| format!("there is no option `{name}`; {meant}"))
}

/// A value that is none of an option's.
fn invalid(error: &Error) -> Option<String> {
    let (name, value) = (one(error.get(ContextKind::InvalidArg)?)?, one(error.get(ContextKind::InvalidValue)?)?);
    let Some(ContextValue::Strings(known)) = error.get(ContextKind::ValidValue) else { return None };
    let nearest = nearest(value, known.iter().map(String::as_str));
    // A value that is missing is not near to any.
    let wrong = format!("`{value}` is no value of {name}; {nearest} There are {}", known.join(", "));
    (!value.is_empty() && !known.is_empty()).then_some(wrong)
}

/// Options that can't be given together. Of a group, those that are not there have nothing to do with it.
fn conflict(error: &Error, words: &[String]) -> Option<String> {
    let name = one(error.get(ContextKind::InvalidArg)?)?;
    let Some(ContextValue::Strings(others)) = error.get(ContextKind::PriorArg) else { return None };
    let given = |option: &&String| {
        let option = option.split_whitespace().next().unwrap_or_default();
        words.iter().any(|word| word == option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')))
    };
    let given: Vec<String> = others.iter().filter(given).cloned().collect();
    (!given.is_empty()).then(|| format!("the argument '{name}' cannot be used with {}", given.join(", ")))
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    closest(name, known, 1).first().map_or_else(String::new, |near| format!("did you mean `{near}`?"))
}

fn one(value: &ContextValue) -> Option<&str> {
    match value {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// What the standard library says of texts that are no numbers, and what it means.
const NUMBERS: [(&str, &str); 6] = [
    ("invalid digit found in string", "it has to be a whole number, 0 or more"),
    ("invalid float literal", "it has to be a number"),
    ("number too large to fit in target type", "that is too large"),
    ("number would be zero for non-zero type", "it can't be zero"),
    ("cannot parse integer from empty string", "it is empty"),
    ("cannot parse float from empty string", "it is empty"),
];

/// The first paragraphs of clap's message, without its own prefix and the usage below.
fn one_line(message: &str) -> String {
    let lines = message.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let text = words.join(" ").replace(" tip: ", "; ");
    let text = NUMBERS.iter().fold(text, |text, (said, meant)| text.replace(said, meant));
    text.strip_prefix("error: ").unwrap_or(&text).into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    fn problem(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(String::from).collect();
        let command = Cli::command();
        let error = command.clone().no_binary_name(true).try_get_matches_from(&words).unwrap_err();
        explain(&error, &command, &words)
    }

    #[test]
    fn names_from_elsewhere_stand_for_options_that_there_are() {
        let train = Cli::command().find_subcommand("train").unwrap().clone();
        for (other, here) in ELSEWHERE {
            let there = |name: &str| train.get_arguments().any(|option| option.get_long() == name.strip_prefix("--"));
            assert!(there(here) && !there(other), "{other} {here}");
        }
    }

    #[test]
    fn a_wrong_option_is_told_in_one_line_with_the_nearest_that_there_is() {
        for (line, expected) in [
            ("eval", "the following required arguments were not provided: --checkpoint <FILE>; see `convoke help`"),
            ("train --epoch 3", "there is no option `--epoch`; did you mean `--epochs`?; see `convoke help`"),
            ("bench --second 3", "there is no option `--second`; did you mean `--seconds`?; see `convoke help`"),
            (
                "train --learning-rate 3",
                "there is no option `--learning-rate`; did you mean `--lr`?; see `convoke help`",
            ),
            ("trian", "there is no command `trian`; did you mean `train`?; see `convoke help`"),
            (
                "train --best acuracy",
                "`acuracy` is no value of --best <METRIC>; did you mean `accuracy`? There are accuracy, loss; see `convoke help`",
            ),
            (
                "train --resume x --beta1 0.5",
                "the argument '--resume <DIR>' cannot be used with --beta1 <X>; see `convoke help`",
            ),
            (
                "train --epochs 2.5",
                "invalid value '2.5' for '--epochs <N>': it has to be a whole number, 0 or more; see `convoke help`",
            ),
        ] {
            assert_eq!(problem(line), expected);
        }
    }
}
