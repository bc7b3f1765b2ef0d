//! The plans that follow a step's gradients: adding up, checking, measuring and applying them.

use super::{Chunk, PlanStep, Range, RangeUpdate, Slice, Training};
use crate::expr::{Binary, Broadcast, Expr};
use crate::kernels::{Clip, Finite, Reduce, Update};
use crate::optim::Sum;
use crate::shape::Extent;

/// What update plans work on.
pub(super) struct Updates<'a> {
    /// How the program trains.
    pub training: &'a Training,
    /// The parameters' memory.
    pub chunks: &'a [Chunk],
    /// What each part of the chunks follows.
    pub ranges: &'a [Range],
    /// The ring of figures.
    pub metrics: Slice,
    /// The gate.
    pub flag: Slice,
    /// Where gradients are clipped by norm: sums of squares, and the sum of these.
    pub norm: Option<[Slice; 2]>,
}

impl Updates<'_> {
    /// The ranges that are updated, with how.
    fn updated(&self) -> impl Iterator<Item = (&Range, RangeUpdate)> {
        self.ranges.iter().filter_map(|range| Some((range, range.update?)))
    }

    /// The part of a chunk's tensor that a range covers.
    fn part(range: &Range, whole: Slice) -> Slice {
        Slice { offset: whole.offset + range.offset * 4, bytes: range.len * 4, ..whole }
    }

    fn gate(&self, checked: Slice) -> PlanStep {
        PlanStep {
            kernel: Finite { len: checked.bytes / 4 }.into(),
            label: "gate".into(),
            reads: vec![checked, self.metrics],
            writes: vec![self.flag],
        }
    }

    /// Adds a run's gradients, and statistics, to those of the runs before it, once they are checked.
    pub fn accumulate(&self) -> Vec<PlanStep> {
        if !self.training.accumulate {
            return Vec::new();
        }
        let check = self.chunks.iter().map(|chunk| self.gate(chunk.gradients));
        let add = self.chunks.iter().map(|chunk| PlanStep {
            kernel: Update::new(Sum {}, chunk.gradients.bytes / 4).into(),
            label: "accumulate".into(),
            reads: vec![chunk.gradients, self.flag],
            writes: vec![chunk.summed],
        });
        check.chain(add).collect()
    }

    /// Checks the gradients, and their norm where it counts, all of them before any parameter is changed; then applies them.
    pub fn update(&self) -> Vec<PlanStep> {
        let mut steps: Vec<PlanStep> = self.chunks.iter().map(|chunk| self.gate(chunk.summed)).collect();
        if let Some(norm) = self.norm {
            self.measure(norm, &mut steps);
        }
        steps.extend(self.updated().map(|(range, update)| self.apply(range, update)));
        steps
    }

    fn measure(&self, [parts, sum]: [Slice; 2], steps: &mut Vec<PlanStep>) {
        let step = |kernel: Reduce, reads: Slice, writes: Slice| PlanStep {
            kernel: kernel.into(),
            label: "norm".into(),
            reads: vec![reads],
            writes: vec![writes],
        };
        let (mut offset, one) = (parts.offset, Extent::Fixed(1));
        for (range, _) in self.updated().filter(|(_, update)| update.learned) {
            let rows = range.len / ROW;
            let square = Expr::Input(0).binary(Binary::Mul, Expr::Input(0));
            let kernel = Reduce::new(Extent::Fixed(rows), Extent::Fixed(ROW), one).of(square, vec![Broadcast::Element]);
            let target = Slice { offset, bytes: rows * 4, ..parts };
            steps.push(step(kernel, Self::part(range, self.chunks[range.chunk].summed), target));
            offset += space_for_parts(range) * 4;
        }
        steps.push(step(Reduce::new(one, Extent::Fixed(parts.bytes / 4), one), parts, sum));
        steps.push(self.gate(sum));
    }

    fn apply(&self, range: &Range, update: RangeUpdate) -> PlanStep {
        let (chunk, training) = (&self.chunks[range.chunk], self.training);
        let clip = training.clip.filter(|_| update.learned);
        let RangeUpdate { rule, rate, .. } = update;
        let kernel = Update { rule, len: range.len, rate, clip, average: training.average };
        let norm = self.norm.filter(|_| matches!(clip, Some(Clip::Norm(_)))).map(|[_, sum]| sum);
        let part = |slice: &Slice| Self::part(range, *slice);
        let states = chunk.states.iter().take(rule.states());
        PlanStep {
            kernel: kernel.into(),
            label: "update".into(),
            reads: [part(&chunk.summed), self.flag].into_iter().chain(norm).collect(),
            writes: std::iter::once(&chunk.parameters).chain(states).chain(&chunk.average).map(part).collect(),
        }
    }
}

/// Elements whose squares are added up first: ranges are whole rows.
const ROW: usize = 64;

/// The room that a range's sums of squares take, in elements: whole rows of a binding's alignment.
pub(super) fn space_for_parts(range: &Range) -> usize {
    (range.len / ROW).next_multiple_of(64)
}
