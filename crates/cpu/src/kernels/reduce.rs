//! A sum along one axis: of rows where the axis is the innermost, of columns otherwise.

use convoke_core::kernels::{BatchMean, Combine, Reduce};
use convoke_core::step::Step;

use crate::context::Context;
use crate::pointwise::Pointwise;

/// Sums that a row is summed in side by side: element `i` goes to sum `i % LANES`.
const LANES: usize = 64;

/// Elements that are read in one task.
const TASK_READS: usize = 32 << 10;

/// What becomes of a row.
#[inline(always)]
fn row_sum(combine: Combine, row: &[f32]) -> f32 {
    match combine {
        Combine::Sum => joined_row(row, origin(combine), add),
        Combine::Max => joined_row(row, origin(combine), larger),
    }
}

#[inline(always)]
fn add(a: f32, b: f32) -> f32 {
    a + b
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

#[inline(always)]
fn joined_row(row: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let (blocks, rest) = row.as_chunks::<LANES>();
    let mut sums = [start; LANES];
    for block in blocks {
        for i in 0..LANES {
            sums[i] = join(sums[i], block[i]);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum = join(*sum, *x);
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] = join(sums[i], sums[i + width]);
        }
    }
    sums[0]
}

/// What sums begin with.
fn origin(combine: Combine) -> f32 {
    match combine {
        Combine::Sum => 0.0,
        Combine::Max => f32::NEG_INFINITY,
    }
}

/// Adds a row to the sums of columns.
#[inline(always)]
fn add_row(combine: Combine, sums: &mut [f32], row: &[f32]) {
    let pairs = sums.iter_mut().zip(row);
    match combine {
        Combine::Sum => pairs.for_each(|(sum, x)| *sum = add(*sum, *x)),
        Combine::Max => pairs.for_each(|(sum, x)| *sum = larger(*sum, *x)),
    }
}

/// The sums of whole rows.
#[inline(always)]
fn row_sums(combine: Combine, rows: &[f32], reduce: usize, factor: f32, y: &mut [f32]) {
    for (o, y) in y.iter_mut().enumerate() {
        *y = factor * row_sum(combine, &rows[o * reduce..][..reduce]);
    }
}

/// The sums of columns: `x` begins at the first, and its rows are `pitch` apart.
#[inline(always)]
fn column_sums(combine: Combine, x: &[f32], reduce: usize, pitch: usize, factor: f32, y: &mut [f32]) {
    y.fill(origin(combine));
    for r in 0..reduce {
        add_row(combine, y, &x[r * pitch..]);
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
        combine: kernel.combine,
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
    combine: Combine,
    reduce: usize,
    factor: f32,
    context: &'a Context,
}

impl Sum<'_> {
    /// The sums of rows, from row `first` on.
    fn rows(&self, first: usize, y: &mut [f32]) {
        let Self { combine, reduce, factor, context, .. } = *self;
        if let Some(x) = self.term.plain() {
            let rows = &x[first * reduce..][..y.len() * reduce];
            return context.vectorized(
                #[inline(always)]
                || row_sums(combine, rows, reduce, factor, y),
            );
        }
        // A task's rows are evaluated as one; a row longer than that, in pieces.
        let mut terms = context.scratch((y.len() * reduce).min(TASK_READS));
        if reduce <= TASK_READS {
            self.term.write(first * reduce, &mut terms);
            return context.vectorized(
                #[inline(always)]
                || row_sums(combine, &terms, reduce, factor, y),
            );
        }
        for (o, y) in y.iter_mut().enumerate() {
            let mut sum = origin(combine);
            for start in (0..reduce).step_by(TASK_READS) {
                let terms = &mut terms[..TASK_READS.min(reduce - start)];
                self.term.write((first + o) * reduce + start, terms);
                context.vectorized(
                    #[inline(always)]
                    || add_row(combine, std::slice::from_mut(&mut sum), &[row_sum(combine, terms)]),
                );
            }
            *y = factor * sum;
        }
    }

    /// The sums of columns, the first of which begins at `start`, in rows that are `pitch` apart.
    fn columns(&self, start: usize, pitch: usize, y: &mut [f32]) {
        let Self { combine, reduce, factor, context, .. } = *self;
        if let Some(x) = self.term.plain() {
            return context.vectorized(
                #[inline(always)]
                || column_sums(combine, &x[start..], reduce, pitch, factor, y),
            );
        }
        let mut terms = context.scratch(y.len());
        y.fill(origin(combine));
        for r in 0..reduce {
            self.term.write(start + r * pitch, &mut terms);
            context.vectorized(
                #[inline(always)]
                || add_row(combine, y, &terms),
            );
        }
        y.iter_mut().for_each(|y| *y *= factor);
    }
}
