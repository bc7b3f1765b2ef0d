//! Every kernel, on every adapter, written for either kind of device, against plain loops: varied shapes, each kind of epilogue, short batches on a larger plan.

mod cases;
mod naive;

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cases::{CAPACITY, Case, cases};
use convoke_core::engine::{Engine, Run};
use convoke_core::kernels::Target;
use convoke_core::plan::{Buffer, BufferId, Plan, PlanKind, PlanStep, Program, Role, Slice};
use convoke_gpu::GpuEngine;
use naive::Expected;

/// What lies behind the elements of a run: a kernel must not touch it.
const UNTOUCHED: u32 = 0x1234_5678;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park_timeout(Duration::from_micros(100)),
        }
    }
}

/// A program of one step, each of whose slices is a buffer of its own.
fn program(case: &Case) -> Program {
    let mut buffers = Vec::new();
    let mut place = |words: &Vec<u32>| {
        buffers.push(Buffer { label: "tensor".into(), bytes: words.len() * 4, role: Role::Activations });
        Slice { buffer: BufferId(buffers.len() - 1), offset: 0, bytes: words.len() * 4 }
    };
    let reads: Vec<Slice> = case.reads.iter().map(&mut place).collect();
    let writes: Vec<Slice> = case.writes.iter().map(&mut place).collect();
    let any = writes[0];
    let step = PlanStep { kernel: case.kernel.clone(), label: "case".into(), reads, writes };
    let plan = |steps| Plan { name: "case".into(), steps, exchanges: Vec::new() };
    Program {
        capacity: CAPACITY,
        slots: 1,
        buffers,
        plans: vec![plan(vec![step]), plan(vec![]), plan(vec![]), plan(vec![]), plan(vec![])],
        parameters: vec![],
        chunks: vec![],
        ranges: vec![],
        pixels: any,
        pictures: 1,
        picture_words: 1,
        labels: any,
        indices: any,
        augmentation: None,
        class_weights: None,
        metrics: any,
        tallies: any,
        flag: any,
        logits: any,
        classes: 1,
    }
}

/// What is wrong with a slice, if anything.
fn differs(expected: &Expected, found: &[u32]) -> Option<String> {
    let (length, wrong) = match expected {
        Expected::Words(words) => (words.len(), words.iter().zip(found).position(|(a, b)| a != b)),
        Expected::Floats(values) => {
            let right = |(value, size): &(f64, f64), found: f64| {
                (value.is_nan() && found.is_nan()) || (value - found).abs() <= 1e-5 * size + 1e-12
            };
            let found = found.iter().map(|&w| f64::from(f32::from_bits(w)));
            (values.len(), values.iter().zip(found).position(|(v, found)| !right(v, found)))
        }
    };
    if let Some(at) = wrong {
        let wanted = match expected {
            Expected::Words(words) => format!("{:#x}", words[at]),
            Expected::Floats(values) => format!("{}", values[at].0),
        };
        return Some(format!("element {at} is {} ({:#x}) instead of {wanted}", f32::from_bits(found[at]), found[at]));
    }
    let touched = found[length..].iter().position(|&w| w != UNTOUCHED)?;
    Some(format!("element {} behind the run's {length} was written", length + touched))
}

/// What the device leaves where a case writes.
fn outcome(engine: &mut GpuEngine, case: &Case) -> Vec<Vec<u32>> {
    let program = Rc::new(program(case));
    block_on(engine.load(program.clone(), &mut |_, _| ())).expect("the program loads");
    let step = &program.plans[0].steps[0];
    for (slice, words) in step.reads.iter().zip(&case.reads).chain(step.writes.iter().zip(&case.writes)) {
        engine.write(*slice, words).expect("the device takes data");
    }
    engine.submit(&[Run::new(PlanKind::Gradients, case.step)]).expect("the device takes work");
    block_on(engine.read(&step.writes)).expect("the device answers")
}

fn check(engine: &mut GpuEngine, case: &Case) -> Vec<String> {
    let found = outcome(engine, case);
    let expected = naive::run(&case.kernel, &case.reads, &case.writes, &case.step);
    assert_eq!(expected.len(), found.len(), "{:?}", case.kernel);
    let pairs = expected.iter().zip(&found).enumerate();
    let wrong = pairs.filter_map(|(i, (expected, found))| Some((i, differs(expected, found)?)));
    wrong
        .map(|(i, problem)| format!("{:?}, {} samples, write {i}: {problem}", case.kernel, case.step.samples))
        .collect()
}

#[test]
fn every_kernel_computes_what_plain_loops_compute() {
    let adapters = block_on(convoke_gpu::adapters());
    assert!(!adapters.is_empty(), "there is no adapter: install a Vulkan driver, such as mesa-vulkan-drivers");
    let mut failures = Vec::new();
    let targets = Target::ALL;
    for (adapter, target) in adapters.iter().flat_map(|a| targets.map(|t| (a, t))) {
        let mut engine = block_on(adapter.open_for(target)).expect("the adapter opens");
        for case in cases() {
            let problems = check(&mut engine, &case).into_iter();
            failures.extend(problems.map(|p| format!("{} for {target:?}: {p}", adapter.info().name)));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn what_a_run_goes_over_to_computes_the_same_bits() {
    let mut failures = Vec::new();
    for adapter in block_on(convoke_gpu::adapters()) {
        for target in Target::ALL {
            let Some(later) = target.later() else { continue };
            let mut engines =
                [target, later].map(|target| block_on(adapter.open_for(target)).expect("the adapter opens"));
            let other = |case: &Case| case.kernel.shader(target).source != case.kernel.shader(later).source;
            let others: Vec<Case> = cases().into_iter().filter(other).collect();
            assert!(!others.is_empty(), "all tiles of {later:?} are those of {target:?}");
            for case in others {
                let [first, second] = engines.each_mut().map(|engine| outcome(engine, &case));
                if first != second {
                    failures.push(format!("{}: {:?}", adapter.info().name, case.kernel));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
