//! The harness finds what it looks for: engines with a fault don't pass.

use std::rc::Rc;

use convoke_core::engine::{Ceilings, DeviceInfo, Engine, EngineError, Limits, Pending, Run, StepTime};
use convoke_core::model::ModelSpec;
use convoke_core::ops::{Example, MatMul, MaxPool2d};
use convoke_core::plan::{Program, Slice};
use convoke_core::reference::Batch;
use convoke_core::shape::TensorType;
use convoke_core::tensor::Tensor;
use convoke_tests::agreement::{Errors, FLIPPED, GRADIENT, LOSS, check_engine};
use convoke_tests::{LossGraph, block_on, cpu};

/// An engine whose answers are changed.
struct Faulty {
    inner: Box<dyn Engine>,
    fault: fn(&mut [u32]),
}

impl Engine for Faulty {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()> {
        self.inner.load(program, progress)
    }

    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError> {
        self.inner.write(slice, words)
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        self.inner.submit(runs)
    }

    /// The fault is in the last answer.
    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>> {
        let mut answers = block_on(self.inner.read(slices));
        if let Some(words) = answers.as_mut().ok().and_then(|answers| answers.last_mut()) {
            (self.fault)(words);
        }
        Box::pin(std::future::ready(answers))
    }

    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>> {
        self.inner.profile(run)
    }

    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>> {
        self.inner.ceilings()
    }
}

/// What the law says of an engine with that fault, on two samples where there is room for three.
fn verdict(example: &Example, fault: fn(&mut [u32])) -> Result<f64, String> {
    block_on(check_engine(&mut Faulty { inner: cpu(None), fault }, example, 1, &[Batch::whole(2)], 3))
}

fn product() -> Example {
    let matmul = MatMul { transpose_a: false, transpose_b: true };
    Example::of_numbers(matmul, [TensorType::batched([9]), TensorType::fixed([4, 9])])
}

fn maxima() -> Example {
    let pool = MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };
    Example::of_numbers(pool, [TensorType::batched([1, 4, 4])])
}

#[test]
fn a_sound_engine_passes() {
    for example in [product(), maxima()] {
        assert!(verdict(&example, |_| ()).unwrap() < 1e-6);
    }
}

#[test]
fn faults_of_engines_are_found() {
    let expect = |example: &Example, fault, words: &str| {
        let problem = verdict(example, fault).unwrap_err();
        assert!(problem.contains(words), "{problem:?} should speak of {words:?}");
    };
    expect(&product(), |words| words[5] ^= 1 << 12, "output 0 is off");
    expect(&product(), |words| words[5] = f32::NAN.to_bits(), "element 5 is NaN");
    expect(&product(), |words| words[8] = 0, "wrote element 0 behind the 2 samples");
    expect(&product(), |words| words[11] = 0, "wrote element 3 behind the 2 samples");
    expect(&maxima(), |words| words[3] ^= 1, "output 1 has");
    expect(&maxima(), |words| words[2] = 0x7fa5_a5a5, "left element 2");
}

#[test]
fn flipped_decisions_are_counted() {
    let text = r#"
        input = [1, 4, 4]
        classes = 4
        layers = [{ type = "relu" }, { type = "max_pool2d", kernel_size = 2 }, { type = "flatten" }]"#;
    let network = ModelSpec::from_toml(text).unwrap().build().unwrap();
    let graph = LossGraph::new(&network).unwrap();
    let [relu, pool] = [vec![1, 1, 4, 4], vec![1, 1, 2, 2]].map(|dims| Tensor::from_fn(dims, |i| (i % 3) as f64));
    let change = |relu_at: &[(usize, f64)], pool_at: &[(usize, f64)]| {
        let mut changed = [relu.clone(), pool.clone()];
        relu_at.iter().for_each(|&(i, value)| changed[0].data[i] = value);
        pool_at.iter().for_each(|&(i, value)| changed[1].data[i] = value);
        graph.flips(&changed, &[relu.clone(), pool.clone()])
    };
    assert_eq!(change(&[], &[]), 0);
    assert_eq!(change(&[(1, 7.0), (2, 0.5)], &[]), 0, "positive stays positive");
    assert_eq!(change(&[(0, 0.1), (1, 0.0)], &[(1, 0.0)]), 3);
}

#[test]
fn bounds_at_given_weights_are_kept() {
    let check = |loss: f64, gradient: f64, flips: usize| {
        let (wanted, found) = ([3.0, 4.0], [3.0, 4.0 + 5.0 * gradient]);
        let errors = Errors::of([2.0 * (1.0 + loss), 2.0], [("weight", [&found[..], &wanted[..]])]);
        block_on(errors.check(async || Ok(flips))).is_ok()
    };
    assert!(check(0.9 * LOSS, 0.9 * GRADIENT, 0));
    assert!(!check(1.1 * LOSS, 0.0, 9) && !check(f64::NAN, 0.0, 9));
    assert!(!check(0.0, 1.1 * GRADIENT, 0) && !check(0.0, f64::NAN, 9));
    assert!(check(0.0, 1.1 * GRADIENT, 1) && check(0.0, 0.9 * FLIPPED, 1));
    assert!(!check(0.0, 1.1 * FLIPPED, 9));
}
