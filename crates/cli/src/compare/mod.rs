//! `convoke compare`.

mod draw;
mod entry;
mod progress;
mod report;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use convoke::plan::{Program, Role};
use convoke::prelude::{Event, Host, Outcome, Record, Trainer};
use convoke::summary::summary;
use convoke::{FolderStore, block_on};

use crate::device::{self, DeviceArgs};
use crate::failure::{Failure, Result};
use crate::status::Status;
use crate::train::{self, Prepared, interrupt};
use crate::{output, text};
use entry::Entry;
use progress::Progress;
use report::{Figures, Report};

/// Train several models under the same budget, and show what each reaches and costs
///
/// Each is trained on the same pictures, from the same seed, for the same number of steps or epochs or the same time, one after the other. A
/// table, compare.json and compare.svg then hold test accuracy against parameters, operations, speed and memory; the best are those that
/// no other beats in both.
///
/// Each run has its own folder in that of --out, as `train` writes it: `eval` takes its model, and `train --resume` goes on with it. After Ctrl-C
/// the same command goes on where it stopped; with a larger budget it goes further.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CompareArgs {
    /// What to train: presets or TOML files, each with options of `train` if it is quoted: "reference-cnn --optimizer adam"
    ///
    /// Presets: reference-cnn, mlp, lenet5, vgg11, resnet8, resnet20, resnet18, mobilenet-v2, convnext-atto.
    #[arg(value_name = "MODEL", required = true, num_args = 1..)]
    models: Vec<String>,

    /// Train each for so many steps [default: --epochs]
    #[arg(long, value_name = "N", allow_negative_numbers = true, group = "budget", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,

    /// Train each for so many epochs [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true, group = "budget", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,

    /// Train each for so long, testing left out: 90s, 5m, 1h; a schedule of the learning rate takes --steps or --epochs instead [default: --epochs]
    #[arg(long, value_name = "TIME", group = "budget", value_parser = duration)]
    time: Option<Duration>,

    /// The pictures, as for `train` [default: fashion-mnist-mini]
    #[arg(long, value_name = "D")]
    data: Option<String>,

    /// What the first weights and the order of the pictures follow from
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,

    #[command(flatten)]
    device: DeviceArgs,

    /// Where the runs are kept, with the table and the picture
    #[arg(long, value_name = "DIR", default_value = "runs/compare")]
    out: PathBuf,

    /// Print what compare.json holds instead of the table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  convoke compare mlp lenet5 reference-cnn resnet8 --epochs 3
  convoke compare net.toml wider.toml --data flowers/ --time 2m --out runs/width
  convoke compare \"reference-cnn --lr 0.01\" \"reference-cnn --optimizer adam\" --steps 500";

/// Reads a time: 90s, 5m, 1h, or a number of seconds.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, unit) = unit.unwrap_or((text, 1.0));
    match number.trim().parse::<f64>() {
        Ok(number) if number > 0.0 && number * unit < 1e9 => Ok(Duration::from_secs_f64(number * unit)),
        _ => Err("a time is a number above 0 with its unit, such as 90s, 5m or 1h".into()),
    }
}

/// What each may take.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// Steps.
    Steps(u64),
    /// Epochs.
    Epochs(u32),
    /// Time to train in.
    Time(Duration),
}

impl Budget {
    fn of(args: &CompareArgs) -> Self {
        match (args.steps, args.time) {
            (Some(steps), _) => Self::Steps(steps),
            (_, Some(time)) => Self::Time(time),
            _ => Self::Epochs(args.epochs.unwrap_or(5)),
        }
    }

    /// In words.
    fn words(self) -> String {
        match self {
            Self::Steps(steps) => format!("{} steps", text::grouped(steps)),
            Self::Epochs(1) => "1 epoch".into(),
            Self::Epochs(epochs) => format!("{epochs} epochs"),
            Self::Time(time) => text::time(time),
        }
    }

    /// The share of the budget that is used up.
    fn used(self, trainer: &Trainer, seconds: f64) -> f64 {
        match self {
            Self::Steps(_) | Self::Epochs(_) => trainer.progress().step as f64 / trainer.total_steps().max(1) as f64,
            Self::Time(time) => seconds / time.as_secs_f64(),
        }
    }
}

/// The exit code of a comparison that was told to stop before its end.
const STOPPED: u8 = 130;

/// Compares models.
pub fn run(args: &CompareArgs) -> Result<ExitCode> {
    let budget = Budget::of(args);
    let mut entries = args.models.iter().map(|text| Entry::read(text, args)).collect::<Result<Vec<Entry>>>()?;
    entry::distinguish(&mut entries)?;
    let store = FolderStore::create(&args.out)?;
    let mut report = Report::open(&store, args, budget)?;
    let stop = interrupt::watch()?;
    let count = entries.len();
    let mut outcome = Outcome::Finished;
    for (index, entry) in entries.iter().enumerate() {
        let before = report.figures(&entry.name).map_or(0.0, |figures| figures.seconds);
        let heading = format!("{} of {count}: {}", index + 1, entry.text);
        let figures;
        (figures, outcome) = train(entry, &args.out, budget, before, &heading, &stop)?;
        if !args.json {
            output::line(format!("{heading}: {}", figures.words()))?;
        }
        report.put(figures);
        report.keep(&store)?;
        if outcome == Outcome::Stopped {
            break;
        }
    }
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    report.draw(&store, &names)?;
    if args.json {
        output::json(&report)?;
    } else {
        output::text(&format!("\n{}", report.table(&names)))?;
        output::line(format!("kept in {}: compare.json, compare.svg, a folder for each run", args.out.display()))?;
    }
    if outcome == Outcome::Stopped {
        eprintln!("stopped; the same command goes on");
        return Ok(ExitCode::from(STOPPED));
    }
    Ok(ExitCode::SUCCESS)
}

/// Trains one until its budget is used up or someone says stop, and tests it. It has trained for `before` seconds already.
fn train(
    entry: &Entry,
    out: &Path,
    budget: Budget,
    before: f64,
    heading: &str,
    stop: &interrupt::Interrupt,
) -> Result<(Figures, Outcome)> {
    let status = Status::new();
    let Prepared { mut trainer, store, hold: _hold, .. } =
        entry.prepare(out, budget, &status).map_err(|e| e.at(&entry.text))?;
    status.clear();
    let used = Cell::new(budget.used(&trainer, before));
    let seconds = Cell::new(before);
    let mut progress = Progress::new(heading);
    let outcome = if used.get() >= 1.0 {
        Outcome::Finished
    } else {
        let (start, total) = (Instant::now(), trainer.total_steps().max(1));
        // Only the time between one step and the next counts: not tests, and not writing checkpoints.
        let mut last = start;
        let mut events = |event: &Event| {
            let now = Instant::now();
            if let Event::Record(Record::Step { step, loss, accuracy, .. }) = event {
                seconds.set(seconds.get() + (now - last).as_secs_f64());
                used.set(match budget {
                    Budget::Time(time) => seconds.get() / time.as_secs_f64(),
                    _ => *step as f64 / total as f64,
                });
                progress.step(used.get(), *loss, *accuracy);
            }
            last = now;
        };
        let over = || matches!(budget, Budget::Time(_)) && used.get() >= 1.0;
        let stop_now = || stop.asked() || over();
        let mut host = Host { store: &store, clock: &|| start.elapsed(), stop: &stop_now, events: &mut events };
        match block_on(trainer.run(&mut host)) {
            Ok(Outcome::Stopped) if !stop.asked() => Outcome::Finished,
            Ok(outcome) => outcome,
            Err(error) => return Err(Failure::from(error).at(&entry.text)),
        }
    };
    progress.clear();
    train::draw(&trainer, &store)?;
    Ok((figures(entry, &mut trainer, seconds.get())?, outcome))
}

/// What a run has reached, and what it costs.
fn figures(entry: &Entry, trainer: &mut Trainer, seconds: f64) -> Result<Figures> {
    let evaluation = block_on(trainer.evaluate())?;
    let capacity = trainer.micro_batch();
    let costs = summary(trainer.network(), capacity)?;
    let (progress, train) = (trainer.progress().clone(), trainer.data().train.len());
    let samples = u64::from(progress.epoch) * train as u64 + progress.position as u64;
    Ok(Figures {
        name: entry.name.clone(),
        command: entry.text.clone(),
        accuracy: evaluation.accuracy,
        loss: evaluation.loss,
        parameters: trainer.network().parameter_count(),
        forward_flops: costs.forward_flops,
        training_flops: costs.training_flops,
        bytes: trainer.devices().iter().map(|(_, program)| without_pictures(program)).sum(),
        samples_per_second: if seconds > 0.0 { samples as f64 / seconds } else { 0.0 },
        seconds,
        steps: progress.step,
        epochs: samples as f64 / train as f64,
        device: device::describe_all(&trainer.devices()),
    })
}

/// The bytes that a program takes on its device, apart from the dataset.
fn without_pictures(program: &Program) -> usize {
    let buffers = program.buffers.iter().filter(|buffer| !matches!(buffer.role, Role::Pixels | Role::Labels));
    buffers.map(|buffer| buffer.bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let seconds = |text| duration(text).map(|time| time.as_secs_f64());
        assert_eq!(seconds("90s"), Ok(90.0));
        assert_eq!(seconds("1.5m"), Ok(90.0));
        assert_eq!(seconds("1h"), Ok(3600.0));
        assert_eq!(seconds("250ms"), Ok(0.25));
        assert_eq!(seconds("20"), Ok(20.0));
        for wrong in ["", "s", "-1s", "0", "nan", "1e99h", "ten"] {
            assert!(seconds(wrong).unwrap_err().contains("90s"), "{wrong}");
        }
    }
}
