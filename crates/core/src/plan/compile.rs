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
use crate::model::{Network, Pass};
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
    let Pass { graph, input, output } = network.training.clone();
    let mixed = options.augment.as_ref().is_some_and(|augment| augment.mixed);
    let mut training = Figured::new(graph, input, output, &options.loss, mixed)?;
    let inference = Figured::new(network.graph.clone(), network.input, network.output, &options.loss.plain(), false)?;
    let gradients = match options.rule {
        Some(_) => training.gradients()?,
        None => Vec::new(),
    };
    let mut memory = Memory::new(&training.graph, network, options)?;
    let plans = PlanKind::ALL.map(|kind| -> Result<Plan> {
        let steps = match kind {
            PlanKind::Update | PlanKind::Gradients if options.rule.is_none() => Vec::new(),
            PlanKind::Update => update_steps(&memory),
            PlanKind::Gradients => memory.run_steps(&training, &gradients, kind, options)?,
            PlanKind::Evaluate | PlanKind::Predict => memory.run_steps(&inference, &[], kind, options)?,
        };
        Ok(Plan { name: format!("{kind:?}").to_lowercase(), steps })
    });
    let plans = plans.into_iter().collect::<Result<Vec<Plan>>>()?;
    let program = memory.program(plans, options, network.classes());
    validate(&program, &options.limits)?;
    Ok(program)
}

/// A forward pass with the loss behind it.
struct Figured {
    graph: Graph,
    x: ValueId,
    labels: Labels,
    logits: ValueId,
    losses: ValueId,
}

impl Figured {
    fn new(mut graph: Graph, x: ValueId, logits: ValueId, loss: &Loss, mixed: bool) -> Result<Self> {
        graph.enter("loss");
        let classes = graph.ty(logits).inner();
        let labels = Labels::of(loss, mixed, &mut graph, classes)?;
        let losses = loss.apply(&mut graph, logits, &labels)?;
        Ok(Self { graph, x, labels, logits, losses })
    }

    /// What the update of each parameter follows: the gradient of the mean loss over the global batch, or the statistic of the step.
    fn gradients(&mut self) -> Result<Vec<Option<ValueId>>> {
        let graph = &mut self.graph;
        let loss = graph.apply1(Reduce { keep: Keep::Nothing, mean: true }, &[self.losses])?;
        let one = graph.apply1(Constant { value: 1.0, ty: TensorType::fixed([]) }, &[])?;
        let parameters: Vec<ValueId> = graph.parameters().map(|(id, ..)| id).collect();
        let learned: Vec<ValueId> = parameters.iter().copied().filter(|&id| graph.is_learned(id)).collect();
        let mut gradients = differentiate(graph, &[(loss, one)], &learned)?.into_iter();
        let statistic =
            |id| graph.running.iter().find(|running| running.parameter == id).map(|running| running.statistic);
        Ok(parameters
            .into_iter()
            .map(|id| if graph.is_learned(id) { gradients.next()? } else { statistic(id) })
            .collect())
    }
}

/// The memory of a program under construction.
struct Memory {
    buffers: Vec<Buffer>,
    places: Vec<Place>,
    chunks: Vec<Chunk>,
    ranges: Vec<Range>,
    pixels: Slice,
    labels: Slice,
    indices: Slice,
    augmentation: Option<Slice>,
    class_weights: Option<Slice>,
    metrics: Slice,
    tallies: Slice,
    flag: Slice,
    logits: Slice,
    /// Each parameter's slice, in the graphs' order.
    parameters: Vec<Slice>,
    gradients: Vec<Slice>,
    /// Activations come last: buffers from here on.
    first_arena: usize,
}

impl Memory {
    fn new(graph: &Graph, network: &Network, options: &CompileOptions) -> Result<Self> {
        let mut buffers = Vec::new();
        let states = options.rule.map_or(0, |rule| rule.states());
        let ParameterTable { places, lengths, ranges } = ParameterTable::new(graph, options)?;
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
        let parameters = places.iter().map(|p| slice(chunks[p.chunk].parameters, p)).collect();
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
            ranges,
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
        head: &Figured,
        gradients: &[Option<ValueId>],
        kind: PlanKind,
        options: &CompileOptions,
    ) -> Result<Vec<PlanStep>> {
        let graph = &head.graph;
        let mut lowering = Lowering::new(graph);
        let mut pinned: HashMap<TensorId, Slice> =
            graph.parameters().zip(&self.parameters).map(|((id, ..), &slice)| (id.into(), slice)).collect();
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
        let figures = kind != PlanKind::Predict;
        let mut wanted = vec![head.logits];
        wanted.extend(figures.then_some(head.losses));
        wanted.extend(gradients.iter().flatten());
        lowering.lower(&wanted);
        if figures {
            lowering.enter("metrics");
            let reads = [head.logits, head.labels.first, head.losses].map(TensorId::from);
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

/// Gradients are checked chunk by chunk, and only then is any parameter changed, range by range.
fn update_steps(memory: &Memory) -> Vec<PlanStep> {
    let check = memory.chunks.iter().map(|chunk| PlanStep {
        kernel: Finite { len: chunk.parameters.bytes / 4 }.into(),
        label: "gate".into(),
        reads: vec![chunk.gradients, memory.metrics],
        writes: vec![memory.flag],
    });
    let update = memory.ranges.iter().map(|range| {
        let chunk = &memory.chunks[range.chunk];
        let part = |whole: Slice| Slice { offset: range.offset * 4, bytes: range.len * 4, ..whole };
        let states = chunk.states.iter().take(range.rule.states()).copied();
        PlanStep {
            kernel: Update { rule: range.rule, len: range.len }.into(),
            label: "update".into(),
            reads: vec![part(chunk.gradients), memory.flag],
            writes: std::iter::once(chunk.parameters).chain(states).map(part).collect(),
        }
    });
    check.chain(update).collect()
}

/// Neighbouring parameters of one chunk that are updated by one rule.
#[derive(Clone, Debug)]
struct Range {
    chunk: usize,
    /// Where it begins in the chunk, in elements.
    offset: usize,
    /// Elements, padding included.
    len: usize,
    rule: Rule,
}

/// Where each parameter lies.
struct ParameterTable {
    places: Vec<Place>,
    /// Each chunk's length in elements.
    lengths: Vec<usize>,
    /// What is updated; nothing where nothing is trained.
    ranges: Vec<Range>,
}

impl ParameterTable {
    /// Lays the parameters one after another, those with one rule side by side, each at a multiple of the binding alignment, in chunks that
    /// one binding can hold.
    fn new(graph: &Graph, options: &CompileOptions) -> Result<Self> {
        let limits = &options.limits;
        let limit = limits.max_binding_bytes.min(limits.max_buffer_bytes) / 4;
        let alignment = limits.offset_alignment.div_ceil(4).max(64);
        let rules: Vec<Option<Rule>> = graph.parameters().map(|(id, ..)| rule_of(graph, id, options)).collect();
        let mut distinct: Vec<Option<Rule>> = Vec::new();
        rules.iter().for_each(|rule| {
            if !distinct.contains(rule) {
                distinct.push(*rule)
            }
        });
        let place = |(id, name, _): (ValueId, &str, _)| {
            let (name, dims, learned) = (name.to_string(), graph.ty(id).dims.clone(), graph.is_learned(id));
            Place { name, dims, learned, chunk: 0, offset: 0 }
        };
        let mut places: Vec<Place> = graph.parameters().map(place).collect();
        let (mut lengths, mut ranges): (Vec<usize>, Vec<Range>) = (vec![0], Vec::new());
        for rule in distinct {
            for (place, _) in places.iter_mut().zip(&rules).filter(|(_, own)| **own == rule) {
                let len = place.dims.iter().product::<usize>().next_multiple_of(alignment);
                if len > limit {
                    let what = format!("the parameter {}", place.name);
                    return Err(Error::TooLarge { what, bytes: len * 4, limit: limit * 4 });
                }
                if lengths[lengths.len() - 1] + len > limit {
                    lengths.push(0);
                }
                let chunk = lengths.len() - 1;
                let offset = lengths[chunk];
                (place.chunk, place.offset) = (chunk, offset);
                lengths[chunk] += len;
                match (ranges.last_mut(), rule) {
                    (Some(last), Some(rule)) if last.chunk == chunk && last.rule == rule => last.len += len,
                    (_, Some(rule)) => ranges.push(Range { chunk, offset, len, rule }),
                    (_, None) => {}
                }
            }
        }
        // A network without parameters still has a buffer, of one row, so that every program looks alike.
        lengths.iter_mut().for_each(|length| *length = (*length).max(alignment));
        Ok(Self { places, lengths, ranges })
    }
}

/// The rule that a parameter is updated by, if it is.
fn rule_of(graph: &Graph, parameter: ValueId, options: &CompileOptions) -> Option<Rule> {
    let rule = options.rule?;
    if graph.is_learned(parameter) {
        return Some(rule);
    }
    let running = graph.running.iter().find(|running| running.parameter == parameter)?;
    Some(Rule::Running { momentum: running.momentum })
}

pub(super) fn push(buffers: &mut Vec<Buffer>, label: String, bytes: usize, role: Role) -> Slice {
    let bytes = bytes.max(16);
    buffers.push(Buffer { label, bytes, role });
    Slice { buffer: BufferId(buffers.len() - 1), offset: 0, bytes }
}
