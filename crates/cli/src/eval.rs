//! `convoke eval`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Args;
use convoke::block_on;
use convoke::device::DeviceRequest;
use convoke::prelude::{Evaluation, Input, Session};
use serde::Serialize;

use crate::checkpoint::read_model;
use crate::data::{Source, check_classes};
use crate::failure::{Failure, Result};
use crate::status::Status;
use crate::{device, output, text};

/// Test a trained model on labelled pictures: mean loss and accuracy
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

    /// Pictures at a time, which takes memory and changes nothing else, from 1 to 65536
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = crate::batch_size())]
    batch_size: usize,

    /// What to compute on: auto, cpu, gpu, gpu:K, or a part of a device's name [default: auto]
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceRequest>,

    /// Threads of the CPU engine [default: one for each processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,

    /// Print one JSON object: loss, accuracy (0 to 1) and samples
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  convoke eval --checkpoint runs/tuned/model.safetensors
  convoke eval --checkpoint runs/flowers/model.safetensors --data flowers/ --json";

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    loss: f64,
    accuracy: f64,
    samples: usize,
}

/// Tests a model.
pub fn run(args: &EvalArgs) -> Result<ExitCode> {
    let model = read_model(&args.checkpoint)?;
    let source = Source::find(args.data.as_deref())?;
    let engine = device::open(args.device.as_ref(), args.threads)?;
    let status = Status::new();
    let data = source.read(model.spec.input, &mut status.phase("reading pictures"))?;
    check_classes(&model.classes, &data, &source)?;
    let network = model.spec.build()?;
    let loss = model.loss.loss();
    let input = Input { channels: data.channels, statistics: model.statistics };
    let batch = args.batch_size.min(data.test.len());
    let Evaluation { loss, accuracy, samples, .. } = block_on(async {
        let mut preparing = status.phase("preparing kernels");
        let session = Session::new(engine, &network, Rc::new(data), &input, &loss, None, batch, &mut preparing);
        let mut session = session.await?;
        session.set_weights(&model.weights)?;
        session.evaluate(&mut status.phase("testing")).await
    })?;
    status.clear();
    if !loss.is_finite() {
        let problem = "its weights are too large to compute with; train it again with a lower learning rate";
        return Err(Failure::Run(format!("{}: the loss on {source} is {loss}: {problem}", args.checkpoint.display())));
    }
    if args.json {
        output::json(&Report { loss, accuracy, samples })?;
    } else {
        let (accuracy, samples) = (text::percent(accuracy), text::grouped(samples as u64));
        output::line(format!("loss {loss:.4}, accuracy {accuracy} on {samples} test pictures of {source}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
