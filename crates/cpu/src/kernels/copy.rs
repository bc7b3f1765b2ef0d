//! Rows out of one tensor into another.

use convoke_core::kernels::Copy;
use convoke_core::step::Step;

use crate::context::Context;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Copy, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let rows = kernel.rows.at(step.samples as usize);
    let from = reads[0].chunks(kernel.from_stride).take(rows);
    let to = writes[0].chunks_mut(kernel.to_stride);
    context.tasks(to.zip(from), |_, (to, from)| {
        let part = &from[kernel.from_offset..][..kernel.len];
        to[kernel.to_offset..][..kernel.len].copy_from_slice(part);
    });
}
