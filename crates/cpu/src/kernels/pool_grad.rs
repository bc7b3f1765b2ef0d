//! A pool's gradient, plane by plane. Windows hand out what arrives at them, in their order, which is the order in which
//! each element would gather it.

use convoke_core::kernels::{PoolGrad, PoolKind, Window};
use convoke_core::step::Step;

use super::pool::{TASK_READS, for_each_block, inside, is_halving};
use crate::context::Context;
use crate::pointwise::Pointwise;
use crate::rows::Finish;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &PoolGrad, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let window = &kernel.window;
    let (input, output) = (window.input_len(), window.output_len());
    let planes = step.samples as usize * kernel.channels;
    let task = (TASK_READS / input.max(1)).max(1);
    let gy: &[f32] = &bytemuck::cast_slice(reads[0])[..planes * output];
    let index = if kernel.kind == PoolKind::Max { &reads[1][..planes * output] } else { &[] };
    let epilogue = Pointwise::epilogue(&kernel.epilogue, reads, step, context);
    let fours = (kernel.kind == PoolKind::Max && is_halving(window)).then(|| Fours::new(window));
    // Only where windows do not overlap is an element's first value its last.
    let finish = epilogue.finish(0, input).filter(|_| fours.is_some());
    let gx = &mut bytemuck::cast_slice_mut::<u32, f32>(writes[0])[..planes * input];
    context.tasks(gx.chunks_mut(task * input).zip(gy.chunks(task * output)), |i, (gx, gy)| {
        let first = i * task;
        let index = index.get(first * output..).unwrap_or_default();
        match (kernel.kind, &fours) {
            (PoolKind::Max, Some(fours)) => {
                let mut scratch = context.scratch(4 * output);
                let pairs: &mut [u64] = bytemuck::cast_slice_mut(&mut scratch);
                let mask = match finish {
                    Some(Finish::WherePositive { mask, .. }) => Some(&mask[first * input..][..gx.len()]),
                    _ => None,
                };
                let planes = gy.chunks_exact(output).zip(index.chunks_exact(output));
                for (p, (gy, index)) in planes.enumerate() {
                    context.vectorized(
                        #[inline(always)]
                        || spread_fours(fours, gy, index, mask, pairs, p * input, gx),
                    );
                }
            }
            (PoolKind::Max, None) => {
                let planes = gx.chunks_exact_mut(input).zip(gy.chunks_exact(output));
                for ((gx, gy), index) in planes.zip(index.chunks_exact(output)) {
                    gx.fill(0.0);
                    gy.iter().zip(index).for_each(|(g, &at)| gx[at as usize] += g);
                }
            }
            (PoolKind::Average, _) => {
                let planes = gx.chunks_exact_mut(input).zip(gy.chunks_exact(output));
                planes.for_each(|(gx, gy)| spread_shares(window, gy, gx));
            }
        }
        if finish.is_none() {
            epilogue.apply(first * input, gx);
        }
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

/// Windows of 2×2, side by side.
struct Fours<'a> {
    window: &'a Window,
    /// The position of each window's first element in its plane.
    corners: Vec<u32>,
}

impl<'a> Fours<'a> {
    fn new(window: &'a Window) -> Self {
        let [height, width] = window.output();
        let corner = |out| (2 * (out / width * window.input[1] + out % width)) as u32;
        Self { window, corners: (0..height * width).map(corner).collect() }
    }
}

/// What `fours` windows hand out, as two rows of pairs; then the rows, masked, to their places in the plane that begins at
/// `plane` of `gx` and of the mask.
#[inline(always)]
fn spread_fours(
    fours: &Fours<'_>,
    gy: &[f32],
    index: &[u32],
    mask: Option<&[f32]>,
    pairs: &mut [u64],
    plane: usize,
    gx: &mut [f32],
) {
    let [out_height, out_width] = fours.window.output();
    let [height, width] = fours.window.input;
    let (above, below) = pairs.split_at_mut(gy.len());
    hand_out(&fours.corners, width as u32, gy, index, above, below);
    let (above, below): (&[f32], &[f32]) = (bytemuck::cast_slice(above), bytemuck::cast_slice(below));
    let taken = 2 * out_width;
    for i in 0..2 * out_height {
        let source = &(if i % 2 == 0 { above } else { below })[i / 2 * taken..];
        let (row, mask) = (&mut gx[plane + i * width..], mask.map(|mask| &mask[plane + i * width..]));
        // What a block writes beyond a narrow row, the next row writes again.
        let is_done = match width {
            5..=8 => masked_copy::<8>(0, source, mask, row),
            9..=16 => masked_copy::<16>(0, source, mask, row),
            _ => false,
        };
        if !is_done {
            for_each_block(
                taken,
                #[inline(always)]
                |at, size| {
                    match size {
                        16 => masked_copy::<16>(at, source, mask, row),
                        8 => masked_copy::<8>(at, source, mask, row),
                        4 => masked_copy::<4>(at, source, mask, row),
                        _ => masked_copy::<1>(at, source, mask, row),
                    };
                },
            );
        }
        row[taken..width].iter_mut().for_each(|gx| *gx = 0.0);
    }
    gx[plane + 2 * out_height * width..plane + height * width].fill(0.0);
}

/// Two neighbours are made as one 64-bit number: a widening, which vector units have, where storing to every second
/// element would be a scatter.
#[inline(always)]
fn hand_out(corners: &[u32], width: u32, gy: &[f32], index: &[u32], above: &mut [u64], below: &mut [u64]) {
    let (first, second) = if cfg!(target_endian = "big") { (32, 0) } else { (0, 32) };
    let windows = gy.iter().zip(index).zip(corners);
    for ((above, below), ((g, index), corner)) in above.iter_mut().zip(below).zip(windows) {
        let (g, at) = (u64::from(g.to_bits()), index.wrapping_sub(*corner));
        let pair = |left: u32| {
            let (a, b) = (if at == left { g } else { 0 }, if at == left + 1 { g } else { 0 });
            a << first | b << second
        };
        (*above, *below) = (pair(0), pair(width));
    }
}

/// Copies `SIZE` elements from `at` on, 0 for those that the mask stops. Returns whether the slices are long enough for it.
#[inline(always)]
fn masked_copy<const SIZE: usize>(at: usize, source: &[f32], mask: Option<&[f32]>, to: &mut [f32]) -> bool {
    let Some(&source) = source[at..].first_chunk::<SIZE>() else { return false };
    let Some(to) = to[at..].first_chunk_mut::<SIZE>() else { return false };
    let Some(mask) = mask else {
        *to = source;
        return true;
    };
    let Some(&mask) = mask[at..].first_chunk::<SIZE>() else { return false };
    // Into a value of its own: were it stored element by element, the compiler would have to think of overlaps.
    let mut masked = [0.0; SIZE];
    for i in 0..SIZE {
        masked[i] = if mask[i] > 0.0 { source[i] } else { 0.0 };
    }
    *to = masked;
    true
}
