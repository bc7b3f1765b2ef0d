//! The batch out of the dataset, each picture seen through its view.

use convoke_core::kernels::{AugmentedGather, Gather, Mix, PIXEL, View};
use convoke_core::step::Step;

use crate::context::Context;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &AugmentedGather, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let [pixels, labels, indices, augmentation] = [reads[0], reads[1], reads[2], reads[3]];
    let (samples, first) = (step.samples as usize, step.first_index as usize);
    let indices = &indices[first..][..samples];
    let words = kernel.block_words();
    let blocks = &augmentation[first * words..][..samples * words];
    for (y, &index) in writes[1].iter_mut().zip(indices) {
        *y = labels[index as usize];
    }
    if kernel.mixed {
        for (n, block) in blocks.chunks_exact(words).enumerate() {
            let mix = Mix::from_words(&block[View::WORDS..]);
            writes[2][n] = labels[mix.second as usize];
            writes[3][n] = mix.share.to_bits();
        }
    }
    let x: &mut [f32] = bytemuck::cast_slice_mut(writes[0]);
    let len = kernel.gather.channels * kernel.gather.plane;
    let picture = |index: u32| -> &[u8] {
        let words = kernel.gather.sample_words();
        bytemuck::cast_slice(&pixels[index as usize * words..][..words])
    };
    let tasks = x.chunks_exact_mut(len).zip(indices.iter().zip(blocks.chunks_exact(words)));
    context.tasks(tasks, |_, (x, (&index, block))| {
        context.vectorized(
            #[inline(always)]
            || show(kernel, &View::from_words(block), picture(index), x),
        );
        if kernel.mixed {
            let mix = Mix::from_words(&block[View::WORDS..]);
            let mut second = vec![0.0; len];
            let view = View::from_words(&block[View::WORDS + Mix::WORDS..]);
            context.vectorized(
                #[inline(always)]
                || show(kernel, &view, picture(mix.second), &mut second),
            );
            blend(kernel, &mix, x, &second);
        }
    });
}

/// Mixes the second picture into the first.
fn blend(kernel: &AugmentedGather, mix: &Mix, first: &mut [f32], second: &[f32]) {
    let [height, width] = kernel.size;
    for (i, (x, &other)) in first.iter_mut().zip(second).enumerate() {
        let inside = mix.rectangle.contains(i / width % height, i % width);
        let weight = if inside { 0.0 } else { mix.weight };
        *x = weight * *x + (1.0 - weight) * other;
    }
}

/// Writes what a view shows of a picture, normalised, row by row.
#[inline(always)]
fn show(kernel: &AugmentedGather, view: &View, bytes: &[u8], x: &mut [f32]) {
    let Gather { source_channels, plane, mean, inverse_std, .. } = &kernel.gather;
    let [height, width] = kernel.size;
    let mut values = vec![0.0; source_channels * width];
    let mut inside = vec![false; width];
    for row in 0..height {
        read_row(kernel, view, bytes, row, &mut values, &mut inside);
        if kernel.coloured {
            change_colours(view, &mut values, &inside);
        }
        let cut = cut_columns(view, row, width);
        for (c, (mean, inverse_std)) in mean.iter().zip(inverse_std).enumerate() {
            let source = &values[c % source_channels * width..][..width];
            let x = &mut x[c * plane + row * width..][..width];
            for (x, value) in x.iter_mut().zip(source) {
                *x = (value / 255.0 - mean) * inverse_std;
            }
            x[cut.clone()].fill(0.0);
        }
    }
}

/// The columns of a row that are cut out.
fn cut_columns(view: &View, row: usize, width: usize) -> std::ops::Range<usize> {
    let cut = view.cutout;
    let row = row as i64;
    let column = |at: i32| at.clamp(0, width as i32) as usize;
    let holds = i64::from(cut.top) <= row && row < i64::from(cut.bottom) && cut.left < cut.right;
    if holds { column(cut.left)..column(cut.right) } else { 0..0 }
}

/// The values that a row of a view shows, channel by channel, 0 … 255, and which of them lie inside of the picture.
#[inline(always)]
fn read_row(kernel: &AugmentedGather, view: &View, bytes: &[u8], row: usize, values: &mut [f32], inside: &mut [bool]) {
    let [height, width] = kernel.size;
    let plane = kernel.gather.plane;
    values.fill(0.0);
    inside.fill(false);
    if let Some((source, column, direction)) = straight(view, row) {
        if !(0..height as i64).contains(&source) {
            return;
        }
        for (i, inside) in inside.iter_mut().enumerate() {
            *inside = (0..width as i64).contains(&(column + direction * i as i64));
        }
        // The columns of the view whose points lie inside are neighbours.
        let from = if direction > 0 { -column } else { column - (width as i64 - 1) };
        let [from, to] = [from, from + width as i64].map(|at| at.clamp(0, width as i64) as usize);
        for (c, values) in values.chunks_exact_mut(width).enumerate() {
            let bytes = &bytes[c * plane + source as usize * width..][..width];
            let targets = &mut values[from..to];
            if targets.is_empty() {
                continue;
            }
            if direction > 0 {
                let bytes = &bytes[(column + from as i64) as usize..];
                targets.iter_mut().zip(bytes).for_each(|(value, &byte)| *value = f32::from(byte));
            } else {
                let bytes = &bytes[..=(column - from as i64) as usize];
                targets.iter_mut().zip(bytes.iter().rev()).for_each(|(value, &byte)| *value = f32::from(byte));
            }
        }
        return;
    }
    for (i, inside) in inside.iter_mut().enumerate() {
        let [column, row] = view.point(row, i);
        let nearest = [(row, height), (column, width)].map(|(at, length)| {
            let middle = at.wrapping_add(PIXEL / 2) >> 16;
            (0..length as i32).contains(&middle).then_some(middle as usize)
        });
        let [Some(y), Some(x)] = nearest else { continue };
        *inside = true;
        for (bytes, values) in bytes.chunks_exact(plane).zip(values.chunks_exact_mut(width)) {
            values[i] = if kernel.interpolated { between(bytes, kernel.size, row, column) } else { f32::from(bytes[y * width + x]) };
        }
    }
}

/// Where a view shows whole pixels of one row of the picture: the row, the column at the view's first, and how it goes on.
fn straight(view: &View, row: usize) -> Option<(i64, i64, i64)> {
    let [a, b, x, c, d, y] = view.matrix.map(i64::from);
    let pixel = i64::from(PIXEL);
    let whole = b == 0 && c == 0 && a.abs() == pixel && d.abs() == pixel && x % pixel == 0 && y % pixel == 0;
    whole.then(|| (d / pixel * row as i64 + y / pixel, x / pixel, a / pixel))
}

/// The value between four pixels, as the shader finds it: in integers, and then exactly in a float.
#[inline(always)]
fn between(plane: &[u8], [height, width]: [usize; 2], row: i32, column: i32) -> f32 {
    let inside = |at: i32, length: usize| at.clamp(0, length as i32 - 1) as usize;
    let [left, right] = [0, 1].map(|d| inside((column >> 16) + d, width));
    let [across, down] = [column, row].map(|at| (at >> 8 & 255) as u32);
    let line = |y: usize| {
        let [left, right] = [left, right].map(|x| u32::from(plane[y * width + x]));
        (256 - across) * left + across * right
    };
    let [above, below] = [0, 1].map(|d| line(inside((row >> 16) + d, height)));
    ((256 - down) * above + down * below) as f32 * (1.0 / 65_536.0)
}

/// Changes the colours of a row's values that lie inside.
#[inline(always)]
fn change_colours(view: &View, values: &mut [f32], inside: &[bool]) {
    let width = inside.len();
    let channels = values.len() / width;
    for (i, _) in inside.iter().enumerate().filter(|(_, inside)| **inside) {
        let luma = match channels {
            3 => 0.299 * values[i] + 0.587 * values[width + i] + 0.114 * values[2 * width + i],
            _ => 0.0,
        };
        for value in values[i..].iter_mut().step_by(width) {
            let grey = if channels == 3 { luma } else { *value };
            let mixed = view.saturation * *value + (1.0 - view.saturation) * grey;
            *value = (view.gain * mixed + view.offset).clamp(0.0, 255.0);
        }
    }
}
