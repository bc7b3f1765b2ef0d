//! `convoke train`.

mod args;
pub mod folder;
pub mod interrupt;
mod sheet;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use convoke::device::{DeviceRequest, DevicesRequest};
use convoke::engine::DeviceKind;
use convoke::optim::{OptimizerKind, OptimizerOptions};
use convoke::prelude::{Checkpoint, Dataset, Host, Outcome, Settings, Store, TrainError, Trainer};
use convoke::train::{Best, Engines, Metric, ScheduleKind, Split, Transfer, transfer};
use convoke::{FolderStore, Trace, block_on};
use serde::{Deserialize, Serialize};

use crate::checkpoint::read_tensors;
use crate::data::Source;
use crate::failure::{Failure, Result};
use crate::model::Model;
use crate::status::Status;
use crate::{curves, device, model, output, text};
pub use args::TrainArgs;
use folder::{Hold, RunFolder};
use watch::Watch;

/// What a checkpoint keeps for this command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    /// The dataset, by its lasting name.
    data: String,
    /// `cpu`, or the adapter's name.
    device: String,
    /// All devices, as they were asked for, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    devices: Vec<String>,
    /// How the batch is split over them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    split: String,
}

impl Note {
    fn new(source: &Source, engines: &Engines, devices: &DevicesRequest, split: &Split) -> Self {
        let info = engines.infos()[0];
        let device = if info.kind == DeviceKind::Cpu { "cpu".into() } else { info.name.clone() };
        let data = source.lasting_name();
        if engines.infos().len() == 1 {
            return Self { data, device, devices: Vec::new(), split: String::new() };
        }
        let devices = block_on(devices.each()).iter().map(ToString::to_string).collect();
        Self { data, device, devices, split: split.to_string() }
    }

    /// The devices and how they share, as they were.
    fn devices(&self) -> Result<(DevicesRequest, Split)> {
        let single = std::slice::from_ref(&self.device);
        let texts = if self.devices.is_empty() { single } else { self.devices.as_slice() };
        let requests = texts.iter().map(|text| text.parse::<DeviceRequest>()).collect::<std::result::Result<_, _>>()?;
        Ok((DevicesRequest::These(requests), self.split.parse().unwrap_or_default()))
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }
}

/// A run that is ready to go, and where it is kept.
pub struct Prepared {
    /// The run.
    pub trainer: Trainer,
    /// Its folder.
    pub store: FolderStore,
    /// For as long as the run lasts.
    pub hold: Hold,
    /// What a new run did not take of the weights that it was given.
    pub left_out: Option<String>,
}

/// Trains a model.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    let status = Status::new();
    if let Some(path) = &args.show_augmented {
        return show_augmented(args, path, &status);
    }
    let profile = args.profile.begin()?;
    let Prepared { mut trainer, store, hold: _hold, left_out } = match &args.resume {
        Some(folder) => resume(args, profile.trace(), folder, &status)?,
        None => begin(args, profile.trace(), &status)?,
    };
    status.clear();
    match introduce(&mut trainer, &store, left_out.as_deref()) {
        // Nobody listens any more: that stops a run, here before its first step.
        Err(Failure::Closed) => return Ok(ExitCode::from(STOPPED)),
        introduced => introduced?,
    }
    let stop = interrupt::watch()?;
    let mut watch = Watch::new(&mut trainer);
    let start = Instant::now();
    let before = trainer.progress().step;
    let result = {
        let closed = watch.closed();
        let mut row = profile.trace().map(Trace::trainer);
        let mut events = |event: &_| {
            row.iter_mut().for_each(|row| row.event(event));
            watch.event(event);
        };
        let stop = || stop.asked() || closed.get();
        let mut host = Host { store: &store, clock: &|| start.elapsed(), stop: &stop, events: &mut events };
        block_on(trainer.run(&mut host))
    };
    watch.clear();
    profile.write()?;
    let drawn = match result {
        Ok(_) | Err(TrainError::NotFinite { .. } | TrainError::NoneLeft { .. }) => draw(&trainer, &store),
        Err(_) => Ok(()),
    };
    let outcome = result?;
    drawn?;
    match conclude(&trainer, &store, outcome, trainer.progress().step - before, start) {
        Err(Failure::Closed) => {}
        concluded => concluded?,
    }
    Ok(if outcome == Outcome::Stopped { ExitCode::from(STOPPED) } else { ExitCode::SUCCESS })
}

/// The exit code of a run that was told to stop before its end.
const STOPPED: u8 = 130;

/// Prepares a new run. Nothing is written before all is sound.
pub fn begin(args: &TrainArgs, trace: Option<&Trace>, status: &Status) -> Result<Prepared> {
    let model = Model::find(args.model.as_deref().unwrap_or(model::DEFAULT), args.input)?;
    let settings = args.settings(model.settings.clone())?;
    let source = Source::find(args.data.as_deref())?;
    let init = args.init.as_deref().map(read_tensors).transpose()?;
    let folder = RunFolder::choose(args.out.as_deref(), &model.spec.name, args.force)?;
    let (devices, split) =
        (args.device.device.clone().unwrap_or_default(), args.device.split.clone().unwrap_or_default());
    let engines = args.device.open(&devices, split.clone(), trace)?;
    let data = source.read(model.spec.input, &args.cache, &mut status.phase("reading pictures"))?;
    let network = model.build(data.classes.len())?;
    let statistics = args.normalize.clone().unwrap_or_default().resolve(&data, model.spec.input[0])?;
    let given = init.map(|file| transfer(&network, &init_name(args), file, settings.seed)).transpose()?;
    let left_out = given.as_ref().and_then(|given| left_out(given, &init_name(args), data.classes.len()));
    let note = Note::new(&source, &engines, &devices, &split).text();
    let (data, weights) = (Rc::new(data), given.map(|given| given.weights));
    let mut progress = status.phase("preparing kernels");
    let trainer = Trainer::new(engines, network, data, statistics, settings, weights, note, &mut progress);
    let trainer = block_on(trainer)?;
    let (store, hold) = folder.make()?;
    Ok(Prepared { trainer, store, hold, left_out })
}

/// What was not taken of given weights, and why.
fn left_out(given: &Transfer, file: &str, classes: usize) -> Option<String> {
    let tensors: Vec<String> = given.left_out.iter().map(|(name, dims)| format!("{name} {dims:?}")).collect();
    let all = tensors.join(" and ");
    let line = || {
        format!("new, for {classes} classes: {all} of {file} tell another number of classes apart, and are left out")
    };
    (!tensors.is_empty()).then(line)
}

/// Writes a sheet of changed pictures instead of training.
fn show_augmented(args: &TrainArgs, path: &Path, status: &Status) -> Result<ExitCode> {
    let model = Model::find(args.model.as_deref().unwrap_or(model::DEFAULT), args.input)?;
    let settings = args.settings(model.settings)?;
    let input = model.spec.input;
    settings.augment.check_size([input[1], input[2]])?;
    let data = Source::find(args.data.as_deref())?.read(input, &args.cache, &mut status.phase("reading pictures"))?;
    let statistics = args.normalize.clone().unwrap_or_default().resolve(&data, input[0])?;
    status.clear();
    output::line(sheet::write(path, &data, &settings, &statistics)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What messages call the file of `--init`.
fn init_name(args: &TrainArgs) -> String {
    args.init.as_ref().map_or(String::new(), |path| path.display().to_string())
}

/// Prepares a run to go on where its last checkpoint was taken.
pub fn resume(args: &TrainArgs, trace: Option<&Trace>, folder: &Path, status: &Status) -> Result<Prepared> {
    let store = FolderStore::open(folder)?;
    let hold = Hold::take(folder)?;
    let place = folder.display().to_string();
    let mut checkpoint = block_on(Checkpoint::newest(&store, &place))?;
    let note: Note = serde_json::from_str(&checkpoint.note).map_err(|_| {
        let problem = "another program has written its checkpoints; start a run of your own with --init";
        Failure::Run(format!("can't resume {place}: {problem}"))
    })?;
    args.change(&mut checkpoint.settings)?;
    let source = Source::find(Some(args.data.as_ref().unwrap_or(&note.data)))?;
    let (devices, split) = note.devices()?;
    let devices = args.device.device.clone().unwrap_or(devices);
    // A ratio is for as many devices as it was given for.
    let same = args.device.device.is_none() || !matches!(split, Split::Ratio(_));
    let split = args.device.split.clone().unwrap_or(if same { split } else { Split::Auto });
    let engines = args.device.open(&devices, split.clone(), trace)?;
    let data = source.read(checkpoint.model.spec.input, &args.cache, &mut status.phase("reading pictures"))?;
    checkpoint.note = Note::new(&source, &engines, &devices, &split).text();
    let mut progress = status.phase("preparing kernels");
    let trainer = block_on(Trainer::resume(engines, Rc::new(data), checkpoint, &mut progress))?;
    Ok(Prepared { trainer, store, hold, left_out: None })
}

/// Says what is trained, on what, where.
fn introduce(trainer: &mut Trainer, store: &FolderStore, left_out: Option<&str>) -> Result<()> {
    let settings = trainer.settings().clone();
    let Settings { optimizer, seed, augment, .. } = &settings;
    let (batch, held, early) = (trainer.step_samples(), trainer.micro_batch(), trainer.stopped_early());
    let [train, validation] = trainer.split().map(|count| text::grouped(count as u64));
    let (total, done) = (trainer.total_steps(), trainer.progress().step);
    let (devices, shares) = (trainer.devices(), trainer.shares());
    let data: &Dataset = trainer.data();
    let test = text::grouped(data.test.len() as u64);
    let validation = if settings.validation > 0.0 { format!("{validation} to validate with, ") } else { String::new() };
    let parameters = text::grouped(trainer.network().parameter_count() as u64);
    output::line(format!(
        "data    {train} pictures to train on, {validation}{test} to test on, {} classes",
        data.classes.len()
    ))?;
    output::line(format!("model   {parameters} parameters; {}; seed {seed}", describe(*optimizer)))?;
    if let Some(left_out) = left_out {
        output::line(format!("head    {left_out}"))?;
    }
    if settings.schedule.kind != ScheduleKind::Constant || settings.schedule.warmup.is_some() {
        output::line(format!("rate    {}", settings.schedule))?;
    }
    if held < batch {
        output::line(format!("steps   of {batch} pictures, {held} at a time: {}", why_split(&settings, batch, held)))?;
    }
    if !augment.is_none() {
        output::line(format!("changed {augment}"))?;
    }
    for (info, _) in &devices {
        output::line(format!("device  {}", device::describe(info)))?;
    }
    let memory: Vec<String> = devices.iter().map(|(_, program)| text::bytes(program.bytes())).collect();
    let the = if shares.is_empty() { "the device" } else { "these devices" };
    output::line(format!("memory  {} on {the}, the pictures included", memory.join(", ")))?;
    output::line(format!("run     {}", store.folder().display()))?;
    match done {
        0 => Ok(()),
        _ if early => output::line(
            "it stopped early, for no epoch was better for long enough; give a larger --patience to go further",
        ),
        _ if done >= total => output::line(format!(
            "all of its {} steps are done; give a larger --epochs or --max-steps to go further",
            text::grouped(total)
        )),
        _ => output::line(format!("goes on after step {} of {}", text::grouped(done), text::grouped(total))),
    }
}

/// Why a step's pictures are not computed at once.
fn why_split(settings: &Settings, batch: usize, held: usize) -> &'static str {
    if held >= settings.batch_size.min(batch) {
        "their gradients are added up"
    } else {
        "more don't fit into the device; their gradients are added up, as if they were one batch, and batch norms see each part by itself"
    }
}

/// The optimizer with its constants.
fn describe(optimizer: convoke::optim::Optimizer) -> String {
    let options = OptimizerOptions::from(optimizer);
    let kind = match options.kind.unwrap_or_default() {
        OptimizerKind::Sgd => "SGD",
        OptimizerKind::Adam => "Adam",
        OptimizerKind::AdamW => "AdamW",
        OptimizerKind::RmsProp => "RMSprop",
        OptimizerKind::Adagrad => "Adagrad",
        OptimizerKind::Lion => "Lion",
    };
    let momentum = options.momentum.filter(|&momentum| momentum != 0.0).map_or(String::new(), |momentum| {
        let nesterov = if options.nesterov == Some(true) { " (Nesterov)" } else { "" };
        format!(", momentum {momentum}{nesterov}")
    });
    format!("{kind}, learning rate {}{momentum}, weight decay {}", optimizer.lr(), optimizer.weight_decay())
}

/// Draws the curves from the log, which holds all of the run, whenever it was begun.
pub fn draw(trainer: &Trainer, store: &FolderStore) -> Result<()> {
    let log = block_on(store.get("metrics.jsonl"))?.unwrap_or_default();
    let title = store.folder().file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    if let Some(svg) = curves::draw(&log, &title, trainer.steps_per_epoch())? {
        block_on(store.put("curves.svg", svg.into_bytes()))?;
    }
    Ok(())
}

/// Says how it went, and what to do with it.
fn conclude(trainer: &Trainer, store: &FolderStore, outcome: Outcome, steps: u64, start: Instant) -> Result<()> {
    let folder = store.folder().display();
    let (done, total) = (trainer.progress().step, trainer.total_steps());
    if outcome == Outcome::Stopped {
        output::line(format!("stopped after step {} of {}; all is kept", text::grouped(done), text::grouped(total)))?;
        return output::line(format!("go on with: convoke train --resume {folder}"));
    }
    let validated = trainer.settings().validation > 0.0;
    let best = trainer.progress().best.map_or(String::new(), |Best { epoch, loss, accuracy, .. }| {
        let pictures = if validated { "validation" } else { "training" };
        match trainer.settings().metric() {
            Metric::Accuracy => format!("; best {pictures} accuracy {} after epoch {epoch}", text::percent(accuracy)),
            Metric::Loss => format!("; best {pictures} loss {loss:.4} after epoch {epoch}"),
        }
    });
    if trainer.stopped_early() {
        let patience = trainer.settings().patience.unwrap_or_default();
        output::line(format!("stopped early: {patience} epochs without a better one"))?;
    }
    output::line(format!("finished: {} steps in {}{best}", text::grouped(steps), text::time(start.elapsed())))?;
    let best = if validated { "best.safetensors, " } else { "" };
    let model: PathBuf = store.folder().join("model.safetensors");
    output::line(format!("kept in {folder}: model.safetensors, {best}metrics.jsonl, curves.svg, checkpoints"))?;
    output::line(format!("try it: convoke predict --checkpoint {} IMAGE", model.display()))
}
