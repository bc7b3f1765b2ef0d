//! Pooling, plane by plane.

use convoke_core::kernels::{Pool, PoolKind, Window};
use convoke_core::step::Step;

use crate::context::Context;

/// Elements of the input that one task reads, about.
pub(super) const TASK_READS: usize = 16 << 10;

/// Whether windows are 2×2, side by side, and fill whole rows: the common case, which is worth a loop of its own.
pub(super) fn is_halving(window: &Window) -> bool {
    let Window { input: _, kernel, stride, padding, dilation } = *window;
    (kernel, stride, padding, dilation) == ([2, 2], [2, 2], [0, 0], [1, 1])
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Pool, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let window = &kernel.window;
    let (input, output) = (window.input_len(), window.output_len());
    let planes = step.samples as usize * kernel.channels;
    let task = (TASK_READS / input.max(1)).max(1);
    let x: &[f32] = &bytemuck::cast_slice(reads[0])[..planes * input];
    let x = x.chunks(task * input);
    match (kernel.kind, writes) {
        (PoolKind::Max, [y, index]) => {
            let y = bytemuck::cast_slice_mut::<u32, f32>(y)[..planes * output].chunks_mut(task * output);
            let index = index[..planes * output].chunks_mut(task * output);
            context.tasks(x.zip(y).zip(index), |_, ((x, y), index)| {
                context.vectorized(
                    #[inline(always)]
                    || if is_halving(window) { max_of_fours(window, x, y, index) } else { max(window, x, y, index) },
                );
            });
        }
        (PoolKind::Average, [y]) => {
            let y = bytemuck::cast_slice_mut::<u32, f32>(y)[..planes * output].chunks_mut(task * output);
            context.tasks(x.zip(y), |_, (x, y)| {
                for (x, y) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)) {
                    average_plane(window, x, y);
                }
            });
        }
        (kind, writes) => panic!("{kind:?} pooling does not write {} tensors", writes.len()),
    }
}

/// Whether `x` takes the place of `best`: it is larger, or the first NaN.
#[inline(always)]
fn is_better(x: f32, best: f32) -> bool {
    (x > best) | (x.is_nan() & !best.is_nan())
}

/// The maxima of 2×2 windows in whole planes.
#[inline(always)]
fn max_of_fours(window: &Window, x: &[f32], y: &mut [f32], index: &mut [u32]) {
    let [_, width] = window.input;
    let [out_height, out_width] = window.output();
    for row in 0..y.len() / out_width {
        let (plane, start) = (row / out_height * window.input_len(), 2 * (row % out_height) * width);
        let (top, y, index) = (&x[plane + start..], &mut y[row * out_width..], &mut index[row * out_width..]);
        let bottom = &top[width..];
        // What a block writes beyond a narrow row, the next row writes again.
        let is_done = match out_width {
            5..=8 => max_block::<8, 16>(top, bottom, start, width, y, index),
            9..=16 => max_block::<16, 32>(top, bottom, start, width, y, index),
            _ => false,
        };
        if is_done {
            continue;
        }
        for_each_block(
            out_width,
            #[inline(always)]
            |at, size| {
                let (top, bottom) = (&top[2 * at..], &bottom[2 * at..]);
                let (y, index, start) = (&mut y[at..], &mut index[at..], start + 2 * at);
                match size {
                    16 => max_block::<16, 32>(top, bottom, start, width, y, index),
                    8 => max_block::<8, 16>(top, bottom, start, width, y, index),
                    4 => max_block::<4, 8>(top, bottom, start, width, y, index),
                    _ => max_block::<1, 2>(top, bottom, start, width, y, index),
                };
            },
        );
    }
}

/// Cuts `0 .. len` into blocks of 16, 8, 4 or 1, which become vector instructions, and calls `f` with the start and the
/// size of each. A block that would not fit is moved back over what is done already.
#[inline(always)]
pub(super) fn for_each_block(len: usize, mut f: impl FnMut(usize, usize)) {
    let mut done = 0;
    while done < len {
        let fits = |size: &usize| len >= *size && (len - done) * 2 > *size;
        let size = [16, 8, 4].into_iter().find(fits).unwrap_or(1);
        let start = done.min(len - size);
        f(start, size);
        done = start + size;
    }
}

/// `OUT` windows side by side, over `IN` columns of two rows; the first lies at position `start` of the plane. Returns
/// whether the slices are long enough for it.
#[inline(always)]
fn max_block<const OUT: usize, const IN: usize>(
    top: &[f32],
    bottom: &[f32],
    start: usize,
    width: usize,
    y: &mut [f32],
    index: &mut [u32],
) -> bool {
    let (Some(top), Some(bottom)) = (top.first_chunk::<IN>(), bottom.first_chunk::<IN>()) else { return false };
    let (Some(y), Some(index)) = (y.first_chunk_mut::<OUT>(), index.first_chunk_mut::<OUT>()) else { return false };
    // Two neighbours are one 64-bit number: taking them apart is a narrowing, which vector units have, where a loop over
    // every second element would be a gather.
    let top: [u64; OUT] = bytemuck::cast(*top);
    let bottom: [u64; OUT] = bytemuck::cast(*bottom);
    let (start, width) = (start as u32, width as u32);
    for j in 0..OUT {
        let at = start + 2 * j as u32;
        let ([a, b], [c, d]) = (halves(top[j]), halves(bottom[j]));
        let (mut best, mut position) = (a, at);
        for (x, candidate) in [(b, at + 1), (c, at + width), (d, at + width + 1)] {
            let better = is_better(x, best);
            best = if better { x } else { best };
            position = if better { candidate } else { position };
        }
        y[j] = best;
        index[j] = position;
    }
    true
}

/// The two floats that lie in memory as this number.
#[inline(always)]
fn halves(pair: u64) -> [f32; 2] {
    let pair = if cfg!(target_endian = "big") { pair.rotate_left(32) } else { pair };
    [f32::from_bits(pair as u32), f32::from_bits((pair >> 32) as u32)]
}

/// The taps, along an axis, that lie within the input for output `out`: first, last + 1, and the first's input position.
pub(super) fn inside(window: &Window, axis: usize, out: usize) -> (std::ops::Range<usize>, usize) {
    let (start, dilation) = (out * window.stride[axis], window.dilation[axis]);
    let first = window.padding[axis].saturating_sub(start).div_ceil(dilation).min(window.kernel[axis]);
    let end = (window.input[axis] + window.padding[axis]).saturating_sub(start).div_ceil(dilation);
    let last = end.clamp(first, window.kernel[axis]);
    (first..last, (start + first * dilation).saturating_sub(window.padding[axis]))
}

/// The maxima of any windows in whole planes, tap by tap for each row of outputs.
#[inline(always)]
fn max(window: &Window, x: &[f32], y: &mut [f32], index: &mut [u32]) {
    let planes = x.chunks_exact(window.input_len()).zip(y.chunks_exact_mut(window.output_len()));
    let [_, out_width] = window.output();
    for ((x, y), index) in planes.zip(index.chunks_exact_mut(window.output_len())) {
        let rows = y.chunks_exact_mut(out_width).zip(index.chunks_exact_mut(out_width));
        for (i, (y, index)) in rows.enumerate() {
            let (taps, row) = inside(window, 0, i);
            y.fill(f32::NEG_INFINITY);
            for (j, index) in index.iter_mut().enumerate() {
                // The first in order, should all be as small. A window that lies wholly in the padding has none.
                let (columns, column) = inside(window, 1, j);
                let is_empty = taps.is_empty() || columns.is_empty();
                *index = if is_empty { 0 } else { (row * window.input[1] + column) as u32 };
            }
            for r in 0..taps.len() {
                let start = (row + r * window.dilation[0]) * window.input[1];
                for tap in 0..window.kernel[1] {
                    max_tap(window, &x[start..][..window.input[1]], start, tap, y, index);
                }
            }
        }
    }
}

/// Takes one column of the windows of a row of outputs into account. `x` is a row of the input, which begins at position
/// `start` of its plane.
#[inline(always)]
fn max_tap(window: &Window, x: &[f32], start: usize, tap: usize, y: &mut [f32], index: &mut [u32]) {
    let (stride, padding, offset) = (window.stride[1], window.padding[1], tap * window.dilation[1]);
    let first = padding.saturating_sub(offset).div_ceil(stride).min(y.len());
    let last = (x.len() + padding).saturating_sub(offset).div_ceil(stride).clamp(first, y.len());
    if first == last {
        return;
    }
    let column = first * stride + offset - padding;
    let (x, y, index) = (&x[column..], &mut y[first..last], &mut index[first..last]);
    let at = (start + column) as u32;
    match stride {
        1 => take_better(x.iter().copied(), at, 1, y, index),
        2 => {
            // Pairs, so that it becomes vector code; the row may end within the last.
            let (pairs, rest) = x.as_chunks::<2>();
            let whole = y.len().min(pairs.len());
            take_better(pairs.iter().map(|pair| pair[0]), at, 2, &mut y[..whole], &mut index[..whole]);
            let at = at + 2 * whole as u32;
            take_better(rest.iter().copied(), at, 2, &mut y[whole..], &mut index[whole..]);
        }
        _ => take_better(x.iter().copied().step_by(stride), at, stride as u32, y, index),
    }
}

/// Takes elements into account, one for each output; they lie `stride` apart from position `at` on.
#[inline(always)]
fn take_better(x: impl Iterator<Item = f32>, at: u32, stride: u32, y: &mut [f32], index: &mut [u32]) {
    for (j, (x, (y, index))) in x.zip(y.iter_mut().zip(index)).enumerate() {
        let better = is_better(x, *y);
        *y = if better { x } else { *y };
        *index = if better { at + j as u32 * stride } else { *index };
    }
}

fn average_plane(window: &Window, x: &[f32], y: &mut [f32]) {
    let [oh, ow] = window.output();
    let size = window.kernel_len() as f32;
    for i in 0..oh {
        let (rows, row) = inside(window, 0, i);
        for j in 0..ow {
            let (columns, column) = inside(window, 1, j);
            let mut sum = 0.0;
            for r in 0..rows.len() {
                let start = (row + r * window.dilation[0]) * window.input[1] + column;
                let taps = x[start.min(x.len())..].iter().step_by(window.dilation[1]).take(columns.len());
                sum += taps.sum::<f32>();
            }
            y[i * ow + j] = sum / size;
        }
    }
}
