//! The command `convoke`: trains, evaluates, predicts and measures.

mod bench;
mod checkpoint;
mod compare;
mod curves;
mod data;
mod device;
mod devices;
mod eval;
mod failure;
mod matrix;
mod model;
mod output;
mod predict;
#[cfg(test)]
mod reference;
mod status;
mod summary;
mod table;
mod text;
mod train;
mod usage;

use std::process::ExitCode;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use failure::{Failure, Result};

/// Train convolutional neural networks on any GPU, or on the CPU.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  convoke train                                   train the reference network on the pictures inside
  convoke train --data flowers/                   train on your own: a folder for each class, pictures within
  convoke predict --checkpoint runs/…/model.safetensors rose.jpg
  convoke devices                                 what there is to compute on

Exit codes: 0 done; 1 it went wrong; 2 a wrong option or model; 130 stopped before the end, all saved.";

#[derive(Subcommand)]
enum Command {
    Train(Box<train::TrainArgs>),
    Eval(eval::EvalArgs),
    Predict(predict::PredictArgs),
    Devices(devices::DevicesArgs),
    Summary(summary::SummaryArgs),
    Compare(compare::CompareArgs),
    Bench(bench::BenchArgs),
}

fn main() -> ExitCode {
    keep_graphics_loader_quiet();
    match run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

/// Without a desktop session, the Vulkan loader's layer that orders adapters by the session's own prints an error to the
/// terminal for each look at the adapters. There is no session to order them by, so the layer is left out, unless its user
/// has told it what to choose.
fn keep_graphics_loader_quiet() {
    let given = |name: &str| std::env::var_os(name).is_some();
    if !["XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT"].into_iter().any(given) {
        // SAFETY: this is the first thing that the program does: no other thread is there that could read the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

fn run() -> Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong(&error),
    };
    match cli.command {
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Bench(args) => bench::run(&args),
    }
}

/// Reads a number of samples that a run may hold.
fn batch_size() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32).range(1..=1 << 16).map(|count| count as usize)
}

/// Help and version go out as they are; what is wrong with the options becomes one line.
fn wrong(error: &clap::Error) -> Result<ExitCode> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::text(&error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            eprint!("{error}");
            Ok(ExitCode::from(2))
        }
        _ => {
            let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into()).collect();
            Err(Failure::Usage(usage::explain(error, &Cli::command(), &words)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_sound() {
        Cli::command().debug_assert();
    }
}
