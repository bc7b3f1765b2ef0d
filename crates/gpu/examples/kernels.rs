//! Times each step of a training step: `cargo run --release -p convoke-gpu --example kernels -- [BATCH] [ADAPTER] [MODEL]`.
//!
//! ADAPTER is a position in the list of adapters. A kernel's time is the best of many by the device's own clock, the training step's
//! the mean over runs that are submitted together.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use convoke_core::engine::{Engine, EngineError, Run};
use convoke_core::kernels::Gather;
use convoke_core::loss::Loss;
use convoke_core::model::ModelSpec;
use convoke_core::optim::Optimizer;
use convoke_core::plan::{CompileOptions, PlanKind, Program, compile};
use convoke_core::random::{Stream, StreamId};
use convoke_core::step::Step;
use convoke_gpu::GpuEngine;

const PICTURES: usize = 1024;
const STEPS: u32 = 40;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park_timeout(Duration::from_micros(100)),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let batch: usize = arguments.next().map_or(Ok(64), |n| n.parse())?;
    let position: usize = arguments.next().map_or(Ok(0), |n| n.parse())?;
    let model = arguments.next().unwrap_or("reference-cnn".into());
    let spec = match ModelSpec::preset(&model) {
        Some(spec) => spec,
        None => ModelSpec::from_toml(&std::fs::read_to_string(&model)?)?,
    };
    let [channels, height, width] = spec.input;
    let (mean, inverse_std) = (vec![0.5; channels], vec![4.0; channels]);
    let gather = Gather { source_channels: channels, channels, plane: height * width, mean, inverse_std };
    let adapters = block_on(convoke_gpu::adapters());
    let adapter = adapters.get(position).ok_or("there is no such adapter")?;
    let mut engine = block_on(adapter.open())?;
    println!("{:?}", engine.info());
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
    let start = Instant::now();
    block_on(engine.load(program.clone(), &mut |_, _| ()))?;
    fill(&mut engine, &program, batch)?;
    println!("loaded in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);

    let step = Step {
        samples: batch as u32,
        inverse_samples: 1.0 / batch as f32,
        learning_rate: 1e-4,
        step_size: 1e-4,
        inverse_sqrt_correction: 1.0,
        ..Step::default()
    };
    let runs = [PlanKind::Gradients, PlanKind::Update].map(|plan| Run::new(plan, step));
    let start = Instant::now();
    engine.submit(&runs)?;
    block_on(engine.read(&[program.metrics]))?;
    println!("first step {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    for run in runs {
        time_steps(&mut engine, &program, run)?;
    }
    let start = Instant::now();
    for _ in 0..STEPS {
        engine.submit(&runs)?;
    }
    block_on(engine.read(&[program.metrics]))?;
    let seconds = start.elapsed().as_secs_f64() / f64::from(STEPS);
    println!("step {:.3} ms, {:.0} samples/s", seconds * 1e3, batch as f64 / seconds);
    Ok(())
}

/// Random pictures, labels and parameters.
fn fill(engine: &mut GpuEngine, program: &Program, batch: usize) -> Result<(), EngineError> {
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

/// Prints the best of many times of each step of a plan.
fn time_steps(engine: &mut GpuEngine, program: &Program, run: Run) -> Result<(), EngineError> {
    let plan = program.plan(run.plan);
    let mut best = vec![f64::INFINITY; plan.steps.len()];
    for _ in 0..20 {
        for time in block_on(engine.profile(run))?.unwrap_or_default() {
            best[time.step] = best[time.step].min(time.seconds);
        }
    }
    for (step, seconds) in plan.steps.iter().zip(&best) {
        let gflops = step.kernel.flops().at(run.step.samples as usize) as f64 / seconds / 1e9;
        println!("{:<18} {:<8} {:>8.1} us {gflops:>8.1} GFLOP/s", step.kernel.stem(), step.label, seconds * 1e6);
    }
    println!("{:<27} {:>8.1} us", plan.name, best.iter().sum::<f64>() * 1e6);
    Ok(())
}
