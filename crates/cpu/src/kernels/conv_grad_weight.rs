//! A convolution's gradient with respect to its weight: inner products of the output's gradient with the input's sheets.

use convoke_core::kernels::{ConvGeometry, ConvGradWeight};
use convoke_core::step::Step;

use super::conv::sampling;
use crate::context::Context;
use crate::depthwise::{Frame, Gradient};
use crate::sheets::Sheets;
use crate::dots::{Dots, Operand};

/// Bytes of sheets that are made at a time: they are read once for every few output channels.
const PIECE_BYTES: usize = 1 << 20;

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
        let (plane, sample_len) = (height * width, self.geometry.group_in() * self.sheets.channel);
        let members = (PIECE_BYTES / 4 / sample_len).clamp(1, samples.len());
        let mut sheets = self.context.scratch(members * sample_len);
        out.fill(0.0);
        let mut out: Vec<&mut [f32]> = out.chunks_exact_mut(self.offsets.len()).collect();
        for strip in (0..height).step_by(self.strip) {
            let strip_rows = self.strip.min(height - strip);
            for first in samples.clone().step_by(members) {
                let members = members.min(samples.end - first);
                for member in 0..members {
                    let sheets = &mut sheets[member * sample_len..][..sample_len];
                    self.fill_sheets(group, first + member, strip, strip_rows, sheets);
                }
                let start = |r| (first * self.geometry.out_channels + row + r) * plane + strip * width;
                let gradients: Vec<usize> = (0..rows).map(start).collect();
                self.context.arch.dispatch(Dots {
                    a: Operand { data: self.gy, offsets: &gradients, pitch: self.geometry.output_len() },
                    b: Operand { data: &sheets, offsets: &self.offsets, pitch: sample_len },
                    members,
                    len: strip_rows * width,
                    out: &mut out,
                });
            }
        }
    }

    fn fill_sheets(&self, group: usize, sample: usize, strip: usize, rows: usize, out: &mut [f32]) {
        let len = self.geometry.group_in() * self.geometry.window.input_len();
        let x = &self.x[sample * self.geometry.input_len() + group * len..][..len];
        self.context.vectorized(
            #[inline(always)]
            || self.sheets.fill(x, strip, rows, out),
        );
    }
}

/// Channels of one task, where they are independent.
const TASK_CHANNELS: usize = 8;

/// The gradient of a depthwise convolution's weight.
fn depthwise(
    kernel: &ConvGradWeight,
    frame: &Frame,
    step: &Step,
    reads: &[&[u32]],
    writes: &mut [&mut [u32]],
    context: &Context,
) {
    let (channels, samples) = (kernel.geometry.in_channels, step.samples as usize);
    let ([source, output], taps) = (frame.planes(), frame.taps());
    let (x, gy): (&[f32], &[f32]) = (bytemuck::cast_slice(reads[0]), bytemuck::cast_slice(reads[1]));
    let partial: &mut [f32] = bytemuck::cast_slice_mut(writes[0]);
    let chunks = partial.chunks_exact_mut(channels * taps).take(samples.div_ceil(kernel.chunk));
    let pieces = chunks.enumerate().flat_map(|(chunk, out)| {
        let parts = out.chunks_mut(TASK_CHANNELS * taps).enumerate();
        parts.map(move |(part, out)| (chunk * kernel.chunk, part * TASK_CHANNELS, out))
    });
    context.tasks(pieces, |_, (first, channel, out)| {
        let [gradient_len, sums_len] = frame.gradient_len();
        let mut memory = context.scratch(frame.len + gradient_len + sums_len);
        memory.fill(0.0);
        let (memory, rest) = memory.split_at_mut(frame.len);
        let (gradient, sums) = rest.split_at_mut(gradient_len);
        for (c, out) in out.chunks_exact_mut(taps).enumerate() {
            let planes = (first..(first + kernel.chunk).min(samples)).map(|n| {
                let place = n * channels + channel + c;
                (&x[place * source..][..source], &gy[place * output..][..output])
            });
            let gradients = [&mut *gradient, &mut *sums];
            context.arch.dispatch(Gradient { frame, planes, memory, gradients, out });
        }
    });
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &ConvGradWeight, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let geometry = &kernel.geometry;
    let samples = step.samples as usize;
    if let Some(frame) = Frame::forward(geometry) {
        return depthwise(kernel, &frame, step, reads, writes, context);
    }
    let sampling = sampling(geometry);
    let strip = crate::direct::strip_rows(&sampling, geometry.group_in(), PIECE_BYTES);
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
