//! A run's figures: a few operations a sample, on one thread.

use convoke_core::kernels::Metrics;
use convoke_core::step::Step;

use crate::context::Context;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Metrics, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], _: &Context) {
    let samples = step.samples as usize;
    let logits: &[f32] = bytemuck::cast_slice(reads[0]);
    let losses: &[f32] = &bytemuck::cast_slice(reads[2])[..samples];
    let is_right = |&(logits, &label): &(&[f32], &u32)| {
        let mut best = 0;
        for (class, x) in logits.iter().enumerate() {
            if *x > logits[best] {
                best = class;
            }
        }
        best == label as usize
    };
    let right = logits.chunks_exact(kernel.classes).zip(&reads[1][..samples]).filter(is_right).count();
    let broken = losses.iter().any(|loss| !loss.is_finite());
    let figures = [losses.iter().sum::<f32>().to_bits(), right as u32, step.samples, u32::from(broken)];
    writes[0][4 * step.slot as usize..][..4].copy_from_slice(&figures);
}
