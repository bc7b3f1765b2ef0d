use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use convoke_core::engine::{Engine, EngineError, Run};
use convoke_core::kernels::Gather;
use convoke_core::loss::Loss;
use convoke_core::model::ModelSpec;
use convoke_core::optim::Optimizer;
use convoke_core::plan::{CompileOptions, PlanKind, Program, Slice, compile};
use convoke_core::step::Step;

use super::stream;
use crate::CpuEngine;

const CAPACITY: usize = 8;
const SLOTS: usize = 3;

/// The engine's futures are ready when they are made.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the CPU engine never lets one wait"),
    }
}

fn engine(threads: usize) -> CpuEngine {
    CpuEngine::new(NonZeroUsize::new(threads)).unwrap()
}

fn program() -> Program {
    let spec = ModelSpec::preset("reference-cnn").unwrap();
    let [channels, height, width] = spec.input;
    let gather = Gather {
        source_channels: channels,
        channels,
        plane: height * width,
        mean: vec![0.5; channels],
        inverse_std: vec![2.0; channels],
    };
    let options = CompileOptions {
        capacity: CAPACITY,
        slots: SLOTS,
        pictures: CAPACITY,
        loss: Loss::default(),
        gather,
        augment: None,
        training: Some(Optimizer::default().rule().into()),
        limits: engine(1).limits(),
    };
    compile(&spec.build().unwrap(), &options).unwrap()
}

/// An engine with a program, random pictures and random parameters.
fn loaded(threads: usize) -> (CpuEngine, Rc<Program>) {
    let (mut engine, program) = (engine(threads), Rc::new(program()));
    ready(engine.load(program.clone(), &mut |_, _| ())).unwrap();
    let mut random = stream(1);
    let pixels: Vec<u32> = (0..program.pixels.bytes / 4).map(|_| random.next_u32()).collect();
    let labels: Vec<u32> = (0..CAPACITY as u32).collect();
    engine.write(program.pixels, &pixels).unwrap();
    engine.write(program.labels, &labels).unwrap();
    for slot in 0..SLOTS {
        engine.write(program.indices_slot(slot), &labels).unwrap();
    }
    for chunk in &program.chunks {
        let values = (0..chunk.parameters.bytes / 4).map(|_| random.uniform(-0.08, 0.08).to_bits());
        engine.write(chunk.parameters, &values.collect::<Vec<u32>>()).unwrap();
    }
    (engine, program)
}

/// The runs of one training step.
fn training_step(samples: usize, slot: usize) -> [Run; 2] {
    let step = Step {
        samples: samples as u32,
        slot: slot as u32,
        first_index: (slot * CAPACITY) as u32,
        inverse_samples: 1.0 / samples as f32,
        learning_rate: 0.05,
        ..Step::default()
    };
    [PlanKind::Gradients, PlanKind::Update].map(|plan| Run::new(plan, step))
}

fn read(engine: &mut CpuEngine, slice: Slice) -> Vec<u32> {
    ready(engine.read(&[slice])).unwrap().remove(0)
}

#[test]
fn training_lowers_the_loss_and_counts_what_it_sees() {
    let (mut engine, program) = loaded(2);
    let mut losses = Vec::new();
    for step in 0..30 {
        engine.submit(&training_step(CAPACITY, step % SLOTS)).unwrap();
        let figures = read(&mut engine, program.metrics_slot(step % SLOTS));
        assert_eq!(figures[2..], [CAPACITY as u32, 0], "step {step}");
        losses.push(f32::from_bits(figures[0]) / CAPACITY as f32);
    }
    assert!((losses[0] - 10f32.ln()).abs() < 0.5, "{losses:?}");
    assert!(losses[29] < 0.3 * losses[0], "{losses:?}");
    assert_eq!(read(&mut engine, program.metrics_slot(29 % SLOTS))[1], CAPACITY as u32);
}

#[test]
fn training_gives_the_same_bits_with_any_number_of_threads_and_submissions() {
    let trained = |threads: usize, together: bool| {
        let (mut engine, program) = loaded(threads);
        // The second run is short.
        let runs: Vec<Run> =
            [(CAPACITY, 0), (3, 1), (CAPACITY, 2)].iter().flat_map(|&(n, s)| training_step(n, s)).collect();
        if together {
            engine.submit(&runs).unwrap();
        } else {
            runs.iter().for_each(|run| engine.submit(&[*run]).unwrap());
        }
        let chunk = &program.chunks[0];
        ready(engine.read(&[chunk.parameters, chunk.states[0], program.metrics])).unwrap()
    };
    let expected = trained(1, true);
    assert!(expected == trained(2, true), "two threads");
    assert!(expected == trained(3, true), "three threads");
    assert!(expected == trained(1, false), "six submissions");
}

#[test]
fn a_broken_step_changes_no_parameter() {
    let (mut engine, program) = loaded(2);
    let parameters = program.chunks[0].parameters;
    engine.write(parameters, &[f32::NAN.to_bits()]).unwrap();
    let before = read(&mut engine, parameters);
    engine.submit(&training_step(CAPACITY, 0)).unwrap();
    assert_eq!(read(&mut engine, program.flag)[0], 1);
    assert!(read(&mut engine, parameters) == before);
    assert_eq!(read(&mut engine, program.metrics_slot(0))[3], 1);
}

#[test]
fn what_is_written_is_read_and_loading_again_clears_it() {
    let (mut engine, program) = loaded(1);
    engine.write(program.metrics_slot(1), &[1, 2, 3]).unwrap();
    assert_eq!(read(&mut engine, program.metrics_slot(1)), [1, 2, 3, 0]);
    assert_eq!(read(&mut engine, program.metrics), [0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0][..program.metrics.bytes / 4]);
    let mut progress = Vec::new();
    ready(engine.load(program.clone(), &mut |done, all| progress.push((done, all)))).unwrap();
    assert_eq!(progress.last(), Some(&(1, 1)));
    assert!(read(&mut engine, program.metrics).iter().all(|word| *word == 0));
}

#[test]
fn a_profile_has_a_time_for_each_step_and_does_the_work() {
    let (mut engine, program) = loaded(2);
    let [run, _] = training_step(CAPACITY, 2);
    let times = ready(engine.profile(run)).unwrap().unwrap();
    let steps: Vec<usize> = times.iter().map(|time| time.step).collect();
    assert_eq!(steps, (0..program.plan(PlanKind::Gradients).steps.len()).collect::<Vec<_>>());
    assert!(times.iter().all(|time| time.seconds > 0.0));
    assert_eq!(read(&mut engine, program.metrics_slot(2))[2], CAPACITY as u32);
    let part = Run::part(PlanKind::Gradients, run.step, 2..4);
    let times = ready(engine.profile(part)).unwrap().unwrap();
    assert_eq!(times.iter().map(|time| time.step).collect::<Vec<_>>(), [2, 3], "by their places in the plan");
}

#[test]
fn a_plan_that_breaks_the_rules_is_refused() {
    let mut program = program();
    let step = &mut program.plans[0].steps[1];
    step.reads[0] = Slice { buffer: step.writes[0].buffer, ..step.reads[0] };
    let error = ready(engine(1).load(Rc::new(program), &mut |_, _| ())).unwrap_err();
    assert!(matches!(error, EngineError::Refused { .. }), "{error}");
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    let mut program = program();
    program.buffers[0].bytes = isize::MAX as usize - 4096;
    let error = ready(engine(1).load(Rc::new(program), &mut |_, _| ())).unwrap_err();
    let EngineError::OutOfMemory { bytes, what, .. } = &error else { panic!("{error}") };
    assert_eq!((*bytes, what.as_str()), (isize::MAX as usize - 4096, "parameters 0"));
}

#[test]
fn ceilings_are_measured() {
    let ceilings = ready(engine(2).ceilings()).unwrap().unwrap();
    // A tenth of what the slowest phone reaches.
    assert!(ceilings.flops_per_second > 1e8, "{ceilings:?}");
    assert!(ceilings.copy_bytes_per_second > 1e8, "{ceilings:?}");
}
