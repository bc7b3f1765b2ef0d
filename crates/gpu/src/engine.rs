//! The engine: buffers, submissions, answers.

use std::collections::HashSet;
use std::future::ready;
use std::rc::Rc;

use convoke_core::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::kernels::{Shader, Target};
use convoke_core::order::{arranged, ascending};
use convoke_core::plan::{PlanKind, PlanStep, Program, Slice};
use convoke_core::step::Step;

use crate::ahead::Ahead;
use crate::device::Device;
use crate::pipelines::{Dispatch, Pipelines, STEP_STRIDE};
use crate::readback::Mapping;

/// Runs of one submission; more are cut into several.
const RING: usize = 256;

/// Written bytes that the driver may hold back before it is given work: it frees them as that is done.
const UNSUBMITTED: usize = 16 << 20;

/// An engine on one adapter, opened by [`Adapter::open`](crate::Adapter::open).
#[derive(Debug)]
pub struct GpuEngine {
    pub(crate) device: Device,
    pipelines: Pipelines,
    loaded: Option<Loaded>,
    unsubmitted: usize,
}

/// A program on the device.
#[derive(Debug)]
struct Loaded {
    buffers: Vec<wgpu::Buffer>,
    ring: wgpu::Buffer,
    /// The steps of each plan, in the order of [`PlanKind::ALL`].
    plans: Vec<Vec<Dispatch>>,
    later: Option<Later>,
}

/// Going over, a few shaders at a time, to those that take longer to compile, run faster and compute the same bits.
#[derive(Debug)]
struct Later {
    /// Submissions until it begins: the first ones are waited for.
    wait: usize,
    program: Rc<Program>,
    /// The steps to go over, the next ones last.
    steps: Vec<Other>,
    /// The texts that are being compiled.
    ahead: Option<(Ahead, Vec<String>)>,
}

/// A step, by its plan and its position there, with another shader.
type Other = (PlanKind, usize, Shader);

/// The submissions before a run goes over to anything.
const SETTLED: usize = 3;

/// Shaders to go over to that are compiled at once: where the processor is the device, steps and the answer to a stop need it too.
const AT_ONCE: usize = 2;

/// Shaders of a new program that are compiled at once: enough for any browser's threads, and few enough to be done soon where the program is
/// given up meanwhile, since a browser goes on with all that it has begun.
const AHEAD: usize = 16;

/// Memory is given back at once: a browser would otherwise keep it until it next collects its garbage.
impl Drop for Loaded {
    fn drop(&mut self) {
        self.buffers.iter().for_each(wgpu::Buffer::destroy);
        self.ring.destroy();
    }
}

impl GpuEngine {
    pub(crate) fn new(device: Device, target: Target) -> Self {
        Self { device, pipelines: Pipelines::new(target), loaded: None, unsubmitted: 0 }
    }

    fn loaded(&self) -> &Loaded {
        self.loaded.as_ref().expect("a program is loaded before it is used")
    }

    async fn allocate(&self, program: &Program) -> Result<(Vec<wgpu::Buffer>, wgpu::Buffer), EngineError> {
        use wgpu::BufferUsages as Usage;
        let scope = self.device.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let usage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let create =
            |b: &convoke_core::plan::Buffer| self.device.buffer(&b.label, b.bytes.next_multiple_of(STEP_STRIDE), usage);
        let buffers = program.buffers.iter().map(create).collect();
        let ring = self.device.buffer("step blocks", RING * STEP_STRIDE, Usage::UNIFORM | Usage::COPY_DST);
        match scope.pop().await {
            None => Ok((buffers, ring)),
            Some(_) => Err(EngineError::OutOfMemory {
                name: self.device.info.name.clone(),
                what: "the model, its activations and the pictures".into(),
                bytes: program.bytes(),
            }),
        }
    }

    async fn load_program(
        &mut self,
        program: Rc<Program>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), EngineError> {
        self.loaded = None;
        let (buffers, ring) = self.allocate(&program).await?;
        let mut loaded = Loaded { buffers, ring, plans: Vec::new(), later: None };
        self.pipelines.begin();
        let steps: Vec<_> = program.plans.iter().flat_map(|plan| &plan.steps).collect();
        let shaders: Vec<Shader> = steps.iter().map(|step| self.pipelines.shader(step)).collect();
        // The longest first: that fills a browser's threads best. What is done is told when it is.
        let order = ascending(shaders.iter().map(|shader| u64::MAX - shader.source.len() as u64));
        let mut texts = HashSet::new();
        let new = order.iter().map(|&at| &shaders[at]);
        let new = new.filter(|shader| !self.pipelines.has(shader) && texts.insert(&shader.source));
        let mut new = new.collect::<Vec<&Shader>>().into_iter();
        let mut ahead = Ahead::begin(&self.device, new.by_ref().take(AHEAD));
        let mut dispatches: Vec<Option<Dispatch>> = steps.iter().map(|_| None).collect();
        for (done, at) in (1..).zip(order) {
            let (step, shader) = (steps[at], shaders[at].clone());
            // The browser keeps what it has compiled for as long as this.
            let _compiled = ahead.wait(&shader).await;
            let (dispatch, fresh) = self.pipelines.dispatch(&self.device, step, shader, &loaded.buffers, &loaded.ring);
            if fresh {
                self.warm(&dispatch);
                new.by_ref().take(1).for_each(|shader| ahead.add(&self.device, shader));
            }
            dispatches[at] = Some(dispatch);
            progress(done, steps.len());
        }
        self.pipelines.end();
        let mut dispatches = dispatches.into_iter().flatten();
        loaded.plans = program.plans.iter().map(|plan| dispatches.by_ref().take(plan.steps.len()).collect()).collect();
        // Natively nothing is compiled beside the steps, and going over would halt them. Where nothing is trained, few steps are to come.
        let goes_over = cfg!(target_family = "wasm") && !program.plan(PlanKind::Gradients).steps.is_empty();
        loaded.later = goes_over.then(|| Later { wait: SETTLED, program, steps: Vec::new(), ahead: None });
        self.loaded = Some(loaded);
        self.device.settle().await;
        self.device.check("the program")
    }

    /// Comes a submission closer to shaders that run faster: takes the next one if it is compiled, and begins the one behind it.
    fn go_over(&mut self) {
        let Some(loaded) = &mut self.loaded else { return };
        let Some(later) = &mut loaded.later else { return };
        if later.wait > 0 {
            later.wait -= 1;
            if later.wait == 0 {
                later.steps = faster(&self.pipelines, &later.program);
            }
            return;
        }
        if later.steps.is_empty() {
            loaded.later = None;
            self.pipelines.keep(loaded.plans.iter().flatten());
            return;
        }
        let (ahead, sources) = later.ahead.get_or_insert_with(|| begin(&self.device, &later.steps));
        if !ahead.ready() {
            return;
        }
        for (plan, at, shader) in later.steps.extract_if(.., |(.., shader)| sources.contains(&shader.source)) {
            let step = &later.program.plan(plan).steps[at];
            let (dispatch, _) = self.pipelines.dispatch(&self.device, step, shader, &loaded.buffers, &loaded.ring);
            loaded.plans[plan as usize][at] = dispatch;
        }
        later.ahead = None;
        self.go_over();
    }

    /// Runs one workgroup on no samples. Some drivers translate a pipeline when it is first run: so they begin now, beside the
    /// compilation of the next one, and not in the first step. The step block and all buffers are still zeros, and stay so
    /// where a run relies on it: no samples, no gradient and no rate change no state.
    fn warm(&self, dispatch: &Dispatch) {
        let mut encoder = self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&dispatch.pipeline);
        pass.set_bind_group(0, &dispatch.bind_group, &[0]);
        pass.dispatch_workgroups(1, 1, 1);
        drop(pass);
        self.device.queue.submit([encoder.finish()]);
    }

    /// Encodes runs whose step blocks lie in the ring, from its start.
    fn encode(&self, runs: &[Run]) -> wgpu::CommandBuffer {
        let mut encoder = self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (entry, run) in runs.iter().enumerate() {
            for dispatch in run.of(&self.loaded().plans[run.plan as usize]) {
                record(&mut pass, dispatch, entry, run.step.samples as usize);
            }
        }
        drop(pass);
        encoder.finish()
    }

    fn write_ring(&self, runs: &[Run]) {
        let mut bytes = vec![0; runs.len() * STEP_STRIDE];
        for (run, block) in runs.iter().zip(bytes.chunks_mut(STEP_STRIDE)) {
            block[..size_of::<Step>()].copy_from_slice(bytemuck::bytes_of(&run.step));
        }
        self.device.queue.write_buffer(&self.loaded().ring, 0, &bytes);
    }

    /// Runs each step of a plan in a pass of its own, between two timestamps.
    async fn time_steps(&mut self, run: Run) -> Result<Option<Vec<StepTime>>, EngineError> {
        let device = &self.device.device;
        let dispatches = run.of(&self.loaded().plans[run.plan as usize]);
        let count = 2 * dispatches.len() as u32;
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) || count > wgpu::QUERY_SET_MAX_QUERIES {
            return Ok(None);
        }
        if count == 0 {
            return Ok(Some(Vec::new()));
        }
        self.write_ring(&[run]);
        let query_set = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("steps"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for (index, dispatch) in dispatches.iter().enumerate() {
            let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
                query_set: &query_set,
                beginning_of_pass_write_index: Some(2 * index as u32),
                end_of_pass_write_index: Some(2 * index as u32 + 1),
            });
            let label = Some(dispatch.label.as_str());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label, timestamp_writes });
            record(&mut pass, dispatch, 0, run.step.samples as usize);
        }
        use wgpu::BufferUsages as Usage;
        let bytes = count as usize * 8;
        let resolved = self.device.buffer("timestamps", bytes, Usage::QUERY_RESOLVE | Usage::COPY_SRC);
        let staging = self.device.buffer("timestamps", bytes, Usage::COPY_DST | Usage::MAP_READ);
        encoder.resolve_query_set(&query_set, 0..count, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, bytes as u64);
        self.device.queue.submit([encoder.finish()]);
        let words = Mapping::new(self.device.clone(), staging).await?;
        let ticks: Vec<u64> =
            words.as_chunks::<2>().0.iter().map(|&[low, high]| u64::from(high) << 32 | u64::from(low)).collect();
        let period = f64::from(self.device.queue.get_timestamp_period()) * 1e-9;
        let times = (run.first_step()..).zip(ticks.as_chunks::<2>().0);
        let times =
            times.map(|(step, [start, end])| StepTime { step, seconds: end.saturating_sub(*start) as f64 * period });
        Ok(Some(times.collect()))
    }
}

/// The steps that other shaders would do faster: the longest last, for these gain most.
fn faster(pipelines: &Pipelines, program: &Program) -> Vec<Other> {
    let Some(target) = pipelines.target().later() else { return Vec::new() };
    let plans = PlanKind::ALL.into_iter();
    let steps = plans.flat_map(|kind| program.plan(kind).steps.iter().enumerate().map(move |at| (kind, at)));
    let other = |(kind, (at, step)): (PlanKind, (usize, &PlanStep))| {
        let shader = step.kernel.shader(target);
        (shader != pipelines.shader(step)).then_some((kind, at, shader))
    };
    let steps: Vec<Other> = steps.filter_map(other).collect();
    let order = ascending(steps.iter().map(|(.., shader)| shader.source.len() as u64));
    arranged(steps, &order)
}

/// Begins to compile the next few shaders.
fn begin(device: &Device, steps: &[Other]) -> (Ahead, Vec<String>) {
    let mut next: Vec<&Shader> = Vec::new();
    for (.., shader) in steps.iter().rev() {
        if next.len() < AT_ONCE && next.iter().all(|other| other.source != shader.source) {
            next.push(shader);
        }
    }
    let sources = next.iter().map(|shader| shader.source.clone()).collect();
    (Ahead::begin(device, next.into_iter()), sources)
}

/// Adds a step to a pass. `entry` is its step block's place in the ring.
fn record(pass: &mut wgpu::ComputePass<'_>, dispatch: &Dispatch, entry: usize, samples: usize) {
    let [x, y, z] = dispatch.shader.workgroups(samples);
    pass.set_pipeline(&dispatch.pipeline);
    pass.set_bind_group(0, &dispatch.bind_group, &[(entry * STEP_STRIDE) as u32]);
    pass.dispatch_workgroups(x, y, z);
}

impl Engine for GpuEngine {
    fn info(&self) -> &DeviceInfo {
        &self.device.info
    }

    fn limits(&self) -> Limits {
        let limits = self.device.device.limits();
        let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Limits {
            max_binding_bytes: bytes(limits.max_storage_buffer_binding_size),
            max_buffer_bytes: bytes(limits.max_buffer_size),
            max_storage_buffers: limits.max_storage_buffers_per_shader_stage as usize,
            offset_alignment: STEP_STRIDE,
        }
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        Box::pin(self.load_program(program, progress))
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        assert!(bytes.len() <= slice.bytes, "{} bytes don't fit into {slice:?}", bytes.len());
        self.device.queue.write_buffer(&self.loaded().buffers[slice.buffer.0], slice.offset as u64, bytes);
        self.unsubmitted += bytes.len();
        if self.unsubmitted > UNSUBMITTED {
            self.device.queue.submit([]);
            self.unsubmitted = 0;
        }
        self.device.check("a write")
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        self.go_over();
        for runs in runs.chunks(RING) {
            self.write_ring(runs);
            let commands = self.encode(runs);
            self.device.queue.submit([commands]);
        }
        self.unsubmitted = 0;
        self.device.check("a submission")
    }

    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        use wgpu::BufferUsages as Usage;
        let lengths: Vec<usize> = slices.iter().map(|s| s.bytes / 4).collect();
        let total: usize = slices.iter().map(|s| s.bytes).sum();
        if total == 0 {
            return Box::pin(ready(Ok(vec![Vec::new(); slices.len()])));
        }
        let staging = self.device.buffer("answer", total, Usage::COPY_DST | Usage::MAP_READ);
        let mut encoder = self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut end = 0;
        for slice in slices {
            let buffer = &self.loaded().buffers[slice.buffer.0];
            encoder.copy_buffer_to_buffer(buffer, slice.offset as u64, &staging, end, slice.bytes as u64);
            end += slice.bytes as u64;
        }
        self.device.queue.submit([encoder.finish()]);
        let mapping = Mapping::new(self.device.clone(), staging);
        Box::pin(async move {
            let words = mapping.await?;
            if lengths.len() == 1 {
                return Ok(vec![words]);
            }
            let mut rest = words.as_slice();
            let piece = |length| {
                let (piece, after) = rest.split_at(length);
                rest = after;
                piece.to_vec()
            };
            Ok(lengths.into_iter().map(piece).collect())
        })
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        Box::pin(self.time_steps(run))
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        Box::pin(crate::ceilings::measure(&self.device))
    }
}

/// The plans are found by their kind's position.
const _: () = assert!(PlanKind::ALL[PlanKind::Predict as usize] as usize == PlanKind::Predict as usize);
