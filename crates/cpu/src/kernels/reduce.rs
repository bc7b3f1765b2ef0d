//! A sum along one axis: of rows where the axis is the innermost, of columns otherwise.

use convoke_core::kernels::{BatchMean, Reduce};
use convoke_core::step::Step;

use crate::context::Context;
use crate::pointwise::Pointwise;

/// Sums that a row is summed in side by side: element `i` goes to sum `i % LANES`.
const LANES: usize = 64;

/// Elements that are read in one task.
const TASK_READS: usize = 32 << 10;

/// The sum of a row.
#[inline(always)]
fn row_sum(row: &[f32]) -> f32 {
    let (blocks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks {
        for i in 0..LANES {
            sums[i] += block[i];
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += x;
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0]
}

/// The sums of whole rows.
#[inline(always)]
fn row_sums(rows: &[f32], reduce: usize, factor: f32, y: &mut [f32]) {
    for (o, y) in y.iter_mut().enumerate() {
        *y = factor * row_sum(&rows[o * reduce..][..reduce]);
    }
}

/// The sums of columns: `x` begins at the first, and its rows are `pitch` apart.
#[inline(always)]
fn column_sums(x: &[f32], reduce: usize, pitch: usize, factor: f32, y: &mut [f32]) {
    y.fill(0.0);
    for r in 0..reduce {
        for (y, x) in y.iter_mut().zip(&x[r * pitch..]) {
            *y += x;
        }
    }
    y.iter_mut().for_each(|y| *y *= factor);
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Reduce, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let [outer, reduce, inner] = [kernel.outer, kernel.reduce, kernel.inner].map(|e| e.at(step.samples as usize));
    let mean = match kernel.mean {
        BatchMean::None => 1.0,
        BatchMean::Global => step.inverse_samples,
        BatchMean::Held => 1.0 / step.samples as f32,
    };
    let sum = Sum {
        term: Pointwise::new(&kernel.term, &kernel.operands, reads, step, context),
        reduce,
        factor: kernel.scale * mean,
        context,
    };
    let y: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..outer * inner];
    let outputs = (TASK_READS / reduce.max(1)).max(1);
    if inner == 1 {
        context.tasks(y.chunks_mut(outputs), |i, y| sum.rows(i * outputs, y));
        return;
    }
    // Whole cache lines of columns.
    let columns = outputs.next_multiple_of(16).min(inner);
    let pieces = y.chunks_exact_mut(inner).enumerate().flat_map(|(o, y)| {
        y.chunks_mut(columns).enumerate().map(move |(c, y)| (o * reduce * inner + c * columns, y))
    });
    context.tasks(pieces, |_, (start, y)| sum.columns(start, inner, y));
}

/// What is summed, and how.
struct Sum<'a> {
    term: Pointwise<'a>,
    reduce: usize,
    factor: f32,
    context: &'a Context,
}

impl Sum<'_> {
    /// The sums of rows, from row `first` on.
    fn rows(&self, first: usize, y: &mut [f32]) {
        let Self { reduce, factor, context, .. } = *self;
        if let Some(x) = self.term.plain() {
            let rows = &x[first * reduce..][..y.len() * reduce];
            return context.vectorized(
                #[inline(always)]
                || row_sums(rows, reduce, factor, y),
            );
        }
        // A task's rows are evaluated as one; a row longer than that, in pieces.
        let mut terms = context.scratch((y.len() * reduce).min(TASK_READS));
        if reduce <= TASK_READS {
            self.term.write(first * reduce, &mut terms);
            return context.vectorized(
                #[inline(always)]
                || row_sums(&terms, reduce, factor, y),
            );
        }
        for (o, y) in y.iter_mut().enumerate() {
            let mut sum = 0.0;
            for start in (0..reduce).step_by(TASK_READS) {
                let terms = &mut terms[..TASK_READS.min(reduce - start)];
                self.term.write((first + o) * reduce + start, terms);
                context.vectorized(
                    #[inline(always)]
                    || sum += row_sum(terms),
                );
            }
            *y = factor * sum;
        }
    }

    /// The sums of columns, the first of which begins at `start`, in rows that are `pitch` apart.
    fn columns(&self, start: usize, pitch: usize, y: &mut [f32]) {
        let Self { reduce, factor, context, .. } = *self;
        if let Some(x) = self.term.plain() {
            return context.vectorized(
                #[inline(always)]
                || column_sums(&x[start..], reduce, pitch, factor, y),
            );
        }
        let mut terms = context.scratch(y.len());
        y.fill(0.0);
        for r in 0..reduce {
            self.term.write(start + r * pitch, &mut terms);
            context.vectorized(
                #[inline(always)]
                || y.iter_mut().zip(&*terms).for_each(|(y, x)| *y += x),
            );
        }
        y.iter_mut().for_each(|y| *y *= factor);
    }
}
