//! `convoke eval`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use clap::Args;
use convoke::block_on;
use convoke::device::DeviceRequest;
use convoke::prelude::{Augment, Confusion, Evaluation, Input, ModelFile, Session};
use convoke::train::ClassFigures;
use serde::Serialize;

use crate::checkpoint::read_model;
use crate::data::{CacheArgs, Source, check_classes};
use crate::failure::{Failure, Result};
use crate::status::Status;
use crate::table::table;
use crate::{device, matrix, output, text};

/// Test a trained model on labelled pictures: loss, accuracy, and how well each class is told from the others
///
/// Of each class: its precision (of what was taken for it, the share that is), its recall (of its pictures, the share that was taken for
/// it), and their harmonic mean, F1. The loss is the plain one of the kind that the model was trained with.
///
/// The model's file says all that is needed: architecture, class names and normalisation. What is tested on are the test
/// pictures of the data; where a folder has none of its own, the fifth that `train` leaves aside too.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// The trained model: a run's model.safetensors, or one of its checkpoints
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,

    /// The pictures: a folder or a zip file as for `train`, or fashion-mnist-mini [default: fashion-mnist-mini]
    #[arg(long, value_name = "D")]
    data: Option<String>,

    #[command(flatten)]
    cache: CacheArgs,

    /// Pictures at a time, which takes memory and changes nothing else, from 1 to 65536
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = crate::batch_size())]
    batch_size: usize,

    /// What to compute on: auto, cpu, gpu, gpu:K, or a part of a device's name [default: auto]
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceRequest>,

    /// Threads of the CPU engine [default: one for each processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,

    /// Also draw the confusion matrix into this SVG file [default: none]
    #[arg(long, value_name = "FILE.svg")]
    matrix: Option<PathBuf>,

    /// Print one JSON object: loss, shares from 0 to 1, figures by class, the confusion matrix
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  convoke eval --checkpoint runs/tuned/model.safetensors --matrix matrix.svg
  convoke eval --checkpoint runs/flowers/model.safetensors --data flowers/ --json";

/// The most pairs of classes that are listed.
const MOST_PAIRS: usize = 10;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    loss: f64,
    accuracy: f64,
    top5: f64,
    samples: usize,
    /// Of the classes, each counting alike.
    mean: Option<ClassFigures>,
    classes: Vec<ClassReport<'a>>,
    /// A row for each class of pictures, a column for what they were taken for.
    confusion: Vec<&'a [u32]>,
}

#[derive(Serialize)]
struct ClassReport<'a> {
    name: &'a str,
    #[serde(flatten)]
    figures: ClassFigures,
}

/// Tests a model.
pub fn run(args: &EvalArgs) -> Result<ExitCode> {
    let model = read_model(&args.checkpoint)?;
    let source = Source::find(args.data.as_deref())?;
    let engine = device::open(args.device.as_ref(), args.threads)?;
    let status = Status::new();
    let data = source.read(model.spec.input, &args.cache, &mut status.phase("reading pictures"))?;
    check_classes(&model.classes, &data, &source)?;
    let network = model.spec.build()?;
    let loss = model.loss.loss();
    let input = Input { channels: data.channels, statistics: model.statistics.clone(), augment: Augment::NONE };
    let batch = args.batch_size.min(data.test.len());
    let evaluation = block_on(async {
        let mut preparing = status.phase("preparing kernels");
        let session = Session::new(engine, &network, Rc::new(data), &input, &loss, None, batch, &mut preparing);
        let mut session = session.await?;
        session.set_weights(&model.weights)?;
        session.evaluate(&mut status.phase("testing")).await
    })?;
    status.clear();
    if !evaluation.loss.is_finite() {
        let (loss, place) = (evaluation.loss, args.checkpoint.display());
        let problem = "its weights are too large to compute with; train it again with a lower learning rate";
        return Err(Failure::Run(format!("{place}: the loss on {source} is {loss}: {problem}")));
    }
    if let Some(path) = &args.matrix {
        write_matrix(path, &evaluation, &model, &source)?;
    }
    if args.json {
        output::json(&report(&evaluation, &model.classes))?;
    } else {
        output::text(&describe(&evaluation, &model.classes, &source))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_matrix(path: &Path, evaluation: &Evaluation, model: &ModelFile, source: &Source) -> Result<()> {
    let place = path.display();
    let Some(confusion) = &evaluation.confusion else {
        let problem = format!("{} classes are too many; leave --matrix out", model.classes.len());
        return Err(Failure::Usage(format!("can't draw {place}: {problem}")));
    };
    let accuracy = text::percent(evaluation.accuracy);
    let title = format!("{}: {accuracy} of {source} right", model.spec.name);
    let svg = matrix::draw(confusion, &model.classes, &title)?;
    std::fs::write(path, svg)
        .map_err(|error| Failure::Run(format!("can't write {place}: {error}; give --matrix another place")))
}

fn report<'a>(evaluation: &'a Evaluation, classes: &'a [String]) -> Report<'a> {
    let &Evaluation { loss, accuracy, top5, samples, ref confusion } = evaluation;
    let per_class = confusion.as_ref().map(Confusion::per_class).unwrap_or_default();
    let named = classes.iter().zip(per_class).map(|(name, figures)| ClassReport { name, figures });
    Report {
        loss,
        accuracy,
        top5,
        samples,
        mean: confusion.as_ref().map(Confusion::mean),
        classes: named.collect(),
        confusion: confusion.iter().flat_map(Confusion::rows).collect(),
    }
}

/// The figures in words, in a table, and the pairs that are confused most.
fn describe(evaluation: &Evaluation, classes: &[String], source: &Source) -> String {
    let (accuracy, samples) = (text::percent(evaluation.accuracy), text::grouped(evaluation.samples as u64));
    let top5 = if classes.len() > 5 { format!(", top-5 {}", text::percent(evaluation.top5)) } else { String::new() };
    let loss = evaluation.loss;
    let mut words = format!("loss {loss:.4}, accuracy {accuracy}{top5} on {samples} test pictures of {source}\n");
    let Some(confusion) = &evaluation.confusion else { return words };
    let row = |name: &str, figures: &ClassFigures| {
        let shares = [figures.precision, figures.recall, figures.f1].map(text::percent);
        [&[name.to_string()][..], &shares, &[text::grouped(figures.support)]].concat()
    };
    let per_class = confusion.per_class();
    let mut rows: Vec<Vec<String>> = classes.iter().zip(&per_class).map(|(name, figures)| row(name, figures)).collect();
    rows.push(row("mean of the classes", &confusion.mean()));
    words += &format!("\n{}", table(&["class", "precision", "recall", "F1", "pictures"], &rows, 1));
    let pair = |&(label, predicted, count): &(usize, usize, u32)| {
        let [of, count] = [per_class[label].support, count.into()].map(text::grouped);
        vec![classes[label].clone(), classes[predicted].clone(), format!("{count} of {of}")]
    };
    let pairs: Vec<Vec<String>> = confusion.most_confused(MOST_PAIRS).iter().map(pair).collect();
    if !pairs.is_empty() {
        words += &format!("\n{}", table(&["most confused", "taken for", "pictures"], &pairs, 2));
    }
    words
}
