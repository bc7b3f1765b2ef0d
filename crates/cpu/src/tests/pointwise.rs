use convoke_core::expr::{Binary, Broadcast, Expr, Unary};
use convoke_core::kernels::{Bands, BatchMean, Combine, Copy, Finite, Map, Reduce, Resample, Rule, Update};
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

#[test]
fn updates_follow_their_rules() {
    let len = 20_000;
    let mut random = stream(3);
    let sgd = |momentum, nesterov, weight_decay| Rule::Sgd { momentum, nesterov, weight_decay };
    let adam = Rule::Adam {
        beta1: 0.9,
        beta2: 0.999,
        one_minus_beta1: 0.1,
        one_minus_beta2: 0.001,
        eps: 1e-8,
        weight_decay: 0.01,
    };
    let step = Step { learning_rate: 0.1, step_size: 0.2, inverse_sqrt_correction: 3.0, ..step(1) };
    for rule in [sgd(0.0, false, 0.1), sgd(0.9, false, 0.0), sgd(0.9, true, 0.1), adam, Rule::Running { momentum: 0.3 }]
    {
        let gradients = floats(&mut random, len);
        let mut tensors = vec![floats(&mut random, len)];
        tensors.extend((0..rule.states()).map(|_| floats(&mut random, len).iter().map(|x| x.abs()).collect()));
        let before: Vec<Vec<u32>> = tensors.iter().map(|t| words(t)).collect();
        let expected: Vec<Vec<f64>> = (0..len).map(|i| updated(rule, &step, &gradients, &tensors, i)).collect();
        let kernel = Update { rule, len };
        for outputs in run_all(kernel.clone(), &step, &[words(&gradients), vec![0]], &before) {
            for (t, output) in outputs.iter().enumerate() {
                for (i, &word) in output.iter().enumerate() {
                    let (found, expected) = (f64::from(f32::from_bits(word)), expected[i][t]);
                    let error = (found - expected).abs();
                    assert!(error <= 1e-6 * expected.abs().max(1.0), "{rule:?}, {t}, {i}: {found} for {expected}");
                }
            }
        }
        for outputs in run_all(kernel, &step, &[words(&gradients), vec![1]], &before) {
            assert_eq!(outputs, before, "{rule:?} wrote although the gate was shut");
        }
    }
}

/// The parameter and the state of element `i` after an update.
fn updated(rule: Rule, step: &Step, gradients: &[f32], tensors: &[Vec<f32>], i: usize) -> Vec<f64> {
    let at: Vec<f64> = tensors.iter().map(|t| f64::from(t[i])).collect();
    let (g, p) = (f64::from(gradients[i]), at[0]);
    let lr = f64::from(step.learning_rate);
    match rule {
        Rule::Running { momentum } => vec![p + f64::from(momentum) * (g - p)],
        Rule::Sgd { momentum, nesterov, weight_decay } => {
            let (momentum, g) = (f64::from(momentum), g + f64::from(weight_decay) * p);
            let Some(v) = at.get(1) else { return vec![p - lr * g] };
            let v = momentum * v + g;
            vec![p - lr * if nesterov { g + momentum * v } else { v }, v]
        }
        Rule::Adam { beta2, one_minus_beta1, one_minus_beta2, eps, weight_decay, .. } => {
            let g = g + f64::from(weight_decay) * p;
            let m = at[1] + (g - at[1]) * f64::from(one_minus_beta1);
            let v = f64::from(beta2) * at[2] + f64::from(one_minus_beta2) * g * g;
            let correction = f64::from(step.inverse_sqrt_correction);
            vec![p - f64::from(step.step_size) * m / (v.sqrt() * correction + f64::from(eps)), m, v]
        }
    }
}
