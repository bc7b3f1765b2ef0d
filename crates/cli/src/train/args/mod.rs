//! The options of `convoke train`.

mod choice;
mod gradients;
mod loss;
mod optimizer;
mod profile;
mod schedule;

use std::path::PathBuf;

use clap::Args;
use convoke::prelude::{Augment, Normalization, Settings};

use crate::data::CacheArgs;
use crate::device::DeviceArgs;
use crate::failure::Result;
use crate::model::Input;
use choice::ChoiceArgs;
use gradients::GradientArgs;
use loss::LossArgs;
use optimizer::OptimizerArgs;
use profile::ProfileArgs;
use schedule::ScheduleArgs;

/// Train a model, test it after each epoch, and keep all that is needed to use it or to go on
///
/// Pictures are shown to the network in batches; after each batch its weights take a step against the gradient of the mean
/// cross-entropy loss. An epoch shows every picture once. The same options and device give the same model, bit for bit.
///
/// The run's folder gets model.safetensors (for `eval` and `predict`), metrics.jsonl (a line for each step and epoch),
/// curves.svg, and checkpoints for `--resume`: every half minute, after each epoch, and at the end. Ctrl-C stops within a
/// moment and saves.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// What to train: a preset or a TOML file [default: reference-cnn]
    ///
    /// Presets: reference-cnn, mlp, lenet5, vgg11, resnet8, resnet20, resnet18, mobilenet-v2, convnext-atto.
    ///
    /// A TOML file says the shape of the pictures and lists the layers; `convoke summary` shows what a model costs. The
    /// number of classes comes from the data.
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,

    /// Channels, height and width that pictures are brought to, such as 1,28,28 [default: the model's]
    ///
    /// Presets are made for any size; small pictures train faster.
    #[arg(long, value_name = "C,H,W", conflicts_with = "resume")]
    pub input: Option<Input>,

    /// The pictures: a folder, a zip file, or fashion-mnist-mini, which is inside the program [default: fashion-mnist-mini]
    ///
    /// A folder of class folders of PNG, JPEG or WebP pictures, with or without train/ and test/ (or val/) around them; the
    /// four IDX files of the MNIST family, gzipped or not; or CIFAR-10's or CIFAR-100's binary batches; or a zip file of any of these. Pictures
    /// are brought to the model's size and number of channels. Without a test/ folder a fifth of each class tests, at least one
    /// picture of several: always the same ones, but for a few near the border when pictures are added.
    #[arg(long, value_name = "D")]
    pub data: Option<String>,

    #[command(flatten)]
    pub cache: CacheArgs,

    /// How often every training picture is shown [default: 15]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub epochs: Option<u32>,

    /// Pictures of a step [default: 64]
    ///
    /// Larger batches keep a fast device busier, and learn less from each picture; they take more memory.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub batch_size: Option<usize>,

    #[command(flatten)]
    pub optimizer: OptimizerArgs,

    #[command(flatten)]
    pub schedule: ScheduleArgs,

    #[command(flatten)]
    pub gradients: GradientArgs,

    #[command(flatten)]
    pub choice: ChoiceArgs,

    #[command(flatten)]
    pub loss: LossArgs,

    /// What the first weights and the order of the pictures follow from [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,

    #[command(flatten)]
    pub device: DeviceArgs,

    /// How pixels, 0 to 1, are brought to a common scale: dataset, none, or MEANS:STDS [default: dataset]
    ///
    /// (pixel − mean) / standard deviation for each channel. `dataset` takes both from the training pictures; numbers are for all
    /// channels alike, 0.5:0.5, or one for each, 0.485,0.456,0.406:0.229,0.224,0.225. The model keeps them.
    #[arg(long, value_name = "HOW")]
    pub normalize: Option<Normalization>,

    /// Begin with the weights in this safetensors file instead of random ones [default: random ones]
    ///
    /// Names and shapes have to be the model's, as PyTorch writes them: conv1.weight, conv1.bias, … The last layer alone may be for another
    /// number of classes: it is left out, and begins at random. --freeze keeps what is taken over as it is.
    #[arg(long, value_name = "FILE.safetensors")]
    pub init: Option<PathBuf>,

    /// Change the training pictures at random, such as crop=4,flip,rotate=10: see --help [default: none]
    #[arg(long, value_name = "HOW", long_help = super::sheet::options())]
    pub augment: Option<Augment>,

    /// Write a sheet of training pictures, each as it is and as it may be changed, to this PNG file, and end [default: none]
    #[arg(long, value_name = "FILE.png", conflicts_with_all = ["resume", "init", "out", "force", "ProfileArgs"])]
    pub show_augmented: Option<PathBuf>,

    /// Show the pictures in the order of the data, the same in every epoch
    #[arg(long)]
    pub no_shuffle: bool,

    /// Stop after so many steps of the whole run, if that comes before the last epoch [default: no limit]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_steps: Option<u64>,

    /// Also take a checkpoint every N steps [default: by time and epoch alone]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub checkpoint_every: Option<u64>,

    #[command(flatten)]
    pub profile: ProfileArgs,

    /// The run's folder [default: runs/TIME-MODEL]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Replace the run that the folder of --out holds
    #[arg(long, requires = "out")]
    pub force: bool,

    /// Go on with the run in this folder, exactly as if it had never stopped [default: a new run]
    ///
    /// Settings, data and device are the run's own. --epochs, --max-steps, --patience, --device, --split, --device-timeout, --threads and --data (the same pictures at
    /// another place) may be given; on another device the run goes on, but not with the same bits. --epochs alone lifts an
    /// earlier --max-steps.
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "model", "batch_size", "OptimizerArgs", "ScheduleArgs", "GradientArgs", "validation", "best", "keep", "LossArgs", "seed", "normalize", "init", "no_shuffle",
        "augment", "checkpoint_every", "out", "force",
    ])]
    pub resume: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  convoke train                                      the reference network on the pictures inside, 15 epochs
  convoke train --data flowers/ --epochs 40          your own pictures: flowers/rose/1.jpg, flowers/tulip/7.png, …
  convoke train net.toml --optimizer adam --batch-size 128 --device gpu
  convoke train --device gpu:0,gpu:1,cpu             each batch split over three, by what they can do
  convoke train --init weights.safetensors --lr 0.001 --out runs/tuned
  convoke train --resume runs/tuned --epochs 60      go on where it stopped, and further";

impl TrainArgs {
    /// How to train: what the model's file says, and what is given here.
    pub fn settings(&self, mut settings: Settings) -> Result<Settings> {
        settings.epochs = self.epochs.unwrap_or(settings.epochs);
        settings.batch_size = self.batch_size.unwrap_or(settings.batch_size);
        settings.optimizer = self.optimizer.optimizer(settings.optimizer)?;
        settings.schedule = self.schedule.schedule(settings.schedule);
        self.gradients.apply(&mut settings);
        self.choice.apply(&mut settings);
        self.loss.apply(&mut settings.loss)?;
        settings.seed = self.seed.unwrap_or(settings.seed);
        settings.shuffle &= !self.no_shuffle;
        settings.augment = self.augment.clone().unwrap_or(settings.augment);
        settings.max_steps = self.max_steps.or(settings.max_steps);
        settings.checkpoint_steps = self.checkpoint_every.or(settings.checkpoint_steps);
        settings.check()?;
        Ok(settings)
    }

    /// Changes what may be changed of a run that goes on.
    pub fn change(&self, settings: &mut Settings) -> Result<()> {
        settings.epochs = self.epochs.unwrap_or(settings.epochs);
        // Who asks for epochs alone wants them whole.
        let limit = if self.epochs.is_some() { None } else { settings.max_steps };
        settings.max_steps = self.max_steps.or(limit);
        settings.patience = self.choice.patience.or(settings.patience);
        settings.check()?;
        Ok(())
    }
}
