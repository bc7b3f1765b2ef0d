//! Times each step of a training step: `cargo run --release -p convoke-cpu --example kernels -- [BATCH] [THREADS] [MODEL]`.
//!
//! A kernel's time is the best of many, a step's the median; GB/s counts each slice that it reads or writes once, at the size that the run's
//! samples take.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use convoke_core::engine::{Engine, Run};
use convoke_core::kernels::Gather;
use convoke_core::loss::Loss;
use convoke_core::model::ModelSpec;
use convoke_core::optim::Optimizer;
use convoke_core::plan::{CompileOptions, PlanKind, PlanStep, Program, compile};
use convoke_core::random::{Stream, StreamId};
use convoke_core::step::Step;
use convoke_cpu::CpuEngine;

const PICTURES: usize = 1024;

/// The CPU engine's futures are ready when they are made.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the CPU engine never lets one wait"),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let batch: usize = arguments.next().map_or(Ok(64), |n| n.parse())?;
    let threads = arguments.next().map(|n| n.parse()).transpose()?;
    let model = arguments.next().unwrap_or("reference-cnn".into());
    let spec = match ModelSpec::preset(&model) {
        Some(spec) => spec,
        None => ModelSpec::from_toml(&std::fs::read_to_string(&model)?)?,
    };
    let [channels, height, width] = spec.input;
    let gather = Gather {
        source_channels: channels,
        channels,
        plane: height * width,
        mean: vec![0.5; channels],
        inverse_std: vec![4.0; channels],
    };
    let mut engine = CpuEngine::new(threads)?;
    let training = Some(Optimizer::default().rule().into());
    let options = CompileOptions {
        capacity: batch,
        slots: 1,
        pictures: PICTURES,
        gather,
        augment: None,
        loss: Loss::default(),
        training,
        limits: engine.limits(),
    };
    let program = Rc::new(compile(&spec.build()?, &options)?);
    ready(engine.load(program.clone(), &mut |_, _| ()))?;
    fill(&mut engine, &program, batch)?;
    println!("{:?}", engine.info());

    let step = Step {
        samples: batch as u32,
        inverse_samples: 1.0 / batch as f32,
        learning_rate: 1e-4,
        step_size: 1e-4,
        inverse_sqrt_correction: 1.0,
        ..Step::default()
    };
    let runs = [PlanKind::Gradients, PlanKind::Update].map(|plan| Run::new(plan, step));
    let mut whole = Vec::new();
    for _ in 0..100 {
        let start = Instant::now();
        engine.submit(&runs)?;
        whole.push(start.elapsed().as_secs_f64());
    }
    for run in runs {
        let mut times = vec![Vec::new(); program.plan(run.plan).steps.len()];
        for _ in 0..100 {
            for time in ready(engine.profile(run))?.unwrap_or_default() {
                times[time.step].push(time.seconds);
            }
        }
        for (step, times) in program.plan(run.plan).steps.iter().zip(times) {
            print(step, &program, batch, times.into_iter().fold(f64::INFINITY, f64::min));
        }
    }
    let seconds = median(whole.clone());
    let best = whole.into_iter().fold(f64::INFINITY, f64::min);
    println!(
        "step {:.3} ms, {:.0} samples/s, at best {:.0}",
        seconds * 1e3,
        batch as f64 / seconds,
        batch as f64 / best
    );
    Ok(())
}

/// Random pictures, labels and parameters.
fn fill(engine: &mut CpuEngine, program: &Program, batch: usize) -> Result<(), convoke_core::engine::EngineError> {
    let mut random = Stream::new(1, StreamId::Init, 0, 0);
    let pixels: Vec<u32> = (0..program.pixels.bytes / 4).map(|_| random.next_u32()).collect();
    let labels: Vec<u32> = (0..PICTURES).map(|_| random.below(program.classes as u32)).collect();
    let indices: Vec<u32> = (0..batch as u32).map(|i| i % PICTURES as u32).collect();
    engine.write(program.pixels, &pixels)?;
    engine.write(program.labels, &labels)?;
    engine.write(program.indices, &indices)?;
    for chunk in &program.chunks {
        let values = (0..chunk.parameters.bytes / 4).map(|_| random.uniform(-0.05, 0.05).to_bits());
        engine.write(chunk.parameters, &values.collect::<Vec<u32>>())?;
    }
    Ok(())
}

fn print(step: &PlanStep, program: &Program, batch: usize, seconds: f64) {
    let pixels = |s: &&convoke_core::plan::Slice| **s == program.pixels;
    let bytes: usize = step.reads.iter().chain(&step.writes).filter(|s| !pixels(s)).map(|s| s.bytes).sum();
    println!(
        "{:<18} {:<8} {:>8.1} us {:>8.1} GFLOP/s {:>7.1} GB/s",
        step.kernel.stem(),
        step.label,
        seconds * 1e6,
        step.kernel.flops().at(batch) as f64 / seconds / 1e9,
        bytes as f64 / seconds / 1e9,
    );
}
