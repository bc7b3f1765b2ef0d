//! Each kernel against plain loops in double precision, over generated shapes; with every instruction set that the
//! processor has; and the same bits for one, two and three threads.

mod augmented;
mod conv;
mod engine;
mod gemm;
mod pointwise;
mod pool;
mod sample;

use std::num::NonZeroUsize;

use convoke_core::expr::{Binary, Broadcast, Epilogue, Expr, Unary};
use convoke_core::kernels::Kernel;
use convoke_core::random::{Stream, StreamId};
use convoke_core::step::Step;

use crate::context::Context;

/// A word that no kernel writes: what lies beyond a run's part must still be there afterwards.
const UNTOUCHED: u32 = 0xdead_beef;

/// Words beyond a run's part.
const TAIL: usize = 100;

fn stream(test: u32) -> Stream {
    Stream::new(17, StreamId::Init, 0, test)
}

/// Between `low` and `high`, both included.
fn between(random: &mut Stream, low: usize, high: usize) -> usize {
    low + random.below((high - low + 1) as u32) as usize
}

fn floats(random: &mut Stream, len: usize) -> Vec<f32> {
    (0..len).map(|_| random.uniform(-1.0, 1.0)).collect()
}

fn words(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn step(samples: usize) -> Step {
    Step { samples: samples as u32, inverse_samples: 1.0 / samples.max(1) as f32, ..Step::default() }
}

/// One for each instruction set, and two more numbers of threads for the widest.
fn contexts() -> Vec<Context> {
    let widest = pulp::Arch::new();
    let mut all: Vec<(pulp::Arch, usize)> = vec![(widest, 1), (widest, 2), (widest, 3), (pulp::Arch::Scalar, 2)];
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = pulp::x86::V3::try_new() {
        all.push((pulp::Arch::V3(v3), 2));
    }
    all.into_iter().map(|(arch, threads)| Context::on(arch, NonZeroUsize::new(threads)).unwrap()).collect()
}

/// Runs a kernel in every context; `writes` are the outputs before the run, each of which is given a tail. Returns the
/// outputs of each context.
fn run_all(kernel: impl Into<Kernel>, step: &Step, reads: &[Vec<u32>], writes: &[Vec<u32>]) -> Vec<Vec<Vec<u32>>> {
    let kernel = kernel.into();
    let reads: Vec<&[u32]> = reads.iter().map(Vec::as_slice).collect();
    let mut results = Vec::new();
    for context in contexts() {
        let mut outputs = writes.to_vec();
        outputs.iter_mut().for_each(|out| out.extend([UNTOUCHED; TAIL]));
        let mut slices: Vec<&mut [u32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        crate::kernels::run(&kernel, step, &reads, &mut slices, &context);
        for (out, before) in outputs.iter_mut().zip(writes) {
            assert_eq!(out[before.len()..], [UNTOUCHED; TAIL], "{kernel:?} wrote beyond its part");
            out.truncate(before.len());
        }
        results.push(outputs);
    }
    assert!(results[0] == results[1] && results[0] == results[2], "{kernel:?} depends on the number of threads");
    results
}

/// Runs a kernel that writes one tensor of `expected.len()` floats, and holds it against `expected` within 1e-5 of the
/// norm of `scale`, the sums of the products' magnitudes.
fn check(kernel: impl Into<Kernel>, step: &Step, reads: &[Vec<u32>], expected: &[f64], scale: &[f64]) {
    let kernel = kernel.into();
    for outputs in run_all(kernel.clone(), step, reads, &[vec![UNTOUCHED; expected.len()]]) {
        let found: Vec<f64> = outputs[0].iter().map(|&w| f64::from(f32::from_bits(w))).collect();
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
        let error = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
        let bound = 1e-5 * norm(&mut scale.iter().copied()) + 1e-30;
        assert!(error <= bound, "{kernel:?}: error {error:e}, bound {bound:e}\n{found:?}\n{expected:?}");
    }
}

/// Nothing, bias, bias and ReLU, a mask, and something that no register tile knows; with what it needs of operands.
fn epilogues(random: &mut Stream, len: usize, channel: Broadcast) -> Vec<(Epilogue, Vec<Vec<f32>>)> {
    let Broadcast::Channel { channels, .. } = channel else { panic!("a channel's bias") };
    let biased = || Expr::Input(0).binary(Binary::Add, Expr::Input(1));
    let bias = floats(random, channels);
    let mask = floats(random, len);
    let masked = |of: Expr, operand| of.binary(Binary::WherePositive, Expr::Input(operand));
    vec![
        (Epilogue::identity(), vec![]),
        (Epilogue { expr: biased(), operands: vec![channel] }, vec![bias.clone()]),
        (Epilogue { expr: biased().unary(Unary::Relu), operands: vec![channel] }, vec![bias.clone()]),
        (Epilogue { expr: masked(Expr::Input(0), 1), operands: vec![Broadcast::Element] }, vec![mask.clone()]),
        (
            Epilogue {
                expr: masked(biased().binary(Binary::Mul, Expr::InverseSamples), 2).unary(Unary::Neg),
                operands: vec![channel, Broadcast::Element],
            },
            vec![bias, mask],
        ),
    ]
}

/// What an epilogue makes of the sums.
fn finish(epilogue: &Epilogue, operands: &[Vec<f32>], sums: &[f64], step: &Step) -> Vec<f64> {
    let at = |i: usize| {
        let operands = epilogue.operands.iter().zip(operands).map(|(b, o)| f64::from(o[b.index(i)]));
        let inputs: Vec<f64> = std::iter::once(sums[i]).chain(operands).collect();
        epilogue.expr.eval(&inputs, step, i)
    };
    (0..sums.len()).map(at).collect()
}
