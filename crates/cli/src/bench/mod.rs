//! `convoke bench`.

mod difference;
mod kernels;
mod report;
mod scaling;

use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Args;
use convoke::block_on;
use convoke::device::DevicesRequest;
use convoke::plan::{Flops, PlanKind, Program};
use convoke::prelude::{Dataset, Network, Normalization, Settings, Statistics, Trainer};
use convoke::train::{Engines, Split};

use crate::data::{CacheArgs, Source};
use crate::device::DeviceArgs;
use crate::failure::{Failure, Result};
use crate::model::{self, Input, Model};
use crate::output;
use crate::status::Status;
use report::{Memory, Report};

/// The version of Convoke that measures, by its commit where it was built in a repository.
const COMMIT: &str = env!("CONVOKE_COMMIT");

/// How often the speed is measured: what is told is the median.
const WINDOWS: usize = 5;

/// How many losses of a second run have to be those of the first, bit for bit.
const REPEATED: usize = 10;

/// Measure how fast a device trains a model
///
/// Whole training steps are timed, on the path that `train` takes, the pictures' way to the device included: the median of
/// five windows. Then each kernel is timed by itself, and held against what the device reaches at best in multiply-adds
/// and in copying, measured just before. Losses are checked: finite, and the same in a second run, bit for bit.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// What to train: a preset or a TOML file
    ///
    /// Presets: reference-cnn, mlp, lenet5, vgg11, resnet8, resnet20, resnet18, mobilenet-v2, convnext-atto.
    #[arg(value_name = "MODEL", default_value = model::DEFAULT)]
    model: String,

    /// Channels, height and width of the pictures, such as 3,64,64 [default: the model's]
    #[arg(long, value_name = "C,H,W")]
    input: Option<Input>,

    /// The pictures, as for `train` [default: fashion-mnist-mini]
    #[arg(long, value_name = "D")]
    data: Option<String>,

    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    device: DeviceArgs,

    /// Pictures of a step, from 1 to 65536
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = crate::batch_size())]
    batch_size: usize,

    /// How long to time training steps, in seconds above 0
    #[arg(long, value_name = "S", default_value_t = 10.0, allow_negative_numbers = true)]
    seconds: f64,

    /// Measure each of several devices alone, then the first two together, the first three, …: how much of the sum of their speeds is reached
    #[arg(long)]
    scaling: bool,

    /// Print one JSON object: samples_per_second, first_step_seconds, peak_bytes, kernels and more
    #[arg(long)]
    json: bool,

    /// Measure nothing; show what has changed from one report of --json to another by more than the noise [default: measure]
    #[arg(long, value_names = ["A.json", "B.json"], num_args = 2, conflicts_with_all = [
        "model", "input", "data", "CacheArgs", "DeviceArgs", "batch_size", "seconds", "scaling", "json",
    ])]
    compare: Option<Vec<PathBuf>>,
}

const EXAMPLES: &str = "\
Examples:
  convoke bench
  convoke bench --device gpu --batch-size 256
  convoke bench net.toml --seconds 30 --json > a.json
  convoke bench --compare a.json b.json              what has changed, beyond the noise
  convoke bench --device gpu:0,gpu:1,cpu --scaling   what they do alone and together";

/// What each trainer of a bench begins with.
struct Subject<'a> {
    args: &'a BenchArgs,
    network: Network,
    data: Rc<Dataset>,
    statistics: Statistics,
}

/// The figures of whole training steps.
struct Speed {
    /// Samples a second in each window, sorted.
    windows: Vec<f64>,
    /// Every loss, in the order of the steps.
    losses: Vec<f64>,
}

/// Measures.
pub fn run(args: &BenchArgs) -> Result<ExitCode> {
    if let Some([before, after]) = args.compare.as_deref() {
        output::text(&difference::describe(before, after)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !(args.seconds > 0.0 && args.seconds <= 86_400.0) {
        let problem = format!("--seconds is {}; it has to be above 0 and at most 86400, such as 10", args.seconds);
        return Err(Failure::Usage(problem));
    }
    let model = Model::find(&args.model, args.input)?;
    let source = Source::find(args.data.as_deref())?;
    let status = Status::new();
    let data = Rc::new(source.read(model.spec.input, &args.cache, &mut status.phase("reading pictures"))?);
    let network = model.build(data.classes.len())?;
    let statistics = Normalization::Dataset.resolve(&data, model.spec.input[0])?;
    let subject = Subject { args, network, data, statistics };

    if args.scaling {
        let report = scaling::scaling(&subject, &status)?;
        status.clear();
        if args.json {
            output::json(&report)?
        } else {
            output::text(&report.describe())?
        }
        return Ok(ExitCode::SUCCESS);
    }
    let start = Instant::now();
    let mut trainer = subject.trainer(subject.open()?, &status)?;
    let first = block_on(trainer.steps(1, &|| start.elapsed()))?;
    let first_step = start.elapsed();
    let speed = measure(&mut trainer, args.seconds, first, &status)?;
    let memory = Memory::of(&mut trainer);
    // Of several devices none runs the whole step by itself.
    let alone = trainer.shares().is_empty();
    let ceilings = if alone { block_on(trainer.session().engine_mut().ceilings())? } else { None };
    let kernels = if alone { kernels::measure(trainer.session(), ceilings.as_ref())? } else { None };
    let again = repeat(&subject, &speed.losses, &status)?;
    status.clear();
    let model = &subject.network.spec.name;
    let report = Report::new(model, &mut trainer, [first_step, again], &speed, memory, ceilings, kernels);
    if args.json {
        output::json(&report)?;
    } else {
        output::text(&report.describe())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Subject<'_> {
    fn open(&self) -> Result<Engines> {
        self.args.device.open(&DevicesRequest::default(), Split::default(), None)
    }

    fn trainer(&self, engines: Engines, status: &Status) -> Result<Trainer> {
        let settings = Settings { batch_size: self.args.batch_size, ..Settings::default() };
        let (network, data) = (self.network.clone(), self.data.clone());
        let mut progress = status.phase("preparing kernels");
        let (weights, note) = (None, String::new());
        let trainer =
            Trainer::new(engines, network, data, self.statistics.clone(), settings, weights, note, &mut progress);
        Ok(block_on(trainer)?)
    }
}

/// Times steps in windows, after a warm-up that says how many steps a window holds.
fn measure(trainer: &mut Trainer, seconds: f64, first: Vec<f64>, status: &Status) -> Result<Speed> {
    let window = seconds / WINDOWS as f64;
    let mut losses = first;
    let start = Instant::now();
    let clock = || start.elapsed();
    let (mut count, mut took) = (1, Duration::ZERO);
    while took.as_secs_f64() < window.min(1.0) / 2.0 {
        let before = clock();
        losses.extend(block_on(trainer.steps(count, &clock))?);
        took = clock() - before;
        count *= 2;
    }
    let steps = ((count / 2) as f64 * window / took.as_secs_f64()).round().max(1.0) as u64;
    let mut timing = status.phase("timing");
    let mut windows = Vec::new();
    for number in 0..WINDOWS {
        timing(number, WINDOWS);
        let (before, samples) = (clock(), samples(trainer));
        losses.extend(block_on(trainer.steps(steps, &clock))?);
        windows.push((self::samples(trainer) - samples) as f64 / (clock() - before).as_secs_f64());
    }
    windows.sort_by(f64::total_cmp);
    Ok(Speed { windows, losses })
}

/// How many samples a trainer has trained on.
fn samples(trainer: &mut Trainer) -> u64 {
    let each = trainer.data().train.len() as u64;
    u64::from(trainer.progress().epoch) * each + trainer.progress().position as u64
}

/// Trains anew for a few steps, and says how long the first took: a figure for steps that don't do the same again would mean nothing. Shares that are
/// measured are others each time, and so is the last bit.
fn repeat(subject: &Subject, losses: &[f64], status: &Status) -> Result<Duration> {
    let start = Instant::now();
    let mut trainer = subject.trainer(subject.open()?, status)?;
    let mut again = block_on(trainer.steps(1, &|| start.elapsed()))?;
    let first_step = start.elapsed();
    let steps = losses.len().min(REPEATED);
    again.extend(block_on(trainer.steps(steps as u64 - 1, &|| start.elapsed()))?);
    let tolerance = if trainer.shares().is_empty() { 0.0 } else { 1e-3 };
    let differs = losses.iter().zip(&again).position(|(a, b)| (a - b).abs() > tolerance * a.abs());
    match differs {
        None => Ok(first_step),
        Some(at) => Err(Failure::Run(format!(
            "the loss of step {} is {} in one run and {} in another: this device does not repeat itself, which is a defect of Convoke or of its driver",
            at + 1,
            losses[at],
            again[at]
        ))),
    }
}

/// The operations of a training step of `samples` samples.
fn training_flops(program: &Program, samples: usize) -> u64 {
    let plans = [PlanKind::Gradients, PlanKind::Update].map(|kind| program.plan(kind));
    let steps = plans.into_iter().flat_map(|plan| &plan.steps);
    steps.map(|step| step.kernel.flops()).fold(Flops::default(), |sum, flops| sum + flops).at(samples)
}
