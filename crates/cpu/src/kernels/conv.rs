//! Convolution: direct, sample by sample. See [`Direct`].

use convoke_core::kernels::{Conv, ConvGeometry};
use convoke_core::step::Step;

use crate::context::Context;
use crate::depthwise::{Correlate, Frame};
use crate::direct::Direct;
use crate::pointwise::Pointwise;
use crate::sheets::Sampling;
use crate::rows::Finish;

/// Where a convolution's taps lie.
pub(super) fn sampling(geometry: &ConvGeometry) -> Sampling {
    let window = &geometry.window;
    let taps = |axis: usize| {
        (0..window.kernel[axis])
            .map(|tap| (tap * window.dilation[axis]) as isize - window.padding[axis] as isize)
            .collect()
    };
    Sampling {
        input: window.input,
        output: window.output(),
        stride: window.stride,
        rows: taps(0),
        columns: taps(1),
    }
}

/// A depthwise convolution, or the gradient of its input: plane by plane, a sample a task.
pub(super) fn correlate(
    frame: &Frame,
    step: &Step,
    x: &[f32],
    weight: &[f32],
    epilogue: &Pointwise<'_>,
    y: &mut [f32],
    context: &Context,
) {
    let ([source, output], taps) = (frame.planes(), frame.taps());
    let channels = weight.len() / taps;
    let samples = y.chunks_exact_mut(channels * output).take(step.samples as usize);
    context.tasks(samples, |n, y| {
        let mut memory = context.scratch(frame.len);
        memory.fill(0.0);
        for (c, out) in y.chunks_exact_mut(output).enumerate() {
            let place = n * channels + c;
            context.arch.dispatch(Correlate {
                frame,
                plane: &x[place * source..][..source],
                weights: &weight[c * taps..][..taps],
                memory: &mut memory,
                out,
            });
            epilogue.apply(place * output, out);
        }
    });
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Conv, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let geometry = &kernel.geometry;
    let x: &[f32] = bytemuck::cast_slice(reads[0]);
    let weight: &[f32] = bytemuck::cast_slice(reads[1]);
    let epilogue = Pointwise::epilogue(&kernel.epilogue, reads, step, context);

    if let Some(frame) = Frame::forward(geometry) {
        return correlate(&frame, step, x, weight, &epilogue, bytemuck::cast_slice_mut(writes[0]), context);
    }
    let (group_in, group_out, [kh, kw]) = (geometry.group_in(), geometry.group_out(), geometry.window.kernel);
    let direct = Direct::new(context, sampling(geometry), geometry.groups, [group_in, group_out], |g, o, c, a, b| {
        weight[(((g * group_out + o) * group_in + c) * kh + a) * kw + b]
    });
    let finish = epilogue.finish(geometry.out_channels, geometry.window.output_len());
    let (input_len, output_len) = (geometry.input_len(), geometry.output_len());
    let y: &mut [f32] = bytemuck::cast_slice_mut(writes[0]);
    let samples = y.chunks_exact_mut(output_len).take(step.samples as usize);
    context.tasks(samples, |n, y| {
        let start = n * output_len;
        direct.sample(context, &x[n * input_len..][..input_len], y, finish.unwrap_or(Finish::Store).from(0, start));
        if finish.is_none() {
            epilogue.apply(start, y);
        }
    });
}
