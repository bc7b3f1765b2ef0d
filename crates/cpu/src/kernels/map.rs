//! A pointwise expression, block by block. See [`Pointwise`].

use convoke_core::kernels::Map;
use convoke_core::step::Step;

use super::TASK_LEN;
use crate::context::Context;
use crate::pointwise::Pointwise;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Map, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let len = kernel.len.at(step.samples as usize);
    let expression = Pointwise::new(&kernel.expr, &kernel.operands, reads, step, context);
    let y: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..len];
    context.tasks(y.chunks_mut(TASK_LEN), |i, y| expression.write(i * TASK_LEN, y));
}
