//! The laws that hold for every op: its shape rule, its derivative and every engine agree with its definition.

use convoke_core::error::{Problem, Result};
use convoke_core::graph::{Graph, Node, ValueId};
use convoke_core::lower::Lowering;
use convoke_core::ops::{Example, Op};
use convoke_core::reference::Batch;
use convoke_core::shape::TensorType;
use convoke_core::tensor::Tensor;
use convoke_tests::agreement::{Figure, KERNEL};
use convoke_tests::derivative::{Verdict, check_derivative};
use convoke_tests::laws::{self, cases, check_long_dispatch, engine_cases};
use convoke_tests::{Subject, block_on, engines_with_all_shaders, feeds};

/// Seeds that shapes are generated from.
const SEEDS: u64 = if cfg!(feature = "soak") { 200 } else { 20 };

/// The ops without a derivative: gradients themselves, and what is never trained through.
const NOT_DIFFERENTIABLE: &[&str] = &[
    "activation_grad",
    "cross_entropy_grad",
    "max_pool2d_grad",
    "norm_grad",
    "norm_inference",
    "pointwise_loss_grad",
    "soft_cross_entropy_grad",
    "softmax_grad",
];

/// The largest relative error of a derivative.
const DERIVATIVE: f64 = 1e-6;

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
        for batch in [Batch::part(3, 5), Batch::whole(1)] {
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

#[test]
fn engines_agree_with_the_definition() {
    let cases = engine_cases();
    let mut failures = Vec::new();
    for mut subject in engines_with_all_shaders() {
        let mut verdict = laws::Verdict::default();
        block_on(async {
            for case in &cases {
                verdict.add(subject.engine.as_mut(), case).await;
            }
        });
        let device = &subject.name;
        println!("{device}: {} examples, the largest error is {:.1e} of {}", cases.len(), verdict.error, verdict.of);
        subject.report(&[Figure::new("op laws", verdict.error, KERNEL)]);
        failures.extend(verdict.failures.into_iter().map(|failure| format!("{device}: {failure}")));
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn long_dispatches_are_folded() {
    for Subject { name: device, mut engine, .. } in engines_with_all_shaders() {
        let verdict = block_on(check_long_dispatch(engine.as_mut()));
        assert_eq!(verdict, Ok(()), "{device}");
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
