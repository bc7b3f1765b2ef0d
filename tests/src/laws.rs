//! The law that every engine obeys: on every op it agrees with the definition.

use std::collections::HashSet;

use convoke_core::engine::Engine;
use convoke_core::kernels::{ConvGeometry, Window};
use convoke_core::ops::{
    Concat, Conv2d, Conv2dGradInput, Conv2dGradWeight, Example, Generator, Keep, MatMul, Reduce, examples,
};
use convoke_core::reference::{Batch, Draws};
use convoke_core::shape::TensorType;

use crate::agreement::check_engine;

/// Examples that each op that generates its shapes gives for a seed.
const PER_SEED: usize = 2;

/// The most samples of the plans that engines are tried on: two chunks of a weight's gradient, the last one short.
const CAPACITY: usize = 6;
/// What the second batch draws by.
const DRAWS: Draws = Draws { seed: 0x0123_4567_89ab_cdef, step: 77, first_sample: 3 };
/// The batches: a full one, a short one that is a part of a larger step, a single sample. The memory that the first
/// leaves behind must not be seen by the others.
const BATCHES: [Batch; 3] = [Batch::whole(6), Batch { draws: DRAWS, ..Batch::part(5, 8) }, Batch::whole(1)];

/// The seeds that engines are tried on: a GPU compiles every kernel for every shape.
pub const ENGINE_SEEDS: u64 = if cfg!(feature = "soak") { 40 } else { 2 };

/// An op's name, an example of it, and a seed for the example's values.
pub type Case = (&'static str, Example, u64);

/// Every op's examples for so many seeds, each once.
///
/// # Panics
/// Where an op has no examples.
pub fn cases(seeds: u64) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut seen = HashSet::new();
    for seed in 0..seeds {
        for (name, examples) in examples(&mut Generator::new(seed, PER_SEED)) {
            assert!(!examples.is_empty(), "{name} has no examples");
            let new = examples.into_iter().filter(|example| seen.insert(format!("{example:?}")));
            cases.extend(new.map(|example| (name, example, seed)).collect::<Vec<_>>());
        }
    }
    cases
}

/// What engines are tried on: every op's examples, and larger ones.
pub fn engine_cases() -> Vec<Case> {
    cases(ENGINE_SEEDS).into_iter().chain(larger()).collect()
}

/// Shapes that reach past the register tiles and the vectors of any engine, with remainders on every side.
fn larger() -> Vec<Case> {
    let conv = |groups, channels: [usize; 2], window: Window| {
        let [in_channels, out_channels] = channels;
        let geometry = ConvGeometry { in_channels, out_channels, groups, window };
        let ([h, w], [kh, kw], [oh, ow]) = (window.input, window.kernel, window.output());
        let x = TensorType::batched([in_channels, h, w]);
        let weight = TensorType::fixed([out_channels, in_channels / groups, kh, kw]);
        let y = TensorType::batched([out_channels, oh, ow]);
        let forward = Conv2d { stride: window.stride, padding: window.padding, dilation: window.dilation, groups };
        [
            ("conv2d", Example::of_numbers(forward, [x.clone(), weight.clone()])),
            ("conv2d_grad_input", Example::of_numbers(Conv2dGradInput { geometry }, [y.clone(), weight])),
            ("conv2d_grad_weight", Example::of_numbers(Conv2dGradWeight { geometry }, [x, y])),
        ]
    };
    let window = |input, kernel, stride, padding, dilation| Window { input, kernel, stride, padding, dilation };
    let mut cases = Vec::new();
    cases.extend(conv(1, [5, 37], window([19, 23], [3, 3], [1, 1], [1, 1], [1, 1])));
    cases.extend(conv(1, [33, 17], window([17, 9], [5, 1], [2, 1], [2, 0], [1, 1])));
    cases.extend(conv(3, [12, 27], window([21, 18], [3, 2], [2, 3], [3, 1], [2, 2])));
    cases.extend(conv(1, [70, 66], window([3, 5], [1, 1], [1, 1], [0, 0], [1, 1])));
    let matmul = |transpose_a, transpose_b, a: TensorType, b: TensorType| {
        ("matmul", Example::of_numbers(MatMul { transpose_a, transpose_b }, [a, b]))
    };
    let (rows, fixed) = (|n: usize| TensorType::batched([n]), |m: usize, n: usize| TensorType::fixed([m, n]));
    cases.push(matmul(false, true, rows(517), fixed(131, 517)));
    cases.push(matmul(false, false, rows(131), fixed(131, 259)));
    cases.push(matmul(true, false, rows(131), rows(259)));
    cases.push(matmul(true, true, fixed(77, 67), fixed(69, 77)));
    for keep in [Keep::Channel, Keep::Sample, Keep::Nothing] {
        let x = TensorType::batched([67, 19, 15]);
        cases.push(("reduce", Example::of_numbers(Reduce { keep, mean: true }, [x])));
    }
    cases.into_iter().map(|(name, example)| (name, example, 1)).collect()
}

/// What an engine makes of some cases.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The largest error, as a share of the size that rounding errors are in proportion to.
    pub error: f64,
    /// The op that it is of.
    pub of: &'static str,
    /// What is too far off, in words.
    pub failures: Vec<String>,
}

impl Verdict {
    /// Tries a case.
    pub async fn add(&mut self, engine: &mut dyn Engine, (name, example, seed): &Case) {
        match check_engine(engine, example, *seed, &BATCHES, CAPACITY).await {
            Ok(error) if error > self.error => (self.error, self.of) = (error, name),
            Ok(_) => {}
            Err(problem) => self.failures.push(format!("{name}: {problem}\n    {example:?}")),
        }
    }
}

/// Tries more workgroups than a dispatch may have along one dimension, where each thread does one element.
///
/// # Errors
/// What the engine refuses, or does wrong, in words.
pub async fn check_long_dispatch(engine: &mut dyn Engine) -> Result<(), String> {
    let example = Example::of_numbers(Concat, [TensorType::batched([4_300_000])]);
    match check_engine(engine, &example, 1, &[Batch::whole(1)], 1).await? {
        0.0 => Ok(()),
        error => Err(format!("a copy is off by {error:.1e}")),
    }
}
