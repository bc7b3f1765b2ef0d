//! Labels as rows of targets.

use convoke_core::kernels::OneHot;
use convoke_core::step::Step;

use crate::context::Context;

/// Samples of one task.
const TASK_SAMPLES: usize = 256;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &OneHot, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let classes = kernel.classes;
    let labels = reads[0];
    let mixed: Option<(&[u32], &[f32])> = kernel.mixed.then(|| (reads[1], bytemuck::cast_slice(reads[2])));
    let weights: Option<&[f32]> = kernel.weighted.then(|| bytemuck::cast_slice(reads[reads.len() - 1]));
    let [on, off] = kernel.on_and_off();
    let targets: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..step.samples as usize * classes];
    context.tasks(targets.chunks_mut(TASK_SAMPLES * classes), |i, targets| {
        for (n, row) in targets.chunks_exact_mut(classes).enumerate() {
            let n = i * TASK_SAMPLES + n;
            row.fill(0.0);
            let (first, other) = mixed.map_or((1.0, None), |(second, share)| (share[n], Some(second[n])));
            let shares = [(Some(labels[n]), first), (other, 1.0 - first)];
            let mut is_sound = true;
            for (label, share) in shares.into_iter().filter_map(|(label, share)| Some((label?, share))) {
                match row.get_mut(label as usize) {
                    Some(target) => *target += share,
                    None => is_sound = false,
                }
            }
            for (c, target) in row.iter_mut().enumerate() {
                let weight = weights.map_or(1.0, |weights| step.weight_scale * weights[c]);
                *target = if is_sound { weight * (on * *target + off) } else { f32::NAN };
            }
        }
    });
}
