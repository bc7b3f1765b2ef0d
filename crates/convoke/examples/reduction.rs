//! Measures what sums of gradients in host memory cost here, for docs/scaling.md:
//! `cargo run --release -p convoke --example reduction -- [DEVICE …]`.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use convoke::cpu::CpuEngine;
use convoke::device::{DeviceRequest, open};
use convoke::engine::{Engine, Limits, Run};
use convoke::kernels::Gather;
use convoke::loss::Loss;
use convoke::plan::{CompileOptions, PlanKind, Program, Slice, compile};
use convoke::prelude::{ModelSpec, Optimizer};
use convoke::step::Step;
use convoke::{Threaded, block_on};

/// Each figure is the median of so many.
const TIMES: usize = 21;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for mebibytes in [1, 46] {
        let rate = sum_rate(mebibytes << 20) / 1e9;
        println!("sums of {mebibytes} MiB: {rate:.1} GB/s of each replica's gradients");
    }
    let program = Rc::new(program()?);
    let bytes: usize = program.chunks.iter().map(|chunk| chunk.parameters.bytes).sum();
    let mut engine = CpuEngine::new(None)?;
    block_on(engine.load(program.clone(), &mut |_, _| {}))?;
    let update = median(|| {
        let times = block_on(engine.profile(Run::new(PlanKind::Update, Step::default())));
        times.ok().flatten().unwrap_or_default().iter().map(|time| time.seconds).sum()
    });
    println!("update by SGD with momentum: {:.1} GB/s of parameters", bytes as f64 / update / 1e9);
    let devices: Vec<String> = std::env::args().skip(1).collect();
    for device in if devices.is_empty() { vec!["cpu".into()] } else { devices } {
        let request: DeviceRequest = device.parse()?;
        let mut engine = Threaded::new(move || block_on(open(&request, None)))?;
        block_on(engine.load(program.clone(), &mut |_, _| {}))?;
        travel(&device, &mut engine, &program);
    }
    Ok(())
}

/// What a question and an answer take, and bytes both ways, in pieces as large as buckets of gradients.
fn travel(device: &str, engine: &mut dyn Engine, program: &Program) {
    let pieces: Vec<Slice> = program.chunks.iter().flat_map(|chunk| pieces(chunk.parameters)).collect();
    let bytes: usize = pieces.iter().map(|slice| slice.bytes).sum();
    let answer = timed(|| drop(black_box(block_on(engine.read(&[program.flag])))));
    let read = timed(|| {
        let answers: Vec<_> = pieces.iter().map(|piece| engine.read(&[*piece])).collect();
        answers.into_iter().for_each(|answer| drop(black_box(block_on(answer))));
    });
    let words = vec![0; PIECE / 4];
    let write = timed(|| {
        pieces.iter().for_each(|piece| drop(engine.write(*piece, &words[..piece.bytes / 4])));
        drop(black_box(block_on(engine.read(&[program.flag]))));
    });
    let [read, write] = [read, write].map(|seconds| bytes as f64 / (seconds - answer) / 1e9);
    println!("{device}: an answer after {:.0} µs, reads {read:.1} GB/s, writes {write:.1} GB/s", answer * 1e6);
}

/// Bytes of a bucket.
const PIECE: usize = 1 << 20;

fn pieces(whole: Slice) -> impl Iterator<Item = Slice> {
    let piece = move |at| Slice { offset: whole.offset + at, bytes: PIECE.min(whole.bytes - at), ..whole };
    (0..whole.bytes).step_by(PIECE).map(piece)
}

/// Bytes of gradients that are added to a sum in a second.
fn sum_rate(bytes: usize) -> f64 {
    let (mut sums, values) = (vec![0.0f32; bytes / 4], vec![1.0f32; bytes / 4]);
    let seconds = timed(|| {
        let values = black_box(&values);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        black_box(&mut sums);
    });
    bytes as f64 / seconds
}

fn timed(mut work: impl FnMut()) -> f64 {
    median(|| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    })
}

fn median(figure: impl FnMut() -> f64) -> f64 {
    let mut figures: Vec<f64> = std::iter::repeat_with(figure).take(TIMES).collect();
    figures.sort_by(f64::total_cmp);
    figures[TIMES / 2]
}

/// A program of ResNet-18, which has as many parameters as it has for large pictures.
fn program() -> Result<Program, Box<dyn std::error::Error>> {
    let network = ModelSpec::preset_for("resnet18", [3, 32, 32]).ok_or("resnet18 is a preset")?.build()?;
    let [channels, height, width] = network.spec.input;
    let gather = Gather {
        source_channels: channels,
        channels,
        plane: height * width,
        mean: vec![0.0; channels],
        inverse_std: vec![1.0; channels],
    };
    let options = CompileOptions {
        capacity: 1,
        slots: 1,
        pictures: 1,
        gather,
        augment: None,
        loss: Loss::default(),
        training: Some(Optimizer::default().rule().into()),
        limits: Limits::WEBGPU,
    };
    Ok(compile(&network, &options)?)
}
