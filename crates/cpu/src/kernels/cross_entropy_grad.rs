//! The gradient of softmax cross-entropy, sample by sample.

use convoke_core::kernels::CrossEntropyGrad;
use convoke_core::step::Step;

use super::cross_entropy::softmax;
use crate::context::Context;

/// Samples of one task.
const TASK_SAMPLES: usize = 64;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &CrossEntropyGrad, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let classes = kernel.classes;
    let (logits, g): (&[f32], &[f32]) = (bytemuck::cast_slice(reads[0]), bytemuck::cast_slice(reads[2]));
    let out: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..step.samples as usize * classes];
    context.tasks(out.chunks_mut(TASK_SAMPLES * classes), |i, out| {
        for (n, out) in out.chunks_exact_mut(classes).enumerate() {
            let n = i * TASK_SAMPLES + n;
            let logits = &logits[n * classes..][..classes];
            let (largest, sum) = softmax(logits);
            if kernel.soft {
                let targets: &[f32] = &bytemuck::cast_slice(reads[1])[n * classes..][..classes];
                let total: f32 = targets.iter().sum();
                for (out, (x, wanted)) in out.iter_mut().zip(logits.iter().zip(targets)) {
                    *out = g[n] * ((x - largest).exp() / sum * total - wanted);
                }
                continue;
            }
            for (c, (out, x)) in out.iter_mut().zip(logits).enumerate() {
                let wanted = if c as u32 == reads[1][n] { 1.0 } else { 0.0 };
                *out = g[n] * ((x - largest).exp() / sum - wanted);
            }
        }
    });
}
