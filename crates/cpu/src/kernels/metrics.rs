//! A run's figures: a few operations a sample, on one thread.

use convoke_core::kernels::{Metrics, Tally};
use convoke_core::step::Step;

use crate::context::Context;

/// The first of the largest.
fn first_largest(logits: &[f32]) -> usize {
    let mut best = 0;
    for (class, x) in logits.iter().enumerate() {
        if *x > logits[best] {
            best = class;
        }
    }
    best
}

/// Whether a label's logit is among the five largest, where of equal ones the first count as larger.
fn is_of_five_largest(logits: &[f32], label: usize) -> bool {
    let own = logits[label];
    let larger = |&(class, x): &(usize, &f32)| *x > own || (*x == own && class < label);
    logits.iter().enumerate().filter(larger).take(5).count() < 5
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Metrics, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], _: &Context) {
    let (classes, samples) = (kernel.classes, step.samples as usize);
    let logits: &[f32] = bytemuck::cast_slice(reads[0]);
    let losses: &[f32] = &bytemuck::cast_slice(reads[2])[..samples];
    let (figures, tallies) = writes.split_at_mut(1);
    let mut right = 0;
    for (logits, &label) in logits.chunks_exact(classes).zip(&reads[1][..samples]) {
        let (best, label) = (first_largest(logits), label as usize);
        right += u32::from(best == label);
        if kernel.tally == Tally::Nothing || label >= classes {
            continue;
        }
        let tallies = &mut *tallies[0];
        tallies[0] += u32::from(is_of_five_largest(logits, label));
        if kernel.tally == Tally::Confusion {
            tallies[1 + label * classes + best] += 1;
        }
    }
    let broken = losses.iter().any(|loss| !loss.is_finite());
    let words = [losses.iter().sum::<f32>().to_bits(), right, step.samples, u32::from(broken)];
    figures[0][4 * step.slot as usize..][..4].copy_from_slice(&words);
}
