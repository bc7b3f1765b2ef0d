use convoke_core::expr::{Binary, Broadcast, Expr, Unary};
use convoke_core::kernels::{Bands, BatchMean, Clip, Combine, Copy, Finite, Map, Reduce, Resample, Update};
use convoke_core::optim::{
    Adagrad, Optimizer, OptimizerKind, OptimizerOptions, Rates, RmsProp, Rule, Running, Sgd, Sum,
};
use convoke_core::random::Stream;
use convoke_core::shape::Extent;
use convoke_core::step::Step;

use super::{between, check, floats, run_all, step, stream, words};

fn expression(random: &mut Stream, inputs: usize, depth: usize) -> Expr {
    let unary = [Unary::Neg, Unary::Relu, Unary::Tanh, Unary::Gelu];
    let binary = [Binary::Add, Binary::Sub, Binary::Mul, Binary::WherePositive, Binary::Min];
    match random.below(if depth == 0 { 3 } else { 8 }) {
        0 => Expr::Const(random.uniform(-1.0, 1.0)),
        1 => Expr::InverseSamples,
        2 | 3 => Expr::Input(random.below(inputs as u32) as usize),
        4 => expression(random, inputs, depth - 1).unary(unary[random.below(4) as usize]),
        _ => {
            let a = expression(random, inputs, depth - 1);
            a.binary(binary[random.below(5) as usize], expression(random, inputs, depth - 1))
        }
    }
}

#[test]
fn maps() {
    let mut random = stream(1);
    for i in 0..80 {
        let (samples, channels, inner) =
            (between(&mut random, 1, 4), between(&mut random, 1, 9), between(&mut random, 1, 700));
        let inner = if i % 4 == 0 { 1 } else { inner };
        let len = samples * channels * inner;
        let operands = vec![
            Broadcast::Element,
            Broadcast::Channel { channels, inner },
            Broadcast::Sample { inner: channels * inner },
            Broadcast::Scalar,
        ];
        let lens = [len, channels, samples, 1];
        let values: Vec<Vec<f32>> = lens.iter().map(|&len| floats(&mut random, len)).collect();
        let expr = expression(&mut random, operands.len(), 4);
        let step = step(samples);
        let expected: Vec<f64> = (0..len)
            .map(|i| {
                let inputs: Vec<f64> = operands.iter().zip(&values).map(|(b, v)| f64::from(v[b.index(i)])).collect();
                expr.eval(&inputs, &step, i)
            })
            .collect();
        let reads: Vec<Vec<u32>> = values.iter().map(|v| words(v)).collect();
        let kernel = Map { len: Extent::Batch(channels * inner), expr, operands };
        check(kernel, &step, &reads, &expected, &vec![1.0; len]);
    }
}

#[test]
fn functions() {
    let mut random = stream(5);
    for function in Unary::ALL {
        let positive = matches!(function, Unary::InverseSqrt | Unary::Reciprocal);
        let x: Vec<f32> = (0..1000).map(|_| random.uniform(if positive { 0.5 } else { -9.0 }, 9.0)).collect();
        let expr = Expr::Input(0).unary(function);
        let expected: Vec<f64> = x.iter().map(|&x| expr.eval(&[f64::from(x)], &step(1), 0)).collect();
        let kernel = Map { len: Extent::Batch(x.len()), expr, operands: vec![Broadcast::Element] };
        check(kernel, &step(1), &[words(&x)], &expected, &expected.iter().map(|y| 0.1 * y).collect::<Vec<_>>());
    }
}

#[test]
fn resampling() {
    let mut random = stream(6);
    for i in 0..40 {
        let [h, w] = [0; 2].map(|_| between(&mut random, 1, 20));
        let [oh, ow] = [0; 2].map(|_| between(&mut random, 1, 40));
        let (rows, columns) = match i % 4 {
            0 => (Bands::linear(h, oh), Bands::linear(w, ow)),
            1 => (Bands::adaptive_average(h, oh), Bands::nearest(w, ow)),
            2 => (Bands::zeros(h, [oh, 1]), Bands::replicate(w, [2, ow])),
            _ => (Bands::reflect(h, [h - 1, h / 2]), Bands::linear(w, ow).transposed()),
        };
        let (samples, channels) = (between(&mut random, 1, 3), between(&mut random, 1, 40));
        let kernel = Resample { channels, rows, columns };
        let x = floats(&mut random, samples * kernel.input_len());
        let output = kernel.output_len() / channels;
        let expected: Vec<f64> = (0..samples * kernel.output_len())
            .map(|at| {
                let [height, width] = [kernel.rows.input, kernel.columns.input];
                let plane = &x[at / output * height * width..];
                let row = &kernel.rows.bands[at % output / kernel.columns.output()];
                let column = &kernel.columns.bands[at % kernel.columns.output()];
                let vertical = row.weights.iter().enumerate();
                let terms =
                    vertical.flat_map(|(a, v)| column.weights.iter().enumerate().map(move |(b, u)| (a, b, v * u)));
                terms.map(|(a, b, weight)| weight * f64::from(plane[(row.first + a) * width + column.first + b])).sum()
            })
            .collect();
        check(kernel, &step(samples), &[words(&x)], &expected, &vec![1.0; expected.len()]);
    }
}

#[test]
fn copies_of_rows() {
    let mut random = stream(4);
    for _ in 0..30 {
        let (rows, len) = (between(&mut random, 1, 9), between(&mut random, 1, 50));
        let [from_offset, to_offset, more, still_more] = [0; 4].map(|_| between(&mut random, 0, 7));
        let (from_stride, to_stride) = (from_offset + len + more, to_offset + len + still_more);
        let x = words(&floats(&mut random, rows * from_stride));
        let before = words(&floats(&mut random, rows * to_stride));
        let mut expected = before.clone();
        for row in 0..rows {
            for i in 0..len {
                expected[row * to_stride + to_offset + i] = x[row * from_stride + from_offset + i];
            }
        }
        let kernel = Copy { rows: Extent::Batch(1), len, from_stride, from_offset, to_stride, to_offset };
        for outputs in run_all(kernel.clone(), &step(rows), std::slice::from_ref(&x), std::slice::from_ref(&before)) {
            assert_eq!(outputs[0], expected, "{kernel:?}");
        }
    }
}

#[test]
fn reductions() {
    let mut random = stream(2);
    let large = [[1, 16, 4608], [2, 3, 40_000], [900, 784, 1], [1, 70_000, 1], [3, 5, 1]];
    let small =
        (0..40).map(|_| [between(&mut random, 1, 9), between(&mut random, 1, 200), between(&mut random, 1, 40)]);
    for (i, [outer, reduce, inner]) in small.collect::<Vec<_>>().into_iter().chain(large).enumerate() {
        let x = floats(&mut random, outer * reduce * inner);
        let step = Step { samples: outer as u32, inverse_samples: 0.3, ..Step::default() };
        let (scale, mean) = (0.7, [BatchMean::None, BatchMean::Global, BatchMean::Held][i % 3]);
        let divided = [1.0, f64::from(step.inverse_samples), 1.0 / outer as f64][i % 3];
        let factor = f64::from(scale) * divided;
        let sum = |at: usize, f: fn(f64) -> f64| {
            let start = at / inner * reduce * inner + at % inner;
            factor * (0..reduce).map(|r| f(f64::from(x[start + r * inner]))).sum::<f64>()
        };
        let expected: Vec<f64> = (0..outer * inner).map(|at| sum(at, |x| x)).collect();
        let magnitudes: Vec<f64> = (0..outer * inner).map(|at| sum(at, f64::abs)).collect();
        let kernel =
            Reduce::new(Extent::Batch(1), Extent::Fixed(reduce), Extent::Fixed(inner)).scaled(scale).mean(mean);
        check(kernel.clone(), &step, &[words(&x)], &expected, &magnitudes);
        // The largest in place of the sum.
        let largest = |at: usize| {
            let start = at / inner * reduce * inner + at % inner;
            (0..reduce).map(|r| f64::from(x[start + r * inner])).fold(f64::NEG_INFINITY, f64::max)
        };
        let all: Vec<f64> = (0..outer * inner).map(largest).collect();
        let max = Reduce::new(Extent::Batch(1), Extent::Fixed(reduce), Extent::Fixed(inner)).combined(Combine::Max);
        check(max.clone(), &step, &[words(&x)], &all, &vec![1.0; all.len()]);
        let negative = max.of(Expr::Input(0).unary(Unary::Neg).unary(Unary::Neg), vec![Broadcast::Element]);
        check(negative, &step, &[words(&x)], &all, &vec![1.0; all.len()]);
        // The same of an expression: x · s, with s of each `outer`.
        let s = floats(&mut random, outer);
        let weighted = |values: &[f64], s: &dyn Fn(usize) -> f64| -> Vec<f64> {
            values.iter().enumerate().map(|(at, value)| value * s(at / inner)).collect()
        };
        let expected = weighted(&expected, &|o| f64::from(s[o]));
        let magnitudes = weighted(&magnitudes, &|o| f64::from(s[o]).abs());
        let operands = vec![Broadcast::Element, Broadcast::Sample { inner: reduce * inner }];
        let kernel = kernel.of(Expr::Input(0).binary(Binary::Mul, Expr::Input(1)), operands);
        check(kernel, &step, &[words(&x), words(&s)], &expected, &magnitudes);
    }
}

#[test]
fn the_gate_sees_what_is_not_finite_and_stays_shut() {
    let len = 40_000;
    let finite = |gradients: &[f32], loss: u32, flag: u32| -> u32 {
        let metrics = vec![9, 9, 9, 1, 0, 0, 0, loss];
        let step = Step { slot: 1, ..step(1) };
        let results = run_all(Finite { len }, &step, &[words(gradients), metrics], &[vec![flag]]);
        assert!(results.iter().all(|r| r == &results[0]));
        results[0][0][0]
    };
    let mut gradients = vec![f32::MAX; len + 3];
    gradients[len] = f32::NAN;
    assert_eq!(finite(&gradients, 0, 0), 0);
    assert_eq!(finite(&gradients, 0, 1), 1);
    assert_eq!(finite(&gradients, 1, 0), 1);
    for (at, broken) in [(0, f32::NAN), (len - 1, f32::INFINITY), (20_000, f32::NEG_INFINITY), (7, -f32::NAN)] {
        let mut gradients = gradients.clone();
        gradients[at] = broken;
        assert_eq!(finite(&gradients, 0, 0), 1, "{broken} at {at}");
    }
}

/// Every rule, at rates of its own, with every way to clip, with and without an average.
fn updates(len: usize) -> Vec<Update> {
    let optimizers =
        OptimizerKind::ALL.map(|kind| OptimizerOptions { kind: Some(kind), ..OptimizerOptions::default() });
    let mut rules: Vec<Rule> = Vec::new();
    for options in optimizers {
        let optimizer = Optimizer::try_from(options).unwrap();
        rules.extend([0.0, 0.1].map(|decay| optimizer.with_weight_decay(decay).rule()));
    }
    let sgd = |momentum, nesterov| Rule::from(Sgd { momentum, nesterov, weight_decay: 0.1 });
    let rmsprop =
        |momentum, centered| Rule::from(RmsProp { alpha: 0.9, eps: 1e-4, momentum, centered, weight_decay: 0.0 });
    rules.extend([sgd(0.0, false), sgd(0.9, true), rmsprop(0.9, false), rmsprop(0.0, true), rmsprop(0.9, true)]);
    rules.push(Adagrad { initial: 0.5, eps: 1e-10, weight_decay: 0.0 }.into());
    rules.push(Running { momentum: 0.1 }.into());
    rules.extend([Rule::from(Sum {})]);
    let clips = [None, Some(Clip::Value(0.3)), Some(Clip::Norm(2.0)), Some(Clip::Norm(200.0))];
    let all = rules.into_iter().flat_map(|rule| clips.map(|clip| (rule, clip)));
    let update = |(i, (rule, clip)): (usize, (Rule, Option<Clip>))| {
        let average = (i % 3 == 0).then_some(0.25);
        Update { rule, len, rate: [1.0, 0.5][i % 2], clip, average }
    };
    all.enumerate().map(update).collect()
}

#[test]
fn updates_follow_their_rules() {
    let len = 20_000;
    let mut random = stream(3);
    for first_sample in [0, 3] {
        let base = Step { learning_rate: 0.1, step_size: 0.2, inverse_sqrt_correction: 3.0, ..step(1) };
        let step = Step { samples: 2, inverse_samples: 0.125, first_sample, ..base };
        for kernel in updates(len) {
            let gradients = floats(&mut random, len);
            let mut tensors = vec![floats(&mut random, len)];
            let others = kernel.rule.states() + usize::from(kernel.average.is_some());
            // The first state is a mean of squares: larger than the square of a mean.
            let state = |k| floats(&mut random, len).iter().map(|x| x.abs() + if k == 0 { 1.5 } else { 0.0 }).collect();
            tensors.extend((0..others).map(state));
            let before: Vec<Vec<u32>> = tensors.iter().map(|t| words(t)).collect();
            let square_sum = 36.0_f32;
            let reads = |flag: u32| {
                let norm = matches!(kernel.clip, Some(Clip::Norm(_))).then(|| vec![square_sum.to_bits()]);
                [words(&gradients), vec![flag]].into_iter().chain(norm).collect::<Vec<_>>()
            };
            let expected: Vec<Vec<f64>> =
                (0..len).map(|i| updated(&kernel, &step, gradients[i], &tensors, i, square_sum)).collect();
            for outputs in run_all(kernel.clone(), &step, &reads(0), &before) {
                for (t, output) in outputs.iter().enumerate() {
                    for (i, &word) in output.iter().enumerate() {
                        let (found, expected) = (f64::from(f32::from_bits(word)), expected[i][t]);
                        let error = (found - expected).abs();
                        assert!(
                            error <= 3e-6 * expected.abs().max(1.0),
                            "{kernel:?}, {t}, {i}: {found} for {expected}"
                        );
                    }
                }
            }
            for outputs in run_all(kernel.clone(), &step, &reads(1), &before) {
                assert_eq!(outputs, before, "{kernel:?} wrote although the gate was shut");
            }
        }
    }
}

/// The parameter, the state and the average of element `i` after an update.
fn updated(kernel: &Update, step: &Step, g: f32, tensors: &[Vec<f32>], i: usize, square_sum: f32) -> Vec<f64> {
    let mut at: Vec<f64> = tensors.iter().map(|t| f64::from(t[i])).collect();
    let g = match kernel.clip {
        Some(Clip::Value(limit)) => f64::from(g.clamp(-limit, limit)),
        Some(Clip::Norm(limit)) => f64::from(g) * f64::from((limit / square_sum.sqrt()).min(1.0)),
        None => g.into(),
    };
    let mut rates = Rates::of(step);
    rates.lr *= f64::from(kernel.rate);
    rates.step_size *= f64::from(kernel.rate);
    let states = kernel.rule.states();
    let (parameter, state) = at.split_first_mut().expect("a parameter is the first");
    *parameter = kernel.rule.apply(*parameter, g, &mut state[..states], &rates);
    if let Some(share) = kernel.average {
        let last = at.len() - 1;
        at[last] += (at[0] - at[last]) * f64::from(share);
    }
    at
}
