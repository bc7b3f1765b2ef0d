//! Plans: plain, printable lists of kernel steps over planned buffers. Making one needs no device.

mod bare;
mod buckets;
mod compile;
mod fuse;
mod layout;
mod place;
mod training;
mod update;
mod validate;

pub use bare::{GraphProgram, compile_graph};
pub use buckets::{Bucket, Piece};
pub use compile::{CompileOptions, compile};
pub use layout::Range;
pub use training::{Group, RangeUpdate, Training};
pub use validate::validate;

use std::fmt;

use crate::kernels::Kernel;
use crate::shape::Extent;

/// A buffer of a [`Program`], by its position in [`Program::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub usize);

/// What a buffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Parameters, one after another.
    Parameters,
    /// Gradients, laid out as the parameters.
    Gradients,
    /// Gradients added up over the runs of a step, laid out as the parameters.
    SummedGradients,
    /// A state tensor of the optimizer, or the average of the parameters, laid out as they are.
    OptimizerState,
    /// Tensors that live within one run.
    Activations,
    /// The pictures' bytes.
    Pixels,
    /// The pictures' labels.
    Labels,
    /// Which pictures each run takes: a ring.
    Indices,
    /// How much each class counts in the loss.
    ClassWeights,
    /// Each run's figures, a ring; and what evaluations count.
    Metrics,
    /// The gate of the update.
    Flag,
    /// What the norm of all gradients is made of.
    Norm,
}

/// Memory that an engine allocates once for a program, filled with zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// What it is called in errors and listings.
    pub label: String,
    /// Its size in bytes, a multiple of 4.
    pub bytes: usize,
    /// What it is for.
    pub role: Role,
}

/// A range of a buffer: what a kernel step binds, or what the host reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The buffer.
    pub buffer: BufferId,
    /// Where the range begins, in bytes.
    pub offset: usize,
    /// Its length in bytes: enough for the plan's capacity.
    pub bytes: usize,
}

/// One kernel on its slices.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanStep {
    /// The kernel with its parameters.
    pub kernel: Kernel,
    /// What the step is for: the layer's name, or what it does.
    pub label: String,
    /// The slices that are only read, in the kernel's order.
    pub reads: Vec<Slice>,
    /// The slices that are written, or read and written, in the kernel's order.
    pub writes: Vec<Slice>,
}

/// How many floating-point operations a step takes: `per_sample · N + per_run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flops {
    /// For each sample of the run.
    pub per_sample: u64,
    /// For each run, however many samples it has.
    pub per_run: u64,
}

impl Flops {
    /// `each` operations for every element of a box with those sides, at most one of which depends on the batch.
    pub fn of(each: u64, sides: &[Extent]) -> Self {
        let mut flops = Self { per_sample: 0, per_run: each };
        for side in sides {
            let (samples, times) = match *side {
                Extent::Fixed(count) => (0, count as u64),
                Extent::Batch(times) => (1, times as u64),
                Extent::Chunks { samples, times } => (samples as u64, times as u64),
            };
            flops = Self { per_sample: flops.per_sample * times, per_run: flops.per_run * times };
            if let Some(per_sample) = flops.per_run.checked_div(samples) {
                flops = Self { per_sample, per_run: 0 };
            }
        }
        flops
    }

    /// The operations of a run of `samples` samples.
    pub fn at(self, samples: usize) -> u64 {
        self.per_sample * samples as u64 + self.per_run
    }
}

impl std::ops::Add for Flops {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { per_sample: self.per_sample + other.per_sample, per_run: self.per_run + other.per_run }
    }
}

/// A list of kernel steps, run in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the plan computes: "gradients", say.
    pub name: String,
    /// Its steps.
    pub steps: Vec<PlanStep>,
    /// What engines that share a step have to agree on, in the order of the steps.
    pub exchanges: Vec<Exchange>,
}

/// A mean over a run's samples that has to become one over the global batch: the engines that share the step replace it by the mean of theirs,
/// weighted by their samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How many of the plan's steps it takes until it is there; the next ones read it.
    pub after: usize,
    /// Where it lies.
    pub slice: Slice,
}

/// Which of a program's plans is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlanKind {
    /// Gather the batch, forward, loss, figures, backward: leaves the gradients.
    Gradients,
    /// Add the gradients to those of the step's runs before: only where steps may have several runs.
    Accumulate,
    /// Check the gradients, or their sum, and update the parameters.
    Update,
    /// Gather the batch, forward, loss, figures.
    Evaluate,
    /// Gather the batch, forward: leaves the logits.
    Predict,
}

impl PlanKind {
    /// All of them, in the order of [`Program::plans`].
    pub const ALL: [Self; 5] = [Self::Gradients, Self::Accumulate, Self::Update, Self::Evaluate, Self::Predict];
}

/// A parameter's place.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The parameter's name, as in PyTorch: `conv1.weight`.
    pub name: String,
    /// Its shape.
    pub dims: Vec<usize>,
    /// Whether it is learned; if not, it follows a statistic, and the optimizer keeps nothing of it.
    pub learned: bool,
    /// Which of [`Program::chunks`] holds it.
    pub chunk: usize,
    /// Where it begins in the chunk's buffers, in elements (a multiple of 64).
    pub offset: usize,
}

/// Buffers of equal layout, whose ranges the update goes through. A model that a single binding can hold has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The parameters.
    pub parameters: Slice,
    /// Their gradients.
    pub gradients: Slice,
    /// What the update takes: the gradients themselves, or their sum over the runs of a step.
    pub summed: Slice,
    /// The optimizer's state tensors.
    pub states: Vec<Slice>,
    /// The running average of the parameters, where one is kept: what the program evaluates and predicts with.
    pub average: Option<Slice>,
}

impl Chunk {
    /// What the program evaluates and predicts with: the parameters, or their average.
    pub fn evaluated(&self) -> Slice {
        self.average.unwrap_or(self.parameters)
    }
}

/// Everything that an engine needs to train, evaluate and predict with one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The most samples that a run may hold.
    pub capacity: usize,
    /// The number of entries in the index and metrics rings.
    pub slots: usize,
    /// All memory.
    pub buffers: Vec<Buffer>,
    /// One for each [`PlanKind`], in that order; those that were not asked for are empty.
    pub plans: Vec<Plan>,
    /// Where each parameter lies.
    pub parameters: Vec<Place>,
    /// The parameters' memory.
    pub chunks: Vec<Chunk>,
    /// What each part of that memory follows.
    pub ranges: Vec<Range>,
    /// The pictures' bytes: [`Gather`](crate::kernels::Gather)'s `pixels`.
    pub pixels: Slice,
    /// The number of pictures that `pixels` and `labels` hold.
    pub pictures: usize,
    /// The words that one picture takes in `pixels`.
    pub picture_words: usize,
    /// The pictures' labels, one word each.
    pub labels: Slice,
    /// `slots` entries of `capacity` indices.
    pub indices: Slice,
    /// `slots` entries of `capacity` blocks: [`AugmentedGather`](crate::kernels::AugmentedGather)'s `augmentation`, where pictures are
    /// changed at random.
    pub augmentation: Option<Slice>,
    /// One number a class, where the loss is weighted: for the host to write before it trains.
    pub class_weights: Option<Slice>,
    /// `slots` entries of four words: see [`Metrics`](crate::kernels::Metrics).
    pub metrics: Slice,
    /// What [`PlanKind::Evaluate`] adds to, for the host to clear before: see [`Metrics`](crate::kernels::Metrics).
    pub tallies: Slice,
    /// One word: the number of the first step whose gradients or losses were NaN or infinite, else 0.
    pub flag: Slice,
    /// `[capacity, classes]`: what [`PlanKind::Evaluate`] and [`PlanKind::Predict`] leave.
    pub logits: Slice,
    /// The number of classes.
    pub classes: usize,
}

impl Program {
    /// The plan of that kind.
    pub fn plan(&self, kind: PlanKind) -> &Plan {
        &self.plans[kind as usize]
    }

    /// The bytes of all buffers.
    pub fn bytes(&self) -> usize {
        self.buffers.iter().map(|b| b.bytes).sum()
    }

    /// The slice of entry `slot` of the metrics ring.
    pub fn metrics_slot(&self, slot: usize) -> Slice {
        Slice { offset: self.metrics.offset + slot * 16, bytes: 16, ..self.metrics }
    }

    /// The slice of entry `slot` of the augmentation ring, where there is one.
    pub fn augmentation_slot(&self, slot: usize) -> Option<Slice> {
        let whole = self.augmentation?;
        let bytes = whole.bytes / self.slots;
        Some(Slice { offset: whole.offset + slot * bytes, bytes, ..whole })
    }

    /// The slice of entry `slot` of the index ring.
    pub fn indices_slot(&self, slot: usize) -> Slice {
        let bytes = self.capacity * 4;
        Slice { offset: self.indices.offset + slot * bytes, bytes, ..self.indices }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, buffer) in self.buffers.iter().enumerate() {
            writeln!(f, "buffer {id:>2}  {:>12} B  {}", buffer.bytes, buffer.label)?;
        }
        for plan in self.plans.iter().filter(|p| !p.steps.is_empty()) {
            writeln!(f, "\n{}", plan.name)?;
            for (i, step) in plan.steps.iter().enumerate() {
                let list = |slices: &[Slice]| {
                    slices.iter().map(|s| format!("{}@{}", s.buffer.0, s.offset)).collect::<Vec<_>>().join(" ")
                };
                let stem = step.kernel.stem();
                let (reads, writes) = (list(&step.reads), list(&step.writes));
                writeln!(f, "{i:>4}  {stem:<18} {reads} → {writes}  {}", step.label)?;
            }
        }
        Ok(())
    }
}
