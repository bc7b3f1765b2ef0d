//! The optimizer's step, on pieces of all parameters.

use convoke_core::kernels::{Rule, Update};
use convoke_core::step::Step;

use super::TASK_LEN;
use crate::context::Context;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Update, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    if reads[1][0] != 0 {
        return;
    }
    let gradients: &[f32] = &bytemuck::cast_slice(reads[0])[..kernel.len];
    // What a task owns: a piece of the parameters and of each state tensor, and the gradients that go with it.
    let mut pieces: Vec<(&[f32], Vec<&mut [f32]>)> =
        gradients.chunks(TASK_LEN).map(|g| (g, Vec::with_capacity(3))).collect();
    for tensor in writes.iter_mut() {
        let tensor: &mut [f32] = &mut bytemuck::cast_slice_mut(tensor)[..kernel.len];
        tensor.chunks_mut(TASK_LEN).zip(&mut pieces).for_each(|(piece, (_, owned))| owned.push(piece));
    }
    context.tasks(pieces, |_, (gradients, mut owned)| {
        context.vectorized(
            #[inline(always)]
            || update(kernel.rule, step, gradients, &mut owned),
        );
    });
}

#[inline(always)]
fn update(rule: Rule, step: &Step, gradients: &[f32], owned: &mut [&mut [f32]]) {
    let lr = step.learning_rate;
    match (rule, owned) {
        (Rule::Running { momentum }, [parameters]) => {
            for (p, g) in parameters.iter_mut().zip(gradients) {
                *p += momentum * (g - *p);
            }
        }
        (Rule::Sgd { weight_decay, .. }, [parameters]) => {
            for (p, g) in parameters.iter_mut().zip(gradients) {
                *p -= lr * (g + weight_decay * *p);
            }
        }
        (Rule::Sgd { momentum, nesterov, weight_decay }, [parameters, velocities]) => {
            for ((p, v), g) in parameters.iter_mut().zip(velocities.iter_mut()).zip(gradients) {
                let g = g + weight_decay * *p;
                *v = momentum * *v + g;
                *p -= lr * if nesterov { g + momentum * *v } else { *v };
            }
        }
        (
            Rule::Adam { beta2, one_minus_beta1, one_minus_beta2, eps, weight_decay, .. },
            [parameters, means, squares],
        ) => {
            let moments = means.iter_mut().zip(squares.iter_mut());
            for ((p, (m, v)), g) in parameters.iter_mut().zip(moments).zip(gradients) {
                let g = g + weight_decay * *p;
                *m += (g - *m) * one_minus_beta1;
                *v = beta2 * *v + one_minus_beta2 * (g * g);
                *p -= step.step_size * *m / (v.sqrt() * step.inverse_sqrt_correction + eps);
            }
        }
        (rule, owned) => panic!("{rule:?} has {} state tensors, and was given {}", rule.states(), owned.len() - 1),
    }
}
