//! The engine: buffers in main memory, and plans run step by step. A submission is finished when the call returns.

use std::num::NonZeroUsize;
use std::rc::Rc;

use bytemuck::Zeroable;
use convoke_core::engine::{Ceilings, DeviceInfo, DeviceKind, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::order::ascending;
use convoke_core::plan::{PlanStep, Program, Slice, validate};
use convoke_core::step::Step;

use crate::context::{Context, Line};
use crate::kernels;

/// Bytes in a word.
const WORD: usize = 4;

/// The CPU as a device.
pub struct CpuEngine {
    context: Context,
    info: DeviceInfo,
    loaded: Option<Loaded>,
}

struct Loaded {
    program: Rc<Program>,
    buffers: Vec<Vec<Line>>,
}

impl CpuEngine {
    /// An engine with that many threads, or one for each processor that the process may run on.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where the operating system refuses the threads.
    pub fn new(threads: Option<NonZeroUsize>) -> Result<Self, EngineError> {
        let name = processor();
        let context = Context::new(threads).map_err(|reason| EngineError::Refused {
            name: name.clone(),
            what: threads.map_or("a thread for each processor".into(), |n| format!("{n} threads")),
            reason,
        })?;
        let threads = context.threads();
        let driver = format!("{threads} thread{}, {}", if threads == 1 { "" } else { "s" }, context.instructions());
        let info = DeviceInfo { name, kind: DeviceKind::Cpu, backend: "cpu".into(), driver };
        Ok(Self { context, info, loaded: None })
    }

    fn allocate(&self, program: &Program) -> Result<Vec<Vec<Line>>, EngineError> {
        let allocate = |buffer: &convoke_core::plan::Buffer| {
            let lines = buffer.bytes.div_ceil(size_of::<Line>());
            let mut memory = Vec::new();
            memory.try_reserve_exact(lines).map_err(|_| EngineError::OutOfMemory {
                name: self.info.name.clone(),
                what: buffer.label.clone(),
                bytes: buffer.bytes,
            })?;
            memory.resize(lines, Line::zeroed());
            Ok(memory)
        };
        program.buffers.iter().map(allocate).collect()
    }

    fn loaded(&mut self) -> &mut Loaded {
        self.loaded.as_mut().expect("a program is loaded before it is used")
    }
}

/// The processor's name, as it gives it itself.
fn processor() -> String {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(brand) = raw_cpuid::CpuId::new().get_processor_brand_string() {
        return brand.as_str().trim().to_string();
    }
    if cfg!(target_family = "wasm") {
        return "the CPU, by WebAssembly".into();
    }
    format!("{} processor", std::env::consts::ARCH)
}

/// Runs one step of a plan.
fn run_step(context: &Context, buffers: &mut [Vec<Line>], step: &PlanStep, block: &Step) {
    // The validator has seen that no step reads what it writes, and that its writes don't overlap.
    let mut read: Vec<&[u32]> = Vec::with_capacity(buffers.len());
    let mut writes: Vec<Option<&mut [u32]>> = step.writes.iter().map(|_| None).collect();
    for (id, buffer) in buffers.iter_mut().enumerate() {
        let words: &mut [u32] = bytemuck::cast_slice_mut(buffer);
        let pieces: Vec<usize> = (0..step.writes.len()).filter(|&i| step.writes[i].buffer.0 == id).collect();
        if pieces.is_empty() {
            read.push(words);
            continue;
        }
        let order = ascending(pieces.iter().map(|&i| step.writes[i].offset as u64));
        let (mut rest, mut start) = (words, 0);
        for i in order.into_iter().map(|position| pieces[position]) {
            let Slice { offset, bytes, .. } = step.writes[i];
            let (_, from) = rest.split_at_mut(offset / WORD - start);
            let (piece, after) = from.split_at_mut(bytes / WORD);
            writes[i] = Some(piece);
            (rest, start) = (after, (offset + bytes) / WORD);
        }
        read.push(&[]);
    }
    let reads: Vec<&[u32]> =
        step.reads.iter().map(|s| &read[s.buffer.0][s.offset / WORD..][..s.bytes / WORD]).collect();
    let mut writes: Vec<&mut [u32]> = writes.into_iter().flatten().collect();
    kernels::run(&step.kernel, block, &reads, &mut writes, context);
}

impl Engine for CpuEngine {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Only memory limits the CPU. Slices begin at cache lines.
    fn limits(&self) -> Limits {
        let most = isize::MAX as usize;
        Limits {
            max_binding_bytes: most,
            max_buffer_bytes: most,
            max_storage_buffers: usize::MAX,
            offset_alignment: size_of::<Line>(),
        }
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        Box::pin(async move {
            self.loaded = None;
            // A program for another device's limits is as good, as long as the words of its slices are whole.
            let limits = Limits { offset_alignment: WORD, ..self.limits() };
            validate(&program, &limits).map_err(|error| EngineError::Refused {
                name: self.info.name.clone(),
                what: "the program".into(),
                reason: error.to_string(),
            })?;
            let buffers = self.allocate(&program)?;
            self.loaded = Some(Loaded { program, buffers });
            progress(1, 1);
            Ok(())
        })
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        let buffer: &mut [u32] = bytemuck::cast_slice_mut(&mut self.loaded().buffers[slice.buffer.0]);
        let target = &mut buffer[slice.offset / WORD..][..slice.bytes / WORD];
        target[..words.len()].copy_from_slice(words);
        Ok(())
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        let Self { context, loaded, .. } = self;
        let Loaded { program, buffers } = loaded.as_mut().expect("a program is loaded before it is run");
        let program: &Program = program;
        context.install(|| {
            for run in runs {
                for step in run.of(&program.plan(run.plan).steps) {
                    run_step(context, buffers, step, &run.step);
                }
            }
        });
        Ok(())
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        let buffers = &self.loaded().buffers;
        let copy = |slice: &Slice| {
            let words: &[u32] = bytemuck::cast_slice(&buffers[slice.buffer.0]);
            words[slice.offset / WORD..][..slice.bytes / WORD].to_vec()
        };
        let copies = slices.iter().map(copy).collect();
        Box::pin(std::future::ready(Ok(copies)))
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        #[cfg(target_family = "wasm")]
        let times = {
            // There is no clock.
            let _ = run;
            Ok(None)
        };
        #[cfg(not(target_family = "wasm"))]
        let times = {
            let Self { context, loaded, .. } = self;
            let Loaded { program, buffers } = loaded.as_mut().expect("a program is loaded before it is run");
            let program: &Program = program;
            Ok(Some(context.install(|| {
                let time = |(i, step): (usize, &PlanStep)| {
                    let start = std::time::Instant::now();
                    run_step(context, buffers, step, &run.step);
                    StepTime { step: i, seconds: start.elapsed().as_secs_f64() }
                };
                (run.first_step()..).zip(run.of(&program.plan(run.plan).steps)).map(time).collect()
            })))
        };
        Box::pin(std::future::ready(times))
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        #[cfg(target_family = "wasm")]
        let ceilings = None;
        #[cfg(not(target_family = "wasm"))]
        let ceilings = Some(crate::ceilings::measure(&self.context));
        Box::pin(std::future::ready(Ok(ceilings)))
    }
}
