//! From a network to a program: differentiate, lower, fuse, place, validate.

use std::collections::HashMap;

use super::place::place;
use super::{Buffer, BufferId, Chunk, Place, Plan, PlanKind, PlanStep, Program, Role, Slice, fuse::fuse, validate};
use crate::autodiff::differentiate;
use crate::engine::Limits;
use crate::error::{Error, Result};
use crate::expr::{Broadcast, Expr};
use crate::graph::{Graph, ValueId};
use crate::kernels::{AugmentedGather, Finite, Gather, Map, Metrics, Rule, Tally, Update};
use crate::loss::{Labels, Loss};
use crate::lower::{LoweredStep, Lowering, TensorId};
use crate::model::Network;
use crate::ops::{Constant, Keep, Reduce};
use crate::shape::{Extent, TensorType};

/// What a program is made for.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// The most samples that one run holds.
    pub capacity: usize,
    /// Entries of the index and metrics rings: the most runs between two readings.
    pub slots: usize,
    /// Pictures that the device's memory holds at once.
    pub pictures: usize,
    /// How the batch comes out of the dataset's bytes.
    pub gather: Gather,
    /// How pictures are changed at random where gradients are computed, if they are: of the same [`Gather`] as above.
    pub augment: Option<AugmentedGather>,
    /// What is minimised.
    pub loss: Loss,
    /// The optimizer's rule; `None` for a program that only evaluates and predicts.
    pub rule: Option<Rule>,
    /// What the engine can bind.
    pub limits: Limits,
}

/// Makes the program that trains, evaluates and predicts with a network, and validates it.
///
/// # Errors
/// [`Error::NotDifferentiable`], [`Error::TooLarge`] with the numbers, or [`Error::Shape`] where the network's output is
/// not one row of classes a sample.
pub fn compile(network: &Network, options: &CompileOptions) -> Result<Program> {
    let mut graph = network.graph.clone();
    let (x, logits) = (network.input, network.output);
    graph.enter("loss");
    let mixed = options.augment.as_ref().is_some_and(|augment| augment.mixed);
    let labels = Labels::of(&options.loss, mixed, &mut graph, network.classes())?;
    let plain = options.loss.plain().apply(&mut graph, logits, &labels.plain())?;
    let is_plain = options.loss == options.loss.plain() && !mixed;
    let losses = if is_plain { plain } else { options.loss.apply(&mut graph, logits, &labels)? };
    let parameters: Vec<ValueId> = graph.parameters().map(|(id, ..)| id).collect();
    let gradients = match options.rule {
        Some(_) => gradients(&mut graph, losses, &parameters)?,
        None => Vec::new(),
    };
    let mut memory = Memory::new(&graph, network, options)?;
    let head = Head { x, labels, logits, losses, plain };
    let plans = PlanKind::ALL.map(|kind| -> Result<Plan> {
        let steps = match kind {
            PlanKind::Update => update_steps(&memory, options),
            PlanKind::Gradients if options.rule.is_none() => Vec::new(),
            PlanKind::Gradients => memory.run_steps(&graph, &head, &gradients, kind, options)?,
            PlanKind::Evaluate | PlanKind::Predict => memory.run_steps(&graph, &head, &[], kind, options)?,
        };
        Ok(Plan { name: format!("{kind:?}").to_lowercase(), steps })
    });
    let plans = plans.into_iter().collect::<Result<Vec<Plan>>>()?;
    let program = memory.program(plans, options, network.classes());
    validate(&program, &options.limits)?;
    Ok(program)
}

/// The values at a network's two ends.
struct Head {
    x: ValueId,
    labels: Labels,
    logits: ValueId,
    /// What is minimised.
    losses: ValueId,
    /// What evaluation reports.
    plain: ValueId,
}

/// The gradients of the mean loss over the global batch, for each parameter.
fn gradients(graph: &mut Graph, losses: ValueId, parameters: &[ValueId]) -> Result<Vec<Option<ValueId>>> {
    let loss = graph.apply1(Reduce { keep: Keep::Nothing, mean: true }, &[losses])?;
    let one = graph.apply1(Constant { value: 1.0, ty: TensorType::fixed([]) }, &[])?;
    differentiate(graph, &[(loss, one)], parameters)
}

/// The memory of a program under construction.
struct Memory {
    buffers: Vec<Buffer>,
    places: Vec<Place>,
    chunks: Vec<Chunk>,
    pixels: Slice,
    labels: Slice,
    indices: Slice,
    augmentation: Option<Slice>,
    class_weights: Option<Slice>,
    metrics: Slice,
    tallies: Slice,
    flag: Slice,
    logits: Slice,
    parameters: HashMap<TensorId, Slice>,
    gradients: Vec<Slice>,
    /// Activations come last: buffers from here on.
    first_arena: usize,
}

impl Memory {
    fn new(graph: &Graph, network: &Network, options: &CompileOptions) -> Result<Self> {
        let mut buffers = Vec::new();
        let states = options.rule.map_or(0, |rule| rule.states());
        let (places, lengths) = parameter_table(graph, &options.limits)?;
        let mut chunks = Vec::new();
        for (index, &length) in lengths.iter().enumerate() {
            let mut add = |what: &str, role| push(&mut buffers, format!("{what} {index}"), length * 4, role);
            let parameters = add("parameters", Role::Parameters);
            let training = options.rule.is_some();
            let gradients = if training { add("gradients", Role::Gradients) } else { parameters };
            let states =
                (0..states).map(|k| add(&format!("optimizer state {k}, part"), Role::OptimizerState)).collect();
            chunks.push(Chunk { parameters, gradients, states });
        }
        let slice = |whole: Slice, place: &Place| {
            let bytes = 4 * place.dims.iter().product::<usize>();
            Slice { buffer: whole.buffer, offset: place.offset * 4, bytes }
        };
        let parameters = graph.parameters().zip(&places);
        let parameters = parameters.map(|((id, ..), p)| (id.into(), slice(chunks[p.chunk].parameters, p))).collect();
        let gradients = places.iter().map(|p| slice(chunks[p.chunk].gradients, p)).collect();
        let mut add = |what: &str, bytes: usize, role| push(&mut buffers, what.to_string(), bytes, role);
        let pixels = add("pixels", options.pictures * options.gather.sample_words() * 4, Role::Pixels);
        let labels = add("labels", options.pictures * 4, Role::Labels);
        let indices = add("indices", options.slots * options.capacity * 4, Role::Indices);
        let runs = options.slots * options.capacity;
        let augmentation = options.augment.as_ref().filter(|_| options.rule.is_some());
        let augmentation =
            augmentation.map(|kernel| add("augmentation", runs * kernel.block_words() * 4, Role::Indices));
        let class_weights =
            options.loss.weighted.then(|| add("class weights", network.classes() * 4, Role::ClassWeights));
        let metrics = add("metrics", options.slots * 16, Role::Metrics);
        let tally = Tally::of_classes(network.classes());
        let tallies = add("tallies", tally.words(network.classes()) * 4, Role::Metrics);
        let flag = add("flag", 4, Role::Flag);
        let logits = add("logits", options.capacity.saturating_mul(network.classes() * 4), Role::Activations);
        let first_arena = buffers.len();
        Ok(Self {
            buffers,
            places,
            chunks,
            pixels,
            labels,
            indices,
            augmentation,
            class_weights,
            metrics,
            tallies,
            flag,
            logits,
            parameters,
            gradients,
            first_arena,
        })
    }

    /// The steps of a plan that begins with a batch.
    fn run_steps(
        &mut self,
        graph: &Graph,
        head: &Head,
        gradients: &[Option<ValueId>],
        kind: PlanKind,
        options: &CompileOptions,
    ) -> Result<Vec<PlanStep>> {
        let mut lowering = Lowering::new(graph);
        let mut pinned = self.parameters.clone();
        let mut outside = |slice: Slice| {
            let tensor = lowering.temporary(Extent::Fixed(slice.bytes / 4));
            pinned.insert(tensor, slice);
            tensor
        };
        let dataset = [self.pixels, self.labels, self.indices].map(&mut outside);
        let views = self.augmentation.filter(|_| kind == PlanKind::Gradients).map(&mut outside);
        let [metrics, tallies] = [self.metrics, self.tallies].map(&mut outside);
        let weights = head.labels.class_weights.zip(self.class_weights);
        pinned.extend(weights.map(|(value, slice)| (value.into(), slice)));

        lowering.enter("input");
        let mut batch = vec![head.x.into(), head.labels.first.into()];
        match (&options.augment, views) {
            (Some(kernel), Some(views)) => {
                batch.extend(head.labels.second.iter().flatten().map(|&value| TensorId::from(value)));
                lowering.step(kernel.clone(), [&dataset[..], &[views]].concat(), batch);
            }
            _ => lowering.step(options.gather.clone(), dataset, batch),
        }
        let training = kind == PlanKind::Gradients;
        let losses = match kind {
            PlanKind::Predict => None,
            PlanKind::Evaluate => Some(head.plain),
            PlanKind::Gradients | PlanKind::Update => Some(head.losses),
        };
        let mut wanted = vec![head.logits];
        wanted.extend(losses);
        wanted.extend(gradients.iter().flatten());
        lowering.lower(&wanted);
        if let Some(losses) = losses {
            lowering.enter("metrics");
            let reads = [head.logits, head.labels.first, losses].map(TensorId::from);
            let classes = graph.ty(head.logits).inner();
            let tally = if training { Tally::Nothing } else { Tally::of_classes(classes) };
            let writes = std::iter::once(metrics).chain((!training).then_some(tallies));
            lowering.step(Metrics { classes, tally }, reads, writes);
        }
        pin(&mut lowering, &mut pinned, head.logits.into(), self.logits);
        for (gradient, &slice) in gradients.iter().zip(&self.gradients) {
            if let Some(gradient) = gradient {
                pin(&mut lowering, &mut pinned, (*gradient).into(), slice);
            }
        }
        settle(&mut lowering, &pinned, options.capacity, &options.limits, &mut self.buffers, self.first_arena)
    }

    fn program(self, plans: Vec<Plan>, options: &CompileOptions, classes: usize) -> Program {
        Program {
            capacity: options.capacity,
            slots: options.slots,
            buffers: self.buffers,
            plans,
            parameters: self.places,
            chunks: self.chunks,
            pixels: self.pixels,
            pictures: options.pictures,
            picture_words: options.gather.sample_words(),
            labels: self.labels,
            indices: self.indices,
            augmentation: self.augmentation,
            class_weights: self.class_weights,
            metrics: self.metrics,
            tallies: self.tallies,
            flag: self.flag,
            logits: self.logits,
            classes,
        }
    }
}

/// Fuses lowered steps and gives every tensor of theirs a place: pinned ones where they were put, the others in arenas, which are
/// the buffers from `first_arena` on. Buffers grow, and are added, as these steps need them.
pub(super) fn settle(
    lowering: &mut Lowering<'_>,
    pinned: &HashMap<TensorId, Slice>,
    capacity: usize,
    limits: &Limits,
    buffers: &mut Vec<Buffer>,
    first_arena: usize,
) -> Result<Vec<PlanStep>> {
    let kept: Vec<TensorId> = pinned.keys().copied().collect();
    fuse(lowering, &kept, limits.max_storage_buffers);
    let bytes = |tensor| lowering.extent(tensor).at(capacity).saturating_mul(4);
    let placement = place(&lowering.steps, &bytes, pinned, limits, first_arena)?;
    for (arena, &bytes) in placement.arenas.iter().enumerate() {
        match buffers.get_mut(first_arena + arena) {
            Some(buffer) => buffer.bytes = buffer.bytes.max(bytes),
            None => _ = push(buffers, format!("activations {arena}"), bytes, Role::Activations),
        }
    }
    let slices = |tensors: &[TensorId]| tensors.iter().map(|t| placement.slices[t]).collect();
    let step = |s: &LoweredStep| PlanStep {
        kernel: s.kernel.clone(),
        label: s.label.clone(),
        reads: slices(&s.reads),
        writes: slices(&s.writes),
    };
    Ok(lowering.steps.iter().map(step).collect())
}

/// Makes `tensor` lie at `slice`: in place where it is made by a step and read by none that could collide with it, else by a copy.
pub(super) fn pin(lowering: &mut Lowering<'_>, pinned: &mut HashMap<TensorId, Slice>, tensor: TensorId, slice: Slice) {
    let source = lowering.resolve(tensor);
    let made = lowering.steps.iter().any(|s| s.writes.contains(&source));
    let shared = pinned.values().any(|s| s.buffer == slice.buffer);
    let read = shared && lowering.steps.iter().any(|s| s.reads.contains(&source));
    if made && !read && !pinned.contains_key(&source) {
        pinned.insert(source, slice);
        return;
    }
    let len = lowering.extent(source);
    let copy = lowering.temporary(len);
    let step = Map { len, expr: Expr::Input(0), operands: vec![Broadcast::Element] };
    lowering.step(step, [source], [copy]);
    pinned.insert(copy, slice);
}

/// Gradients are checked chunk by chunk, and only then is any parameter changed.
fn update_steps(memory: &Memory, options: &CompileOptions) -> Vec<PlanStep> {
    let Some(rule) = options.rule else { return Vec::new() };
    let len = |chunk: &Chunk| chunk.parameters.bytes / 4;
    let check = memory.chunks.iter().map(|chunk| PlanStep {
        kernel: Finite { len: len(chunk) }.into(),
        label: "gate".into(),
        reads: vec![chunk.gradients, memory.metrics],
        writes: vec![memory.flag],
    });
    let update = memory.chunks.iter().map(|chunk| PlanStep {
        kernel: Update { rule, len: len(chunk) }.into(),
        label: "update".into(),
        reads: vec![chunk.gradients, memory.flag],
        writes: std::iter::once(chunk.parameters).chain(chunk.states.iter().copied()).collect(),
    });
    check.chain(update).collect()
}

/// Lays the parameters one after another, each at a multiple of the binding alignment, in chunks that one binding can hold.
/// Returns each parameter's place and each chunk's length in elements.
fn parameter_table(graph: &Graph, limits: &Limits) -> Result<(Vec<Place>, Vec<usize>)> {
    let limit = limits.max_binding_bytes.min(limits.max_buffer_bytes) / 4;
    let alignment = limits.offset_alignment.div_ceil(4).max(64);
    let (mut places, mut lengths) = (Vec::new(), vec![0]);
    for (id, name, _) in graph.parameters() {
        let dims = graph.ty(id).dims.clone();
        let length = graph.ty(id).inner().next_multiple_of(alignment);
        if length > limit {
            let what = format!("the parameter {name}");
            return Err(Error::TooLarge { what, bytes: length * 4, limit: limit * 4 });
        }
        if lengths[lengths.len() - 1] + length > limit {
            lengths.push(0);
        }
        let chunk = lengths.len() - 1;
        places.push(Place { name: name.to_string(), dims, chunk, offset: lengths[chunk] });
        lengths[chunk] += length;
    }
    // A network without parameters still has a buffer, of one row, so that every program looks alike.
    lengths.iter_mut().for_each(|length| *length = (*length).max(alignment));
    Ok((places, lengths))
}

pub(super) fn push(buffers: &mut Vec<Buffer>, label: String, bytes: usize, role: Role) -> Slice {
    let bytes = bytes.max(16);
    buffers.push(Buffer { label, bytes, role });
    Slice { buffer: BufferId(buffers.len() - 1), offset: 0, bytes }
}
