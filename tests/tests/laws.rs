//! The laws that hold for every op: its shape rule, its derivative and every engine agree with its definition.

use convoke_core::error::{Problem, Result};
use convoke_core::graph::{Graph, Node, ValueId};
use convoke_core::kernels::{ConvGeometry, Window};
use convoke_core::lower::Lowering;
use convoke_core::ops::{
    Concat, Conv2d, Conv2dGradInput, Conv2dGradWeight, Example, Generator, Keep, MatMul, Op, Reduce, examples,
};
use convoke_core::reference::Batch;
use convoke_core::shape::TensorType;
use convoke_core::tensor::Tensor;
use convoke_tests::agreement::check_engine;
use convoke_tests::derivative::{Verdict, check_derivative};
use convoke_tests::{Subject, engines_with_all_shaders, feeds};

/// Seeds that shapes are generated from, and how many each gives for every op that generates its shapes.
const SEEDS: u64 = if cfg!(feature = "soak") { 200 } else { 20 };
const PER_SEED: usize = 2;
/// The seeds that engines are tried on: a GPU compiles every kernel for every shape.
const ENGINE_SEEDS: u64 = if cfg!(feature = "soak") { 40 } else { 2 };

/// The most samples of the plans that engines are tried on: two chunks of a weight's gradient, the last one short.
const CAPACITY: usize = 6;
/// The batches: a full one, a short one that is a part of a larger step, a single sample. The memory that the first
/// leaves behind must not be seen by the others.
const BATCHES: [Batch; 3] =
    [Batch { samples: 6, global: 6 }, Batch { samples: 5, global: 8 }, Batch { samples: 1, global: 1 }];

/// The ops without a derivative: both are gradients themselves.
const NOT_DIFFERENTIABLE: [&str; 2] = ["cross_entropy_grad", "max_pool2d_grad"];

/// The largest relative error of a derivative.
const DERIVATIVE: f64 = 1e-6;

/// Every op's examples, each once, with a seed for its values.
fn cases(seeds: u64) -> Vec<(&'static str, Example, u64)> {
    let mut cases: Vec<(&'static str, Example, u64)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for seed in 0..seeds {
        for (name, examples) in examples(&mut Generator::new(seed, PER_SEED)) {
            assert!(!examples.is_empty(), "{name} has no examples");
            let new = examples.into_iter().filter(|example| seen.insert(format!("{example:?}")));
            cases.extend(new.map(|example| (name, example, seed)).collect::<Vec<_>>());
        }
    }
    cases
}

#[test]
fn shape_rules_agree_with_the_definition() {
    for (name, example, seed) in cases(SEEDS) {
        let types: Vec<TensorType> = example.inputs.iter().map(|(ty, _)| ty.clone()).collect();
        let outputs = example.op.infer(&types).unwrap_or_else(|p| panic!("{name} refuses {example:?}: {}", p.0));
        for samples in [1, 2, 5] {
            let inputs = feeds(&example, seed, samples);
            let inputs: Vec<&Tensor> = inputs.iter().collect();
            let made = example.op.reference(&inputs, Batch::whole(samples));
            let made: Vec<&Vec<usize>> = made.iter().map(|tensor| &tensor.dims).collect();
            let told: Vec<Vec<usize>> = outputs.iter().map(|ty| ty.resolve(samples)).collect();
            assert_eq!(made, told.iter().collect::<Vec<_>>(), "{name} on {samples} samples of {example:?}");
        }
    }
}

#[test]
fn derivatives_are_what_finite_differences_say() {
    let mut worst: Vec<(f64, &str)> = Vec::new();
    for (name, example, seed) in cases(SEEDS) {
        for batch in [Batch { samples: 3, global: 5 }, Batch::whole(1)] {
            let verdict = check_derivative(&example, seed, batch).unwrap();
            let expected_none = NOT_DIFFERENTIABLE.contains(&name);
            match verdict {
                Verdict::NotDifferentiable => assert!(expected_none, "{name} has no derivative"),
                Verdict::Error(error) => {
                    assert!(!expected_none, "{name} has a derivative now: take it from the list");
                    assert!(error <= DERIVATIVE, "{name} is off by {error:.1e}: {example:?}, {batch:?}");
                    worst.push((error, name));
                }
            }
        }
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("largest errors of derivatives: {:?}", &worst[..5]);
}

/// Shapes that reach past the register tiles and the vectors of any engine, with remainders on every side.
fn larger() -> Vec<(&'static str, Example, u64)> {
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

#[test]
fn engines_agree_with_the_definition() {
    let cases: Vec<_> = cases(ENGINE_SEEDS).into_iter().chain(larger()).collect();
    let mut failures = Vec::new();
    for Subject { name: device, mut engine, .. } in engines_with_all_shaders() {
        let mut worst = (0.0, "nothing");
        for (name, example, seed) in &cases {
            match check_engine(engine.as_mut(), example, *seed, &BATCHES, CAPACITY) {
                Ok(error) if error > worst.0 => worst = (error, name),
                Ok(_) => {}
                Err(problem) => failures.push(format!("{device}: {name}: {problem}\n    {example:?}")),
            }
        }
        println!("{device}: {} examples, the largest error is {:.1e} of {}", cases.len(), worst.0, worst.1);
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// More workgroups than a dispatch may have along one dimension, where each thread does one element.
#[test]
fn long_dispatches_are_folded() {
    let example = Example::of_numbers(Concat, [TensorType::batched([4_300_000])]);
    for Subject { name: device, mut engine, .. } in engines_with_all_shaders() {
        let verdict = check_engine(engine.as_mut(), &example, 1, &[Batch::whole(1)], 1);
        assert_eq!(verdict, Ok(0.0), "{device}");
    }
}

/// `y = by · x` that says its derivative is `says`.
#[derive(Debug)]
struct Scale {
    by: f64,
    says: f64,
}

impl Op for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        Ok(inputs.to_vec())
    }

    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        vec![Tensor::new(inputs[0].dims.clone(), inputs[0].data.iter().map(|x| self.by * x).collect())]
    }

    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply1(Self { by: self.says, says: self.says }, &[g])?)])
    }

    fn lower(&self, _: &mut Lowering<'_>, _: &Node) {
        unreachable!("derivatives are compared without an engine")
    }
}

#[test]
fn a_derivative_that_is_a_little_wrong_is_found() {
    let error = |says| {
        let example = Example::of_numbers(Scale { by: 3.0, says }, [TensorType::batched([2, 7])]);
        match check_derivative(&example, 1, Batch::whole(3)).unwrap() {
            Verdict::Error(error) => error,
            Verdict::NotDifferentiable => f64::NAN,
        }
    };
    assert!(error(3.0) <= DERIVATIVE, "{}", error(3.0));
    assert!(error(3.00001) > DERIVATIVE, "{}", error(3.00001));
}
