//! `convoke predict`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use convoke::data::decode;
use convoke::device::DeviceRequest;
use convoke::prelude::{ModelFile, Predictor, Samples};
use convoke::{block_on, read_file};
use serde::Serialize;

use crate::checkpoint::read_model;
use crate::failure::{Failure, Result};
use crate::status::Status;
use crate::{device, output, text};

/// Pictures at a time.
const BATCH: usize = 64;

/// The most bytes of a picture's file.
const MOST_BYTES: u64 = 1 << 30;

/// Say what pictures show, with the probability of each class
///
/// PNG, JPEG and WebP pictures of any size; each is brought to the size and the channels that the model was trained on.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PredictArgs {
    /// The trained model: a run's model.safetensors, or one of its checkpoints
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,

    /// The pictures
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,

    /// How many classes to name for each picture, the most probable first; all where there are fewer
    #[arg(long, value_name = "K", default_value_t = NonZeroUsize::new(3).expect("3 is above 0"))]
    #[arg(allow_negative_numbers = true)]
    top: NonZeroUsize,

    /// What to compute on: auto, cpu, gpu, gpu:K, or a part of a device's name [default: auto]
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceRequest>,

    /// Threads of the CPU engine [default: one for each processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,

    /// Print a JSON list with an object for each picture: image, class, probability (0 to 1) and the classes of --top
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  convoke predict --checkpoint runs/flowers/model.safetensors rose.jpg
  convoke predict --checkpoint runs/flowers/model.safetensors --top 1 --json holiday/*.jpg";

/// A class with its probability.
#[derive(Serialize)]
struct Guess {
    name: String,
    probability: f64,
}

/// What `--json` prints for a picture.
#[derive(Serialize)]
struct Report {
    image: String,
    class: String,
    probability: f64,
    classes: Vec<Guess>,
}

/// Says what pictures show.
pub fn run(args: &PredictArgs) -> Result<ExitCode> {
    let model = read_model(&args.checkpoint)?;
    let engine = device::open(args.device.as_ref(), args.threads)?;
    let status = Status::new();
    let pictures = read_images(&args.images, &model, &mut status.phase("reading pictures"))?;
    let batch = pictures.len().min(BATCH);
    let probabilities = block_on(async {
        let mut preparing = status.phase("preparing kernels");
        let mut predictor = Predictor::new(engine, &model, batch, &mut preparing).await?;
        predictor.predict(&pictures, &mut status.phase("predicting")).await
    })?;
    status.clear();
    let reports = args.images.iter().zip(probabilities);
    let reports = reports.map(|(image, probabilities)| report(image, &model.classes, &probabilities, args.top));
    print(&reports.collect::<Vec<_>>(), args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// The pictures, as the model takes them.
fn read_images(paths: &[PathBuf], model: &ModelFile, progress: &mut dyn FnMut(usize, usize)) -> Result<Samples> {
    let [channels, height, width] = model.spec.input;
    if !matches!(channels, 1 | 3) {
        let problem = format!("the model takes {channels} channels, and pictures have 1 or 3");
        return Err(Failure::Run(problem));
    }
    let mut samples = Samples::default();
    for (number, path) in paths.iter().enumerate() {
        let name = path.display().to_string();
        let bytes = read_file(path, MOST_BYTES)
            .map_err(|error| Failure::Run(format!("can't read {name}: {error}; give PNG, JPEG or WebP pictures")))?;
        samples.pixels.extend(decode(&bytes, &name)?.resize(height, width).into_channels(channels).into_planes());
        // What a picture shows is the question: any label does.
        samples.labels.push(0);
        progress(number + 1, paths.len());
    }
    Ok(samples)
}

fn report(image: &Path, classes: &[String], probabilities: &[f64], top: NonZeroUsize) -> Report {
    let named = classes.iter().zip(probabilities);
    let mut guesses: Vec<Guess> = named.map(|(name, &probability)| Guess { name: name.clone(), probability }).collect();
    guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    guesses.truncate(top.get());
    let (class, probability) = (guesses[0].name.clone(), guesses[0].probability);
    Report { image: image.display().to_string(), class, probability, classes: guesses }
}

fn print(reports: &[Report], json: bool) -> Result<()> {
    if json {
        return output::json(&reports);
    }
    for report in reports {
        let guesses = report.classes.iter().map(|guess| format!("{} {}", guess.name, text::percent(guess.probability)));
        output::line(format!("{}: {}", report.image, guesses.collect::<Vec<_>>().join(", ")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_class_comes_first() {
        let classes = ["a", "b", "c"].map(String::from);
        let report = report(Path::new("x.png"), &classes, &[0.2, 0.7, 0.1], NonZeroUsize::new(2).unwrap());
        assert_eq!((report.class.as_str(), report.probability), ("b", 0.7));
        let names: Vec<&str> = report.classes.iter().map(|guess| guess.name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
    }
}
