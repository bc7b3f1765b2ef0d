//! A sum along one axis: of rows where the axis is the innermost, of columns otherwise.

use convoke_core::kernels::Reduce;
use convoke_core::step::Step;

use crate::context::Context;

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
    let factor = kernel.scale * if kernel.mean_over_batch { step.inverse_samples } else { 1.0 };
    let x: &[f32] = &bytemuck::cast_slice(reads[0])[..outer * reduce * inner];
    let y: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..outer * inner];
    let outputs = (TASK_READS / reduce.max(1)).max(1);
    if inner == 1 {
        context.tasks(y.chunks_mut(outputs), |i, y| {
            context.vectorized(
                #[inline(always)]
                || {
                    for (o, y) in y.iter_mut().enumerate() {
                        *y = factor * row_sum(&x[(i * outputs + o) * reduce..][..reduce]);
                    }
                },
            );
        });
        return;
    }
    // Whole cache lines of columns.
    let columns = outputs.next_multiple_of(16).min(inner);
    let pieces = y.chunks_exact_mut(inner).enumerate().flat_map(|(o, y)| {
        y.chunks_mut(columns).enumerate().map(move |(c, y)| (o * reduce * inner + c * columns, y))
    });
    context.tasks(pieces, |_, (start, y)| {
        context.vectorized(
            #[inline(always)]
            || column_sums(&x[start..], reduce, inner, factor, y),
        );
    });
}
