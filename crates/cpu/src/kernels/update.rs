//! The optimizer's step, on pieces of a range of parameters.

use convoke_core::kernels::{Clip, Update};
use convoke_core::optim::{Formula, Rates};
use convoke_core::step::Step;
use convoke_core::with_formula;

use super::TASK_LEN;
use crate::context::Context;

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Update, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    if reads[1][0] != 0 {
        return;
    }
    let gradients: &[f32] = &bytemuck::cast_slice(reads[0])[..kernel.len];
    let factor = kernel.clip.map_or(1.0, |clip| clip.factor(reads.get(2).map_or(0.0, |sum| f32::from_bits(sum[0]))));
    // What a task owns: a piece of the parameters and of each tensor beside them, and the gradients that go with it.
    let mut pieces: Vec<(&[f32], Vec<&mut [f32]>)> =
        gradients.chunks(TASK_LEN).map(|g| (g, Vec::with_capacity(writes.len()))).collect();
    for tensor in writes.iter_mut() {
        let tensor: &mut [f32] = &mut bytemuck::cast_slice_mut(tensor)[..kernel.len];
        tensor.chunks_mut(TASK_LEN).zip(&mut pieces).for_each(|(piece, (_, owned))| owned.push(piece));
    }
    let rates = rates(kernel, step);
    context.tasks(pieces, |_, (gradients, mut owned)| {
        let clip = |g: f32| match kernel.clip {
            Some(Clip::Value(limit)) => g.clamp(-limit, limit),
            _ => g * factor,
        };
        context.vectorized(
            #[inline(always)]
            || {
                with_formula!(kernel.rule, formula => match formula.states() {
                    0 => update::<0>(&formula, &rates, gradients, clip, &mut owned),
                    1 => update::<1>(&formula, &rates, gradients, clip, &mut owned),
                    2 => update::<2>(&formula, &rates, gradients, clip, &mut owned),
                    _ => update::<3>(&formula, &rates, gradients, clip, &mut owned),
                });
                if let (Some(share), [parameters, .., average]) = (kernel.average, &mut owned[..]) {
                    average.iter_mut().zip(&**parameters).for_each(|(a, p)| *a += (p - *a) * share);
                }
            },
        );
    });
}

/// What the formula is told of the step.
fn rates(kernel: &Update, step: &Step) -> Rates<f32> {
    Rates {
        lr: step.learning_rate * kernel.rate,
        step_size: step.step_size * kernel.rate,
        inverse_sqrt_correction: step.inverse_sqrt_correction,
        continues: step.first_sample as f32,
    }
}

/// Updates a piece, whose tensors are the parameters and the `N` states.
#[inline(always)]
fn update<const N: usize>(
    formula: &impl Formula,
    rates: &Rates<f32>,
    gradients: &[f32],
    clip: impl Fn(f32) -> f32,
    tensors: &mut [&mut [f32]],
) {
    let [parameters, states @ ..] = tensors else { return };
    let (states, _) = states.split_first_chunk_mut::<N>().expect("a tensor for each state");
    let len = gradients.len();
    let parameters = &mut parameters[..len];
    let states: [&mut [f32]; N] = states.each_mut().map(|state| &mut state[..len]);
    for i in 0..len {
        let mut state: [f32; N] = std::array::from_fn(|k| states[k][i]);
        parameters[i] = formula.apply(parameters[i], clip(gradients[i]), &mut state, rates);
        for k in 0..N {
            states[k][i] = state[k];
        }
    }
}
