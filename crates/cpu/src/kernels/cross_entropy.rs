//! Softmax cross-entropy, sample by sample.

use convoke_core::kernels::CrossEntropy;
use convoke_core::step::Step;

use crate::context::Context;

/// Samples of one task.
const TASK_SAMPLES: usize = 64;

/// The largest of a sample's logits, and the sum of `exp(logit − largest)`.
pub(super) fn softmax(logits: &[f32]) -> (f32, f32) {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    (largest, logits.iter().map(|x| (x - largest).exp()).sum())
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &CrossEntropy, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let logits: &[f32] = bytemuck::cast_slice(reads[0]);
    let losses: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..step.samples as usize];
    context.tasks(losses.chunks_mut(TASK_SAMPLES), |i, losses| {
        for (n, loss) in losses.iter_mut().enumerate() {
            let n = i * TASK_SAMPLES + n;
            let logits = &logits[n * kernel.classes..][..kernel.classes];
            let (largest, sum) = softmax(logits);
            *loss = if kernel.soft {
                let targets: &[f32] = &bytemuck::cast_slice(reads[1])[n * kernel.classes..][..kernel.classes];
                let log_sum = sum.ln();
                logits.iter().zip(targets).map(|(x, t)| t * (log_sum - (x - largest))).sum()
            } else {
                logits.get(reads[1][n] as usize).map_or(f32::NAN, |x| sum.ln() - (x - largest))
            };
        }
    });
}
