//! Images of another size: along the height whole rows at a time, then along the width.

use convoke_core::kernels::{Bands, Resample};
use convoke_core::step::Step;

use crate::context::Context;

/// Elements that are written in one task.
const TASK_WRITES: usize = 32 << 10;

/// Bands with their weights in single precision.
struct Table {
    input: usize,
    bands: Vec<(usize, Vec<f32>)>,
}

impl Table {
    fn new(bands: &Bands) -> Self {
        let single = |weights: &[f64]| weights.iter().map(|&w| w as f32).collect();
        Self { input: bands.input, bands: bands.bands.iter().map(|b| (b.first, single(&b.weights))).collect() }
    }
}

/// `row = Σ weights · rows of x`
#[inline(always)]
fn vertical(x: &[f32], (first, weights): &(usize, Vec<f32>), row: &mut [f32]) {
    match weights.as_slice() {
        [1.0] => row.copy_from_slice(&x[first * row.len()..][..row.len()]),
        weights => {
            row.fill(0.0);
            for (x, weight) in x[first * row.len()..].chunks_exact(row.len()).zip(weights) {
                row.iter_mut().zip(x).for_each(|(y, x)| *y += weight * x);
            }
        }
    }
}

/// `y[j] = Σ weights of band j · row`
#[inline(always)]
fn horizontal(row: &[f32], columns: &Table, y: &mut [f32]) {
    for (y, (first, weights)) in y.iter_mut().zip(&columns.bands) {
        *y = row[*first..].iter().zip(weights).map(|(x, weight)| x * weight).sum();
    }
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Resample, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let (rows, columns) = (Table::new(&kernel.rows), Table::new(&kernel.columns));
    let [height, width] = [rows.bands.len(), columns.bands.len()];
    let (input, output) = (rows.input * columns.input, height * width);
    let planes = step.samples as usize * kernel.channels;
    let x: &[f32] = bytemuck::cast_slice(reads[0]);
    let y: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..planes * output];
    let of_task = (TASK_WRITES / output).max(1);
    context.tasks(y.chunks_mut(of_task * output), |task, y| {
        let mut row = context.scratch(columns.input);
        context.vectorized(
            #[inline(always)]
            || {
                for (p, y) in y.chunks_exact_mut(output).enumerate() {
                    let x = &x[(task * of_task + p) * input..][..input];
                    for (band, y) in rows.bands.iter().zip(y.chunks_exact_mut(width)) {
                        vertical(x, band, &mut row);
                        horizontal(&row, &columns, y);
                    }
                }
            },
        );
    });
}
