//! A convolution's gradient with respect to its input. With a stride of 1 it is a convolution of the output's gradient with
//! the taps reversed; with a larger one it is as many as there are remainders of the input's position, each with the taps
//! that meet them.

use convoke_core::kernels::{ConvGeometry, ConvGradInput};
use convoke_core::step::Step;

use crate::context::Context;
use crate::depthwise::Frame;
use crate::direct::Direct;
use crate::pointwise::Pointwise;
use crate::sheets::Sampling;
use crate::rows::Finish;

/// A tap of the forward window and, for the first of the input elements that it meets, the output element.
type Tap = (usize, isize);

/// Along `axis`, the taps under which input elements `remainder`, `remainder + stride`, … lie.
fn taps(geometry: &ConvGeometry, axis: usize, remainder: usize) -> Vec<Tap> {
    let window = &geometry.window;
    let (stride, first) = (window.stride[axis] as isize, (remainder + window.padding[axis]) as isize);
    (0..window.kernel[axis])
        .map(|tap| (tap, first - (tap * window.dilation[axis]) as isize))
        .filter(|(_, distance)| distance % stride == 0)
        .map(|(tap, distance)| (tap, distance / stride))
        .collect()
}

/// The input elements of one remainder, vertical and horizontal: a convolution.
struct Phase<'a> {
    remainder: [usize; 2],
    size: [usize; 2],
    /// `None` where no tap meets them.
    direct: Option<Direct<'a>>,
}

impl<'a> Phase<'a> {
    fn new(geometry: &ConvGeometry, weight: &[f32], remainder: [usize; 2], context: &'a Context) -> Self {
        let window = &geometry.window;
        let size = [0, 1].map(|d| window.input[d].saturating_sub(remainder[d]).div_ceil(window.stride[d]));
        let [rows, columns] = [0, 1].map(|axis| taps(geometry, axis, remainder[axis]));
        if rows.is_empty() || columns.is_empty() || size.contains(&0) {
            return Self { remainder, size, direct: None };
        }
        let sampling = Sampling {
            input: window.output(),
            output: size,
            stride: [1, 1],
            rows: rows.iter().map(|tap| tap.1).collect(),
            columns: columns.iter().map(|tap| tap.1).collect(),
        };
        let (group_in, group_out, [kh, kw]) = (geometry.group_in(), geometry.group_out(), window.kernel);
        let direct = Direct::new(context, sampling, geometry.groups, [group_out, group_in], |g, c, o, a, b| {
            weight[(((g * group_out + o) * group_in + c) * kh + rows[a].0) * kw + columns[b].0]
        });
        Self { remainder, size, direct: Some(direct) }
    }

    /// Computes the phase and deals it out to its places in `gx`.
    fn scatter(&self, geometry: &ConvGeometry, context: &Context, gy: &[f32], gx: &mut [f32]) {
        let [height, width] = self.size;
        let ([_, w], [sh, sw]) = (geometry.window.input, geometry.window.stride);
        let mut values = context.scratch(geometry.in_channels * height * width);
        match &self.direct {
            Some(direct) => direct.sample(context, gy, &mut values, Finish::Store),
            None => values.fill(0.0),
        }
        if values.is_empty() {
            return;
        }
        let planes = gx.chunks_exact_mut(geometry.window.input_len()).zip(values.chunks_exact(height * width));
        for (plane, values) in planes {
            for (i, row) in values.chunks_exact(width).enumerate() {
                let start = (i * sh + self.remainder[0]) * w + self.remainder[1];
                plane[start..].iter_mut().step_by(sw).zip(row).for_each(|(gx, value)| *gx = *value);
            }
        }
    }
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &ConvGradInput, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let geometry = &kernel.geometry;
    let gy: &[f32] = bytemuck::cast_slice(reads[0]);
    let weight: &[f32] = bytemuck::cast_slice(reads[1]);
    let epilogue = Pointwise::epilogue(&kernel.epilogue, reads, step, context);

    if let Some(frame) = Frame::backward(geometry) {
        let gx = bytemuck::cast_slice_mut(writes[0]);
        return super::conv::correlate(&frame, step, gy, weight, &epilogue, gx, context);
    }
    // Remainders beyond the input hold none of its elements, however large the stride.
    let [ph, pw] = [0, 1].map(|axis| geometry.window.stride[axis].min(geometry.window.input[axis]));
    let phases: Vec<Phase<'_>> =
        (0..ph * pw).map(|phase| Phase::new(geometry, weight, [phase / pw, phase % pw], context)).collect();
    let finish = epilogue.finish(geometry.in_channels, geometry.window.input_len());
    let (input_len, output_len) = (geometry.input_len(), geometry.output_len());
    let gx: &mut [f32] = bytemuck::cast_slice_mut(writes[0]);
    let samples = gx.chunks_exact_mut(input_len).take(step.samples as usize);
    context.tasks(samples, |n, gx| {
        let (gy, start) = (&gy[n * output_len..][..output_len], n * input_len);
        match (&phases[..], finish) {
            ([Phase { direct: Some(direct), .. }], Some(finish)) => {
                direct.sample(context, gy, gx, finish.from(0, start));
            }
            _ => {
                phases.iter().for_each(|phase| phase.scatter(geometry, context, gy, gx));
                epilogue.apply(start, gx);
            }
        }
    });
}
