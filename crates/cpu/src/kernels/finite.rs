//! The gate: looks for a NaN or an infinity, by the bits of the exponent.

use std::sync::atomic::{AtomicBool, Ordering};

use convoke_core::kernels::Finite;
use convoke_core::step::Step;

use super::TASK_LEN;
use crate::context::Context;

/// The exponent's bits, all of which are set in a NaN or an infinity, and in no number.
const EXPONENT: u32 = 0x7f80_0000;

#[inline(always)]
fn any_broken(words: &[u32]) -> bool {
    // No early exit: it would keep the loop from being vectorised, and there is nothing to find in nearly all runs.
    words.iter().fold(false, |broken, word| broken | (word & EXPONENT == EXPONENT))
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Finite, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let gradients = &reads[0][..kernel.len];
    let broken = AtomicBool::new(reads[1][4 * step.slot as usize + 3] != 0);
    context.tasks(gradients.chunks(TASK_LEN), |_, words| {
        if context.vectorized(
            #[inline(always)]
            || any_broken(words),
        ) {
            broken.store(true, Ordering::Relaxed);
        }
    });
    // Only the first broken step is written down.
    if broken.into_inner() && writes[0][0] == 0 {
        writes[0][0] = step.number.max(1);
    }
}
