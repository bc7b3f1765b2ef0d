//! A pool's gradient, plane by plane. Windows hand out what arrives at them, in their order, which is the order in which
//! each element would gather it.

use convoke_core::kernels::{PoolGrad, PoolKind, Window};
use convoke_core::step::Step;

use super::pool::{TASK_READS, inside, is_halving};
use crate::context::Context;
use crate::pointwise::Pointwise;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &PoolGrad, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let window = &kernel.window;
    let (input, output) = (window.input_len(), window.output_len());
    let planes = step.samples as usize * kernel.channels;
    let task = (TASK_READS / input.max(1)).max(1);
    let gy: &[f32] = &bytemuck::cast_slice(reads[0])[..planes * output];
    let epilogue = Pointwise::epilogue(&kernel.epilogue, reads, step, context);
    let gx = &mut bytemuck::cast_slice_mut::<u32, f32>(writes[0])[..planes * input];
    context.tasks(gx.chunks_mut(task * input).zip(gy.chunks(task * output)), |i, (gx, gy)| {
        let first = i * task;
        context.arch.dispatch(
            #[inline(always)]
            || {
                let planes = gx.chunks_exact_mut(input).zip(gy.chunks_exact(output));
                match kernel.kind {
                    PoolKind::Max => {
                        let index = reads[1][first * output..].chunks_exact(output);
                        for ((gx, gy), index) in planes.zip(index) {
                            if is_halving(window) {
                                spread_fours(window, gy, index, gx);
                            } else {
                                gx.fill(0.0);
                                gy.iter().zip(index).for_each(|(g, &at)| gx[at as usize] += g);
                            }
                        }
                    }
                    PoolKind::Average => planes.for_each(|(gx, gy)| spread_shares(window, gy, gx)),
                }
            },
        );
        epilogue.apply(first * input, gx);
    });
}

fn spread_shares(window: &Window, gy: &[f32], gx: &mut [f32]) {
    let [oh, ow] = window.output();
    let size = window.kernel_len() as f32;
    gx.fill(0.0);
    for i in 0..oh {
        let (rows, row) = inside(window, 0, i);
        for j in 0..ow {
            let (columns, column) = inside(window, 1, j);
            let share = gy[i * ow + j] / size;
            for r in 0..rows.len() {
                let start = (row + r * window.dilation[0]) * window.input[1] + column;
                let start = start.min(gx.len());
                gx[start..].iter_mut().step_by(window.dilation[1]).take(columns.len()).for_each(|gx| *gx += share);
            }
        }
    }
}

#[inline(always)]
fn spread_fours(window: &Window, gy: &[f32], index: &[u32], gx: &mut [f32]) {
    let [_, width] = window.input;
    let [out_height, out_width] = window.output();
    for i in 0..out_height {
        let start = 2 * i * width;
        let (top, bottom) = gx[start..start + 2 * width].split_at_mut(width);
        let (gy, index) = (&gy[i * out_width..][..out_width], &index[i * out_width..][..out_width]);
        top[2 * out_width..].fill(0.0);
        bottom[2 * out_width..].fill(0.0);
        let mut j = 0;
        // Blocks of a fixed size, which become vector instructions; the last is moved back over what is done.
        while out_width >= 4 && j < out_width {
            if out_width >= 8 && out_width - j > 4 {
                let at = j.min(out_width - 8);
                spread_block::<8, 16>(&gy[at..], &index[at..], start + 2 * at, width, &mut top[2 * at..], &mut bottom[2 * at..]);
                j = at + 8;
            } else {
                let at = j.min(out_width - 4);
                spread_block::<4, 8>(&gy[at..], &index[at..], start + 2 * at, width, &mut top[2 * at..], &mut bottom[2 * at..]);
                j = at + 4;
            }
        }
        for j in j..out_width {
            spread_block::<1, 2>(&gy[j..], &index[j..], start + 2 * j, width, &mut top[2 * j..], &mut bottom[2 * j..]);
        }
    }
    gx[2 * out_height * width..].fill(0.0);
}

/// `OUT` windows side by side, over `IN` columns of two rows; the first lies at position `start` of the plane.
#[inline(always)]
fn spread_block<const OUT: usize, const IN: usize>(
    gy: &[f32],
    index: &[u32],
    start: usize,
    width: usize,
    top: &mut [f32],
    bottom: &mut [f32],
) {
    let (Some(gy), Some(index)) = (gy.first_chunk::<OUT>(), index.first_chunk::<OUT>()) else { return };
    let (Some(top), Some(bottom)) = (top.first_chunk_mut::<IN>(), bottom.first_chunk_mut::<IN>()) else { return };
    let (start, width) = (start as u32, width as u32);
    for j in 0..OUT {
        let at = start + 2 * j as u32;
        let pick = |position| if index[j] == position { gy[j] } else { 0.0 };
        (top[2 * j], top[2 * j + 1]) = (pick(at), pick(at + 1));
        (bottom[2 * j], bottom[2 * j + 1]) = (pick(at + width), pick(at + width + 1));
    }
}
