//! Matrix product. Where both operands lie along the sum, inner products; otherwise outer products.

use convoke_core::kernels::Gemm;
use convoke_core::step::Step;

use crate::context::Context;
use crate::pointwise::Pointwise;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Gemm, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let [m, n, k] = [kernel.m, kernel.n, kernel.k].map(|e| e.at(step.samples as usize));
    let a: &[f32] = bytemuck::cast_slice(reads[0]);
    let b: &[f32] = bytemuck::cast_slice(reads[1]);
    let c = &mut bytemuck::cast_slice_mut::<u32, f32>(writes[0])[..m * n];
    let epilogue = Pointwise::epilogue(&kernel.epilogue, reads, step, context);
    for i in 0..m { for j in 0..n { let mut s = 0.0; for l in 0..k {
        s += a[if kernel.transpose_a { l * m + i } else { i * k + l }] * b[if kernel.transpose_b { j * k + l } else { l * n + j }];
    } c[i * n + j] = s; } }
    epilogue.apply(0, c);
}
