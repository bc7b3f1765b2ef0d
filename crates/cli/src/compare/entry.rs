//! One of the models that are compared: a name, and the options that it is trained with.

use std::collections::HashSet;
use std::path::Path;

use clap::{CommandFactory, Parser};

use super::{Budget, CompareArgs};
use crate::failure::{Failure, Result};
use crate::status::Status;
use crate::train::{self, Prepared, TrainArgs};
use crate::usage;

/// One of them.
#[derive(Debug)]
pub struct Entry {
    /// As it was written.
    pub text: String,
    /// The name of its folder.
    pub name: String,
    args: TrainArgs,
}

/// A model with options of `train`.
#[derive(Parser, Debug)]
#[command(no_binary_name = true)]
struct Written {
    #[command(flatten)]
    args: TrainArgs,
}

/// What is the same for all.
const COMMON: [&str; 13] = [
    "--data",
    "--seed",
    "--device",
    "--split",
    "--device-timeout",
    "--threads",
    "--epochs",
    "--max-steps",
    "--out",
    "--force",
    "--resume",
    "--show-augmented",
    "--help",
];

impl Entry {
    /// Reads an entry, and gives it what is the same for all.
    pub fn read(text: &str, common: &CompareArgs) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let is = |word: &&&str, option: &&str| *word == option || word.starts_with(&format!("{option}="));
        if let Some(option) = COMMON.iter().find(|option| words.iter().any(|word| is(&word, option))) {
            return Err(Failure::Usage(format!(
                "`{text}`: {option} is the same for all that are compared; give it behind them, or leave it out"
            )));
        }
        let written = Written::try_parse_from(&words).map_err(|error| {
            let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
            Failure::Usage(format!("`{text}`: {}", usage::explain(&error, &Written::command(), &words)))
        })?;
        let mut args = written.args;
        args.data.clone_from(&common.data);
        args.seed = Some(common.seed);
        args.device.clone_from(&common.device);
        Ok(Self { text: words.join(" "), name: folder_name(&words), args })
    }

    /// A run that is ready to go: a new one, or the one that its folder holds.
    pub fn prepare(&self, out: &Path, budget: Budget, status: &Status) -> Result<Prepared> {
        let folder = out.join(&self.name);
        let (epochs, steps) = match budget {
            // No epoch has fewer steps than one.
            Budget::Steps(steps) => (u32::try_from(steps).unwrap_or(u32::MAX), Some(steps)),
            Budget::Epochs(epochs) => (epochs, None),
            Budget::Time(_) => (u32::MAX, None),
        };
        let mut args = self.args.clone();
        (args.epochs, args.max_steps) = (Some(epochs), steps);
        if train::folder::holds_a_run(&folder)? {
            return train::resume(&args, None, &folder, status);
        }
        args.out = Some(folder);
        train::begin(&args, None, status)
    }
}

/// What a folder is called: the words that make the entry, without what a folder's name can't have.
fn folder_name(words: &[&str]) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let words = words.iter().map(|word| {
        let word = word.trim_start_matches("--").trim_end_matches(".toml");
        word.trim_matches(['.', '/']).chars().map(plain).collect::<String>()
    });
    words.collect::<Vec<String>>().join("_").chars().take(120).collect()
}

/// Checks that no two entries are the same.
pub fn distinguish(entries: &mut [Entry]) -> Result<()> {
    let mut names = HashSet::new();
    for entry in entries {
        if !names.insert(entry.name.clone()) {
            return Err(Failure::Usage(format!(
                "`{}` is there twice; give each a model or options of its own",
                entry.text
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_by_what_they_hold() {
        assert_eq!(folder_name(&["reference-cnn"]), "reference-cnn");
        assert_eq!(folder_name(&["nets/wide.toml", "--lr", "0.1", "--nesterov"]), "nets-wide_lr_0.1_nesterov");
        assert_eq!(folder_name(&["../a.toml"]), "a");
    }
}
