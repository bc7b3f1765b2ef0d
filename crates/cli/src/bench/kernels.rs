//! The time of each kernel of a training step.

use convoke::block_on;
use convoke::engine::{Ceilings, Run};
use convoke::plan::{PlanKind, PlanStep, Program, Slice};
use convoke::prelude::Session;
use convoke::step::Step;
use serde::Serialize;

use crate::failure::Result;

/// How often each kernel is timed: what is told is the median.
const TIMES: usize = 5;

/// What one kernel of a training step takes.
#[derive(Debug, Serialize)]
pub struct KernelTime {
    /// The plan: "gradients" or "update".
    pub plan: String,
    /// The layer, or what the step does.
    pub label: String,
    /// The kernel.
    pub kernel: &'static str,
    /// Its time: the median of five.
    pub microseconds: f64,
    /// The shortest and the longest of them.
    pub range: [f64; 2],
    /// Operations a second, in thousand millions.
    pub gflops_per_second: f64,
    /// Bytes read and written a second, in thousand millions: each that it binds once, whatever the caches do.
    pub gbytes_per_second: f64,
    /// The larger of its shares of the device's two ceilings, 0 to 1; `None` where these are not known.
    pub share_of_ceiling: Option<f64>,
}

/// Times each kernel, or `None` where the device can't tell.
pub fn measure(session: &mut Session, ceilings: Option<&Ceilings>) -> Result<Option<Vec<KernelTime>>> {
    let samples = session.program().capacity;
    // The entry of the ring holds indices that an earlier step has left; with a rate of 0 no weight changes.
    let step = Step { samples: samples as u32, inverse_samples: 1.0 / samples as f32, ..Step::default() };
    let mut times = Vec::new();
    for plan in [PlanKind::Gradients, PlanKind::Update] {
        let mut runs: Vec<Vec<f64>> = vec![Vec::new(); session.program().plan(plan).steps.len()];
        for _ in 0..TIMES {
            let Some(profile) = block_on(session.engine_mut().profile(Run::new(plan, step)))? else { return Ok(None) };
            profile.iter().for_each(|time| runs[time.step].push(time.seconds));
        }
        let program = session.program();
        let steps = program.plan(plan).steps.iter().zip(runs);
        times.extend(steps.map(|(step, runs)| kernel_time(program, plan, step, runs, ceilings)));
    }
    Ok(Some(times))
}

fn kernel_time(
    program: &Program,
    plan: PlanKind,
    step: &PlanStep,
    mut runs: Vec<f64>,
    ceilings: Option<&Ceilings>,
) -> KernelTime {
    runs.sort_by(f64::total_cmp);
    // A clock that is too coarse for a kernel shows nothing: no figure is better than an infinite one.
    let seconds = runs.get(runs.len() / 2).copied().unwrap_or(0.0);
    let per_second = |count: f64| if seconds > 0.0 { count / seconds } else { 0.0 };
    let flops = per_second(step.kernel.flops().at(program.capacity) as f64);
    let bytes = per_second(moved_bytes(program, plan, step) as f64);
    let share = |c: &Ceilings| (flops / c.flops_per_second).max(bytes / c.copy_bytes_per_second);
    KernelTime {
        plan: program.plan(plan).name.clone(),
        label: step.label.clone(),
        kernel: step.kernel.stem(),
        microseconds: seconds * 1e6,
        range: [runs.first(), runs.last()].map(|seconds| seconds.copied().unwrap_or(0.0) * 1e6),
        gflops_per_second: flops / 1e9,
        gbytes_per_second: bytes / 1e9,
        share_of_ceiling: ceilings.map(share),
    }
}

/// The bytes that a step has to read and write at least.
fn moved_bytes(program: &Program, plan: PlanKind, step: &PlanStep) -> usize {
    let reads: usize = step.reads.iter().map(|slice| used_bytes(program, slice)).sum();
    let writes: usize = step.writes.iter().map(|slice| used_bytes(program, slice)).sum();
    // Parameters and the optimizer's state are read before they are written.
    reads + if plan == PlanKind::Update { 2 * writes } else { writes }
}

/// Of the dataset and the rings a step uses only its own samples.
fn used_bytes(program: &Program, slice: &Slice) -> usize {
    let of = |whole: Slice| whole.buffer == slice.buffer;
    match program.capacity {
        samples if of(program.pixels) => samples * program.picture_words * 4,
        samples if of(program.labels) || of(program.indices) => samples * 4,
        _ if of(program.metrics) => 16,
        _ => slice.bytes,
    }
}
