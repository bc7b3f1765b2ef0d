//! From a network to a program: differentiate, lower, fuse, place, validate.

use std::collections::HashMap;

use super::layout::{Entry, Layout, lay_out};
use super::place::place;
use super::update::{Updates, space_for_parts};
use super::{
    Buffer, BufferId, Chunk, Exchange, Plan, PlanKind, PlanStep, Program, RangeUpdate, Role, Slice, Training,
    fuse::fuse, validate,
};
use crate::autodiff::differentiate;
use crate::engine::Limits;
use crate::error::Result;
use crate::expr::{Broadcast, Expr};
use crate::graph::{Graph, ValueId};
use crate::kernels::{AugmentedGather, Clip, Gather, Map, Metrics, Tally};
use crate::loss::{Labels, Loss};
use crate::lower::{LoweredStep, Lowering, TensorId};
use crate::model::{Network, Pass};
use crate::ops::{Constant, Keep, Reduce};
use crate::order::{arranged, ascending};
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
    /// How parameters follow from gradients; `None` for a program that only evaluates and predicts.
    pub training: Option<Training>,
    /// What the engine can bind.
    pub limits: Limits,
}

/// Makes the program that trains, evaluates and predicts with a network, and validates it.
///
/// # Errors
/// [`NotDifferentiable`](crate::error::Error::NotDifferentiable), [`TooLarge`](crate::error::Error::TooLarge) with the
/// numbers, or [`Shape`](crate::error::Error::Shape) where the network's output is not one row of classes a sample.
pub fn compile(network: &Network, options: &CompileOptions) -> Result<Program> {
    let Pass { graph, input, output } = network.training.clone();
    let mixed = options.augment.as_ref().is_some_and(|augment| augment.mixed);
    let mut training = Figured::new(graph, input, output, &options.loss, mixed)?;
    let inference = Figured::new(network.graph.clone(), network.input, network.output, &options.loss.plain(), false)?;
    let gradients = match &options.training {
        Some(rules) => training.gradients(rules)?,
        None => Vec::new(),
    };
    let mut memory = Memory::new(&training.graph, network, options)?;
    let plans = PlanKind::ALL.map(|kind| -> Result<Plan> {
        let mut exchanges = Vec::new();
        let steps = match kind {
            PlanKind::Gradients if options.training.is_none() => Vec::new(),
            PlanKind::Accumulate => memory.updates(options).map_or_else(Vec::new, |updates| updates.accumulate()),
            PlanKind::Update if options.training.as_ref().is_some_and(|training| !training.updates) => Vec::new(),
            PlanKind::Update => memory.updates(options).map_or_else(Vec::new, |updates| updates.update()),
            PlanKind::Gradients => {
                let settled = memory.run_steps(&training, &gradients, kind, options)?;
                exchanges = settled.exchanges;
                settled.steps
            }
            PlanKind::Evaluate | PlanKind::Predict => memory.run_steps(&inference, &[], kind, options)?.steps,
        };
        Ok(Plan { name: format!("{kind:?}").to_ascii_lowercase(), steps, exchanges })
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

    /// What the update of each parameter follows, if it is updated: the gradient of the mean loss over the global batch, or the statistic of
    /// the step.
    fn gradients(&mut self, training: &Training) -> Result<Vec<Option<ValueId>>> {
        let graph = &mut self.graph;
        let loss = graph.apply1(Reduce { keep: Keep::Nothing, mean: true }, &[self.losses])?;
        let one = graph.apply1(Constant { value: 1.0, ty: TensorType::fixed([]) }, &[])?;
        let updates: Vec<(ValueId, Option<RangeUpdate>)> =
            graph.parameters().map(|(id, name, _)| (id, training.update_of(graph, id, name))).collect();
        let learned = |update: &Option<RangeUpdate>| update.is_some_and(|update| update.learned);
        let wrt: Vec<ValueId> = updates.iter().filter(|(_, update)| learned(update)).map(|(id, _)| *id).collect();
        let mut gradients = differentiate(graph, &[(loss, one)], &wrt)?.into_iter();
        let statistic =
            |id| graph.running.iter().find(|running| running.parameter == id).map(|running| running.statistic);
        let followed = |(id, update): (ValueId, Option<RangeUpdate>)| {
            if update?.learned { gradients.next()? } else { statistic(id) }
        };
        Ok(updates.into_iter().map(followed).collect())
    }
}

/// The memory of a program under construction.
struct Memory {
    buffers: Vec<Buffer>,
    layout: Layout,
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
    /// Where gradients are clipped by norm: sums of squares, and the sum of these.
    norm: Option<[Slice; 2]>,
    /// Each parameter's gradient, in the graphs' order.
    gradients: Vec<Slice>,
    /// Activations come last: buffers from here on.
    first_arena: usize,
}

impl Memory {
    fn new(graph: &Graph, network: &Network, options: &CompileOptions) -> Result<Self> {
        let mut buffers = Vec::new();
        let layout = lay_out(&entries(graph, options), &options.limits)?;
        let lengths = layout.lengths.iter().enumerate();
        let chunks: Vec<Chunk> = lengths
            .map(|(index, &length)| {
                let mut add = |what: &str, role| push(&mut buffers, format!("{what} {index}"), length * 4, role);
                chunk(options.training.as_ref(), &mut add)
            })
            .collect();
        let gradients = layout.slices(|index| chunks[index].gradients);
        let mut add = |what: &str, bytes: usize, role| push(&mut buffers, what.to_string(), bytes, role);
        let pixels = add("pixels", options.pictures * options.gather.sample_words() * 4, Role::Pixels);
        let labels = add("labels", options.pictures * 4, Role::Labels);
        let indices = add("indices", options.slots * options.capacity * 4, Role::Indices);
        let runs = options.slots * options.capacity;
        let augmentation = options.augment.as_ref().filter(|_| options.training.is_some());
        let augmentation =
            augmentation.map(|kernel| add("augmentation", runs * kernel.block_words() * 4, Role::Indices));
        let class_weights =
            options.loss.weighted.then(|| add("class weights", network.classes() * 4, Role::ClassWeights));
        let metrics = add("metrics", options.slots * 16, Role::Metrics);
        let tally = Tally::of_classes(network.classes());
        let tallies = add("tallies", tally.words(network.classes()) * 4, Role::Metrics);
        let flag = add("flag", 4, Role::Flag);
        let logits = add("logits", options.capacity.saturating_mul(network.classes() * 4), Role::Activations);
        let by_norm = options.training.as_ref().is_some_and(|t| t.updates && matches!(t.clip, Some(Clip::Norm(_))));
        let norm = by_norm.then(|| {
            let learned = layout.ranges.iter().filter(|range| range.update.is_some_and(|update| update.learned));
            let parts: usize = learned.map(space_for_parts).sum();
            [("sums of squares", parts * 4), ("sum of squares", 4)]
                .map(|(what, bytes)| push(&mut buffers, what.into(), bytes, Role::Norm))
        });
        let first_arena = buffers.len();
        Ok(Self {
            buffers,
            layout,
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
            norm,
            gradients,
            first_arena,
        })
    }

    /// What the plans behind the gradients work on, where anything is trained.
    fn updates<'a>(&'a self, options: &'a CompileOptions) -> Option<Updates<'a>> {
        let (metrics, flag, norm) = (self.metrics, self.flag, self.norm);
        let training = options.training.as_ref()?;
        Some(Updates { training, chunks: &self.chunks, ranges: &self.layout.ranges, metrics, flag, norm })
    }

    /// The steps of a plan that begins with a batch.
    fn run_steps(
        &mut self,
        head: &Figured,
        gradients: &[Option<ValueId>],
        kind: PlanKind,
        options: &CompileOptions,
    ) -> Result<Settled> {
        let graph = &head.graph;
        let mut lowering = Lowering::new(graph);
        lowering.synchronized = options.training.as_ref().is_some_and(|training| training.synchronized);
        let weights = |index: usize| match kind {
            PlanKind::Gradients => self.chunks[index].parameters,
            _ => self.chunks[index].evaluated(),
        };
        let parameters = graph.parameters().map(|(id, ..)| id.into());
        let mut pinned: HashMap<TensorId, Slice> = parameters.zip(self.layout.slices(weights)).collect();
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
            parameters: self.layout.places,
            chunks: self.chunks,
            ranges: self.layout.ranges,
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
) -> Result<Settled> {
    let kept: Vec<TensorId> = pinned.keys().chain(&lowering.exchanged).copied().collect();
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
    let steps: Vec<PlanStep> = lowering.steps.iter().map(step).collect();
    let made = |tensor: &TensorId| lowering.steps.iter().position(|step| step.writes.contains(tensor));
    let exchange = |tensor| Some(Exchange { after: made(tensor)? + 1, slice: placement.slices[tensor] });
    let exchanges: Vec<Exchange> = lowering.exchanged.iter().filter_map(exchange).collect();
    let order = ascending(exchanges.iter().map(|exchange| exchange.after as u64));
    Ok(Settled { steps, exchanges: arranged(exchanges, &order) })
}

/// Steps whose tensors have their places.
pub(super) struct Settled {
    pub steps: Vec<PlanStep>,
    pub exchanges: Vec<Exchange>,
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

/// What has a place in the chunks: the parameters, in the graph's order.
fn entries(graph: &Graph, options: &CompileOptions) -> Vec<Entry> {
    let entry = |(id, name, _): (ValueId, &str, _)| Entry {
        name: name.into(),
        dims: graph.ty(id).dims.clone(),
        learned: graph.is_learned(id),
        update: options.training.as_ref().and_then(|training| training.update_of(graph, id, name)),
    };
    graph.parameters().map(entry).collect()
}

/// The buffers of one chunk.
fn chunk(training: Option<&Training>, add: &mut dyn FnMut(&str, Role) -> Slice) -> Chunk {
    let parameters = add("parameters", Role::Parameters);
    let Some(training) = training else {
        return Chunk { parameters, gradients: parameters, summed: parameters, states: Vec::new(), average: None };
    };
    let gradients = add("gradients", Role::Gradients);
    let summed = if training.accumulate { add("summed gradients", Role::SummedGradients) } else { gradients };
    if !training.updates {
        return Chunk { parameters, gradients, summed, states: Vec::new(), average: None };
    }
    let states = 0..training.rule.states();
    let states = states.map(|k| add(&format!("optimizer state {k}, part"), Role::OptimizerState)).collect();
    let average = training.average.map(|_| add("average", Role::OptimizerState));
    Chunk { parameters, gradients, summed, states, average }
}

pub(super) fn push(buffers: &mut Vec<Buffer>, label: String, bytes: usize, role: Role) -> Slice {
    let bytes = bytes.max(16);
    buffers.push(Buffer { label, bytes, role });
    Slice { buffer: BufferId(buffers.len() - 1), offset: 0, bytes }
}
