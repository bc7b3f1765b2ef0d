//! A convolution's gradient with respect to its weight: inner products of the output's gradient with the input's sheets.

use convoke_core::kernels::{ConvGeometry, ConvGradWeight};
use convoke_core::step::Step;

use super::conv::sampling;
use crate::context::Context;
use crate::sheets::Sheets;
use crate::tile::{Dots, Operand, lanes};

/// Bytes of sheets and gradients that are made at a time: they are read once for every few output channels.
const PIECE_BYTES: usize = 512 << 10;

/// Output channels of one task.
const TASK_ROWS: usize = 32;

/// What the tasks share.
struct Shared<'a> {
    geometry: &'a ConvGeometry,
    context: &'a Context,
    sheets: Sheets,
    /// Output rows that sheets are made of at a time.
    strip: usize,
    /// Where each element of an output channel's weights finds its input in a sample's sheets.
    offsets: Vec<usize>,
    x: &'a [f32],
    gy: &'a [f32],
}

impl Shared<'_> {
    /// Sums over samples `first` to before `last`, for the output channels from `row` on that `out` holds.
    fn task(&self, group: usize, row: usize, samples: std::ops::Range<usize>, out: &mut [f32]) {
        let rows = out.len() / self.offsets.len();
        let [height, width] = self.geometry.window.output();
        let sample_len = self.geometry.group_in() * self.sheets.channel;
        let gradient_len = (self.strip * width).next_multiple_of(lanes(self.context.arch));
        let members = (PIECE_BYTES / 4 / (sample_len + rows * gradient_len)).clamp(1, samples.len());
        // A vector may be read beyond the end of a sample's sheets: what lies there is multiplied by 0, so it must be finite.
        let mut sheets = self.context.scratch(members * sample_len + 64);
        sheets[members * sample_len..].fill(0.0);
        let mut gradients = self.context.scratch(members * rows * gradient_len);
        let row_offsets: Vec<usize> = (0..rows).map(|r| r * gradient_len).collect();
        out.fill(0.0);
        let mut out_rows: Vec<&mut [f32]> = out.chunks_exact_mut(self.offsets.len()).collect();
        for strip in (0..height).step_by(self.strip) {
            let strip_rows = self.strip.min(height - strip);
            let len = (strip_rows * width).next_multiple_of(lanes(self.context.arch));
            for first in samples.clone().step_by(members) {
                let members = members.min(samples.end - first);
                for member in 0..members {
                    let sheets = &mut sheets[member * sample_len..][..sample_len];
                    self.fill_sheets(group, first + member, strip, strip_rows, sheets);
                    let gradients = &mut gradients[member * rows * gradient_len..][..rows * gradient_len];
                    self.fill_gradients(first + member, row, strip * width..(strip + strip_rows) * width, gradients);
                }
                self.context.arch.dispatch(Dots {
                    a: Operand { data: &gradients, offsets: &row_offsets, pitch: rows * gradient_len },
                    b: Operand { data: &sheets, offsets: &self.offsets, pitch: sample_len },
                    members,
                    len,
                    out: &mut out_rows,
                });
            }
        }
    }

    fn fill_sheets(&self, group: usize, sample: usize, strip: usize, rows: usize, out: &mut [f32]) {
        let plane = self.geometry.window.input_len();
        let len = self.geometry.group_in() * plane;
        let x = &self.x[sample * self.geometry.input_len() + group * len..][..len];
        self.context.vectorized(
            #[inline(always)]
            || {
                for (plane, out) in x.chunks_exact(plane).zip(out.chunks_exact_mut(self.sheets.channel)) {
                    self.sheets.fill(plane, strip, rows, out);
                }
            },
        );
    }

    /// Rows of the gradient, padded with zeros to whole vectors.
    fn fill_gradients(&self, sample: usize, row: usize, range: std::ops::Range<usize>, out: &mut [f32]) {
        let plane = self.geometry.window.output_len();
        let gradient_len = (self.strip * self.geometry.window.output()[1]).next_multiple_of(lanes(self.context.arch));
        let gy = &self.gy[sample * self.geometry.output_len() + row * plane..];
        for (gy, out) in gy.chunks_exact(plane).zip(out.chunks_exact_mut(gradient_len)) {
            let (now, rest) = out.split_at_mut(range.len());
            now.copy_from_slice(&gy[range.clone()]);
            rest.fill(0.0);
        }
    }
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &ConvGradWeight, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let geometry = &kernel.geometry;
    let samples = step.samples as usize;
    let sampling = sampling(geometry);
    let strip = crate::direct::strip_rows(&sampling, geometry.group_in());
    let sheets = Sheets::new(sampling, strip);
    let taps = sheets.taps.len();
    let offsets = (0..geometry.group_in() * taps).map(|k| k / taps * sheets.channel + sheets.taps[k % taps]).collect();
    let (x, gy) = (bytemuck::cast_slice(reads[0]), bytemuck::cast_slice(reads[1]));
    let shared = Shared { geometry, context, sheets, strip, offsets, x, gy };

    let partial: &mut [f32] = bytemuck::cast_slice_mut(writes[0]);
    let group_len = geometry.group_out() * shared.offsets.len();
    let groups = partial.chunks_exact_mut(group_len).take(samples.div_ceil(kernel.chunk) * geometry.groups);
    let pieces = groups.enumerate().flat_map(|(i, out)| {
        let blocks = out.chunks_mut(TASK_ROWS * shared.offsets.len());
        blocks.enumerate().map(move |(b, out)| (i / geometry.groups, i % geometry.groups, b * TASK_ROWS, out))
    });
    context.tasks(pieces, |_, (chunk, group, row, out)| {
        let first = chunk * kernel.chunk;
        let last = (first + kernel.chunk).min(samples);
        shared.task(group, group * geometry.group_out() + row, first..last, out);
    });
}
