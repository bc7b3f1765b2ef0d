use convoke_core::expr::Broadcast;
use convoke_core::kernels::{Pool, PoolGrad, PoolKind, Window};
use convoke_core::random::Stream;

use super::conv::window;
use super::{UNTOUCHED, between, check, epilogues, finish, floats, run_all, step, stream, words};

/// Windows of any kind, and halvings of even and odd planes, small and large.
fn windows(random: &mut Stream) -> Vec<Window> {
    let mut all: Vec<Window> = (0..60).map(|_| window(random, 20)).collect();
    for input in [[28, 28], [14, 14], [7, 7], [2, 2], [9, 37], [40, 6], [3, 18], [150, 150]] {
        all.push(Window { input, kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] });
    }
    all.push(Window { input: [7, 9], kernel: [7, 9], stride: [1, 1], padding: [0, 0], dilation: [1, 1] });
    all
}

/// The input elements under each tap of a window, row-major.
fn taps(window: &Window, out: usize) -> Vec<usize> {
    let width = window.output()[1];
    let tap = |tap: usize| {
        let row = window.source(0, out / width, tap / window.kernel[1])?;
        Some(row * window.input[1] + window.source(1, out % width, tap % window.kernel[1])?)
    };
    (0..window.kernel_len()).filter_map(tap).collect()
}

/// Numbers among which many are equal, and some are NaN.
fn coarse(random: &mut Stream, len: usize) -> Vec<f32> {
    let value = |drawn| if drawn == 0 { f32::NAN } else { (drawn % 7) as f32 - 3.0 };
    (0..len).map(|_| value(random.below(40))).collect()
}

/// The position of each window's largest: the first, or the first NaN.
fn largest(window: &Window, planes: usize, x: &[f32]) -> Vec<u32> {
    let (input, output) = (window.input_len(), window.output_len());
    let first = |plane: usize, out: usize| {
        let x = &x[plane * input..][..input];
        let taps = taps(window, out);
        let value = |at: &&usize| if x[**at].is_nan() { f32::INFINITY } else { x[**at] };
        let best = taps.iter().map(|at| value(&at)).fold(f32::NEG_INFINITY, f32::max);
        taps.iter().find(|at| value(at) == best).map_or(0, |at| *at as u32)
    };
    (0..planes * output).map(|i| first(i / output, i % output)).collect()
}

#[test]
fn largest_of_windows() {
    let mut random = stream(1);
    for window in windows(&mut random) {
        let (samples, channels) = (between(&mut random, 1, 3), between(&mut random, 1, 5));
        let planes = samples * channels;
        let x = coarse(&mut random, planes * window.input_len());
        let expected = largest(&window, planes, &x);
        let value = |(i, at): (usize, &u32)| {
            if taps(&window, i % window.output_len()).is_empty() {
                return f32::NEG_INFINITY.to_bits();
            }
            x[i / window.output_len() * window.input_len() + *at as usize].to_bits()
        };
        let values: Vec<u32> = expected.iter().enumerate().map(value).collect();
        let kernel = Pool { kind: PoolKind::Max, channels, window };
        let outputs = [vec![UNTOUCHED; expected.len()], vec![UNTOUCHED; expected.len()]];
        for outputs in run_all(kernel.clone(), &step(samples), &[words(&x)], &outputs) {
            assert_eq!(outputs[0], values, "{kernel:?}");
            assert_eq!(outputs[1], expected, "{kernel:?}");
        }
    }
}

#[test]
fn mean_of_windows() {
    let mut random = stream(2);
    for window in windows(&mut random) {
        let (samples, channels) = (between(&mut random, 1, 3), between(&mut random, 1, 5));
        let x = floats(&mut random, samples * channels * window.input_len());
        let sum = |i: usize, f: fn(f64) -> f64| {
            let plane = &x[i / window.output_len() * window.input_len()..];
            let taps = taps(&window, i % window.output_len());
            taps.iter().map(|&at| f(f64::from(plane[at]))).sum::<f64>() / window.kernel_len() as f64
        };
        let len = samples * channels * window.output_len();
        let expected: Vec<f64> = (0..len).map(|i| sum(i, |x| x)).collect();
        let scale: Vec<f64> = (0..len).map(|i| sum(i, f64::abs)).collect();
        let kernel = Pool { kind: PoolKind::Average, channels, window };
        check(kernel, &step(samples), &[words(&x)], &expected, &scale);
    }
}

#[test]
fn gradients() {
    let mut random = stream(3);
    for (i, window) in windows(&mut random).into_iter().enumerate() {
        let kind = if i % 2 == 0 { PoolKind::Max } else { PoolKind::Average };
        let (samples, channels) = (between(&mut random, 1, 3), between(&mut random, 1, 5));
        let planes = samples * channels;
        let (input, output) = (window.input_len(), window.output_len());
        let gy = floats(&mut random, planes * output);
        // Positions as forward pooling finds them; a window in the padding has none of its own, and takes the first.
        let index = largest(&window, planes, &floats(&mut random, planes * input));
        let (mut sums, mut scale) = (vec![0.0; planes * input], vec![1e-3; planes * input]);
        for (o, &g) in gy.iter().enumerate() {
            let taps = match kind {
                PoolKind::Max => vec![index[o] as usize],
                PoolKind::Average => taps(&window, o % output),
            };
            let share = if kind == PoolKind::Max { 1.0 } else { 1.0 / window.kernel_len() as f64 };
            for tap in taps {
                sums[o / output * input + tap] += f64::from(g) * share;
                scale[o / output * input + tap] += (f64::from(g) * share).abs();
            }
        }
        let channel = Broadcast::Channel { channels, inner: input };
        for (epilogue, operands) in epilogues(&mut random, planes * input, channel) {
            let step = step(samples);
            let expected = finish(&epilogue, &operands, &sums, &step);
            let mut reads = vec![words(&gy)];
            if kind == PoolKind::Max {
                reads.push(index.clone());
            }
            reads.extend(operands.iter().map(|o| words(o)));
            check(PoolGrad { kind, channels, window, epilogue }, &step, &reads, &expected, &scale);
        }
    }
}
