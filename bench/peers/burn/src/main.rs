//! Burn's wgpu backend training Convoke's reference CNN: prints one JSON line with whole training steps' samples a second.
//!
//! `peer-burn [BATCH_SIZE] [SECONDS] [WINDOWS]` (64, 3, 5). A step turns the batch's bytes into floats, uploads them, and runs
//! forward, loss, backward and SGD with momentum. Steps run without waiting; each window ends by reading a loss.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::{DeviceKind, TensorData};
use std::time::{Duration, Instant};

const SAMPLES: usize = 2048;
const PIXELS: usize = 3 * 28 * 28;
const LEARNING_RATE: f64 = 0.01;
/// From Cargo.toml's dependency; Burn offers no constant for it.
const BURN_VERSION: &str = "0.22.1";

#[derive(Module, Debug)]
struct ReferenceCnn {
    conv1: Conv2d,
    conv2: Conv2d,
    pool: MaxPool2d,
    fc1: Linear,
    fc2: Linear,
}

impl ReferenceCnn {
    fn new(device: &Device) -> Self {
        let conv = |channels| {
            Conv2dConfig::new(channels, [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
        };
        Self {
            conv1: conv([3, 16]),
            conv2: conv([16, 32]),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            fc1: LinearConfig::new(32 * 7 * 7, 128).init(device),
            fc2: LinearConfig::new(128, 10).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.conv1.forward(x)));
        let x = self.pool.forward(relu(self.conv2.forward(x)));
        let x = relu(self.fc1.forward(x.flatten::<2>(1, 3)));
        self.fc2.forward(x)
    }
}

/// Noise with bright rows where the label says: nothing to download, and a loss that falls if training works. (Each step gives
/// every eighth sample a wrong label, or the gradients would fade to nothing.)
struct Pictures {
    pixels: Vec<u8>,
    labels: Vec<i32>,
}

impl Pictures {
    fn new() -> Self {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let labels: Vec<i32> = (0..SAMPLES).map(|_| (random() % 10) as i32).collect();
        let pixels = labels
            .iter()
            .flat_map(|&label| (0..PIXELS).map(move |i| (label, i % (28 * 28) / 28)))
            .map(|(label, row)| (random() % 128) as u8 + if row as i32 / 2 == label { 128 } else { 0 })
            .collect();
        Self { pixels, labels }
    }
}

struct Trainer {
    device: Device,
    model: ReferenceCnn,
    optimizer: ModuleOptimizer,
    loss: CrossEntropyLoss,
    pictures: Pictures,
    batch_size: usize,
    next: usize,
    steps: i32,
}

impl Trainer {
    fn new(batch_size: usize) -> Self {
        let device = Device::wgpu(DeviceKind::DefaultDevice).autodiff();
        let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
        Self {
            model: ReferenceCnn::new(&device),
            optimizer: SgdConfig::new().with_momentum(Some(momentum)).init(),
            loss: CrossEntropyLossConfig::new().init(&device),
            pictures: Pictures::new(),
            device,
            batch_size,
            next: 0,
            steps: 0,
        }
    }

    /// One training step; the loss stays on the device.
    fn step(&mut self) -> Tensor<1> {
        let (start, end) = (self.next, self.next + self.batch_size);
        self.next = if end + self.batch_size > SAMPLES { 0 } else { end };
        let bytes = &self.pictures.pixels[start * PIXELS..end * PIXELS];
        let floats: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let x = Tensor::from_data(TensorData::new(floats, [self.batch_size, 3, 28, 28]), &self.device);
        let mut labels = self.pictures.labels[start..end].to_vec();
        labels.iter_mut().step_by(8).for_each(|label| *label = self.steps % 10);
        self.steps += 1;
        let y = Tensor::from_data(TensorData::new(labels, [self.batch_size]), &self.device);
        let loss = self.loss.forward(self.model.forward(x), y);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimizer.step(LEARNING_RATE, self.model.clone(), gradients);
        loss.detach()
    }

    /// Steps for at least `duration`, then waits for the last loss: samples a second and that loss.
    fn window(&mut self, duration: Duration) -> (f64, f32) {
        let begin = Instant::now();
        let mut samples = 0;
        loop {
            let loss = self.step();
            samples += self.batch_size;
            if begin.elapsed() >= duration {
                let loss = loss.into_scalar::<f32>();
                return (samples as f64 / begin.elapsed().as_secs_f64(), loss);
            }
        }
    }
}

fn argument(index: usize, default: f64, range: std::ops::RangeInclusive<f64>) -> f64 {
    let Some(text) = std::env::args().nth(index) else { return default };
    match text.parse() {
        Ok(value) if range.contains(&value) => value,
        _ => {
            eprintln!("argument {index} is `{text}`, but must be a number from {} to {}", range.start(), range.end());
            eprintln!("usage: peer-burn [BATCH_SIZE] [SECONDS] [WINDOWS]");
            std::process::exit(2)
        }
    }
}

fn main() {
    let batch_size = argument(1, 64.0, 1.0..=SAMPLES as f64) as usize;
    let window = Duration::from_secs_f64(argument(2, 3.0, 0.01..=3600.0));
    let windows = argument(3, 5.0, 1.0..=1000.0) as usize;

    let begin = Instant::now();
    let mut trainer = Trainer::new(batch_size);
    let first_loss = trainer.step().into_scalar::<f32>();
    let first_step = begin.elapsed().as_secs_f64();

    trainer.window(window); // warm-up: what the first step did not compile or tune
    let mut results: Vec<(f64, f32)> = (0..windows).map(|_| trainer.window(window)).collect();
    let last_loss = results[windows - 1].1;
    results.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!(
        "{{\"peer\":\"burn-wgpu\",\"version\":\"{BURN_VERSION}\",\"batch_size\":{batch_size},\"variant\":\"default\",\
         \"samples_per_second\":{:.1},\"first_step_seconds\":{first_step:.3},\"first_loss\":{first_loss:.4},\
         \"last_loss\":{last_loss:.4}}}",
        results[windows / 2].0
    );
}
