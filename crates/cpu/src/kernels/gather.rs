//! The batch out of the dataset: bytes to normalised floats.

use convoke_core::kernels::Gather;
use convoke_core::step::Step;

use crate::context::Context;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Gather, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let [pixels, labels, indices] = [reads[0], reads[1], reads[2]];
    let samples = step.samples as usize;
    let indices = &indices[step.first_index as usize..][..samples];
    let [x, y] = writes else { panic!("gather writes two tensors, and was given {}", writes.len()) };
    for (y, &index) in y.iter_mut().zip(indices) {
        *y = labels[index as usize];
    }
    let x: &mut [f32] = bytemuck::cast_slice_mut(x);
    let len = kernel.channels * kernel.plane;
    context.tasks(x.chunks_exact_mut(len).zip(indices), |_, (x, &index)| {
        let words = kernel.sample_words();
        let bytes: &[u8] = bytemuck::cast_slice(&pixels[index as usize * words..][..words]);
        context.vectorized(
            #[inline(always)]
            || decode(kernel, bytes, x),
        );
    });
}

#[inline(always)]
fn decode(kernel: &Gather, bytes: &[u8], x: &mut [f32]) {
    let is_grey = kernel.source_channels == 1;
    for (c, x) in x.chunks_exact_mut(kernel.plane).enumerate() {
        let source = if is_grey { 0 } else { c * kernel.plane };
        let (mean, inverse_std) = (kernel.mean[c], kernel.inverse_std[c]);
        for (x, &byte) in x.iter_mut().zip(&bytes[source..][..kernel.plane]) {
            *x = (f32::from(byte) / 255.0 - mean) * inverse_std;
        }
    }
}
