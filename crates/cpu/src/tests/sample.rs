use convoke_core::kernels::{CrossEntropy, CrossEntropyGrad, Gather, Metrics, OneHot, Tally};
use convoke_core::step::Step;

use super::{UNTOUCHED, between, check, floats, run_all, step, stream, words};

#[test]
fn batches_are_gathered_decoded_and_normalised() {
    let mut random = stream(1);
    for i in 0..30 {
        let channels = between(&mut random, 1, 4);
        let source_channels = if i % 2 == 0 { 1 } else { channels };
        let (plane, pictures, samples) =
            (between(&mut random, 1, 90), between(&mut random, 1, 9), between(&mut random, 1, 7));
        let kernel = Gather {
            source_channels,
            channels,
            plane,
            mean: floats(&mut random, channels),
            inverse_std: floats(&mut random, channels),
        };
        let words_each = kernel.sample_words();
        let pixels: Vec<u32> = (0..pictures * words_each).map(|_| random.next_u32()).collect();
        let labels: Vec<u32> = (0..pictures as u32).map(|s| s + 10).collect();
        let indices: Vec<u32> = (0..samples + 8).map(|_| random.below(pictures as u32)).collect();
        let step = Step { first_index: 5, ..step(samples) };
        let byte = |s: usize, at: usize| pixels[s * words_each + at / 4] >> (8 * (at % 4)) & 0xff;
        let expected: Vec<f64> = (0..samples * channels * plane)
            .map(|i| {
                let (n, c, p) = (i / plane / channels, i / plane % channels, i % plane);
                let source = if source_channels == 1 { 0 } else { c };
                let value = f64::from(byte(indices[5 + n] as usize, source * plane + p)) / 255.0;
                (value - f64::from(kernel.mean[c])) * f64::from(kernel.inverse_std[c])
            })
            .collect();
        let reads = [pixels.clone(), labels.clone(), indices.clone()];
        let outputs = [vec![UNTOUCHED; expected.len()], vec![UNTOUCHED; samples]];
        for outputs in run_all(kernel.clone(), &step, &reads, &outputs) {
            for (found, expected) in outputs[0].iter().zip(&expected) {
                let error = (f64::from(f32::from_bits(*found)) - expected).abs();
                assert!(error < 1e-6, "{kernel:?}: {} for {expected}", f32::from_bits(*found));
            }
            let picked: Vec<u32> = indices[5..5 + samples].iter().map(|&s| labels[s as usize]).collect();
            assert_eq!(outputs[1], picked);
        }
    }
}

/// Logits, small and far from 0, and labels.
fn logits(test: u32, samples: usize, classes: usize) -> (Vec<f32>, Vec<u32>) {
    let mut random = stream(test);
    let shift = if test.is_multiple_of(2) { 500.0 } else { 0.0 };
    let logits = floats(&mut random, samples * classes).iter().map(|x| 5.0 * x + shift).collect();
    (logits, (0..samples).map(|_| random.below(classes as u32)).collect())
}

/// The softmax of a row.
fn softmax(row: &[f32]) -> Vec<f64> {
    let largest = row.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let exps: Vec<f64> = row.iter().map(|x| (f64::from(*x) - f64::from(largest)).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}

#[test]
fn losses_and_their_gradient() {
    for (i, (samples, classes)) in [(1, 1), (5, 10), (200, 3), (70, 1000), (64, 10)].into_iter().enumerate() {
        let (logits, labels) = logits(10 + i as u32, samples, classes);
        let g = floats(&mut stream(20 + i as u32), samples);
        let rows: Vec<Vec<f64>> = logits.chunks(classes).map(softmax).collect();
        let losses: Vec<f64> = rows.iter().zip(&labels).map(|(row, &label)| -row[label as usize].ln()).collect();
        let reads = [words(&logits), labels.clone()];
        check(CrossEntropy { classes, soft: false }, &step(samples), &reads, &losses, &vec![1.0; samples]);
        let gradient =
            |n: usize, c: usize| f64::from(g[n]) * (rows[n][c] - if labels[n] as usize == c { 1.0 } else { 0.0 });
        let expected: Vec<f64> = (0..samples * classes).map(|i| gradient(i / classes, i % classes)).collect();
        let reads = [words(&logits), labels, words(&g)];
        check(CrossEntropyGrad { classes, soft: false }, &step(samples), &reads, &expected, &expected);
    }
}

#[test]
fn a_label_outside_the_classes_and_a_broken_logit_make_a_nan() {
    let loss = |logits: [f32; 2], label: u32| {
        let results =
            run_all(CrossEntropy { classes: 2, soft: false }, &step(1), &[words(&logits), vec![label]], &[vec![0]]);
        f32::from_bits(results[0][0][0])
    };
    assert!(loss([0.0, 1.0], 2).is_nan());
    assert!(loss([0.0, 1.0], u32::MAX).is_nan());
    assert!(loss([f32::NAN, 1.0], 1).is_nan());
    assert!(loss([0.0, 1.0], 1).is_finite());
}

#[test]
fn figures_of_a_run() {
    let (samples, classes) = (30, 4);
    let (mut logits, mut labels) = logits(31, samples, classes);
    // Of equal logits the first counts.
    logits[..classes].copy_from_slice(&[1.0, 2.0, 2.0, 0.0]);
    labels[0] = 1;
    let losses = floats(&mut stream(32), samples);
    let sum: f64 = losses.iter().map(|x| f64::from(*x)).sum();
    let is_right = |n: &usize| {
        let row = &logits[n * classes..][..classes];
        let first = (0..classes).find(|&c| row.iter().all(|x| *x <= row[c]));
        first == Some(labels[*n] as usize)
    };
    let right = (0..samples).filter(is_right).count() as u32;
    assert!((1..samples as u32).contains(&right));
    for broken in [None, Some(f32::NAN), Some(f32::INFINITY)] {
        let mut losses = losses.clone();
        losses[7] = broken.unwrap_or(losses[7]);
        let step = Step { slot: 2, ..step(samples) };
        let reads = [words(&logits), labels.clone(), words(&losses)];
        for outputs in run_all(Metrics { classes, tally: Tally::Nothing }, &step, &reads, &[vec![UNTOUCHED; 16]]) {
            let found = &outputs[0];
            assert_eq!([&found[..8], &found[12..]].concat(), [UNTOUCHED; 12]);
            assert_eq!(found[9..12], [right, samples as u32, u32::from(broken.is_some())]);
            let error = (f64::from(f32::from_bits(found[8])) - sum).abs();
            assert!(broken.is_some() || error < 1e-5, "{} for {sum}", f32::from_bits(found[8]));
        }
    }
}

#[test]
fn losses_against_rows_of_targets_and_their_gradient() {
    for (i, (samples, classes)) in [(1, 1), (5, 10), (200, 3), (70, 100)].into_iter().enumerate() {
        let (logits, _) = logits(40 + i as u32, samples, classes);
        let mut random = stream(50 + i as u32);
        let targets: Vec<f32> = (0..samples * classes).map(|_| random.uniform(0.0, 1.0)).collect();
        let g = floats(&mut random, samples);
        let rows: Vec<Vec<f64>> = logits.chunks(classes).map(softmax).collect();
        let target = |n: usize, c: usize| f64::from(targets[n * classes + c]);
        let loss = |n: usize| (0..classes).map(|c| -target(n, c) * rows[n][c].max(1e-300).ln()).sum();
        let losses: Vec<f64> = (0..samples).map(loss).collect();
        let reads = [words(&logits), words(&targets)];
        let size = vec![classes as f64; samples];
        check(CrossEntropy { classes, soft: true }, &step(samples), &reads, &losses, &size);
        let gradient = |i: usize| {
            let (n, c) = (i / classes, i % classes);
            let total: f64 = (0..classes).map(|c| target(n, c)).sum();
            f64::from(g[n]) * (rows[n][c] * total - target(n, c))
        };
        let expected: Vec<f64> = (0..samples * classes).map(gradient).collect();
        let reads = [words(&logits), words(&targets), words(&g)];
        check(CrossEntropyGrad { classes, soft: true }, &step(samples), &reads, &expected, &vec![1.0; expected.len()]);
    }
}

#[test]
fn targets_have_shares_of_labels_weights_and_smoothing() {
    let step = Step { weight_scale: 0.5, ..step(2) };
    let rows = |mixed, weighted, label_smoothing, reads: &[Vec<u32>]| {
        let kernel = OneHot { classes: 4, label_smoothing, mixed, weighted };
        let results = run_all(kernel, &step, reads, &[vec![UNTOUCHED; 8]]);
        results[0][0].iter().map(|&word| f32::from_bits(word)).collect::<Vec<f32>>()
    };
    let (first, second, shares) = (vec![1, 3], vec![2, 3], words(&[0.75, 0.25]));
    let weights = words(&[1.0, 2.0, 4.0, 8.0]);
    assert_eq!(rows(false, false, 0.0, std::slice::from_ref(&first)), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(rows(false, false, 0.5, std::slice::from_ref(&first))[..4], [0.125, 0.625, 0.125, 0.125]);
    let mixed = [first.clone(), second, shares];
    assert_eq!(rows(true, false, 0.0, &mixed), [0.0, 0.75, 0.25, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let weighted = [first, weights.clone()];
    assert_eq!(rows(false, true, 0.0, &weighted), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0]);
    let all = [&mixed[..], &[weights]].concat();
    assert_eq!(rows(true, true, 0.5, &all)[..4], [0.0625, 0.5, 0.5, 0.5]);
    let wrong = rows(false, false, 0.5, &[vec![4, 0]]);
    assert!(wrong[..4].iter().all(|t| t.is_nan()) && wrong[4..].iter().all(|t| t.is_finite()), "{wrong:?}");
}

#[test]
fn evaluations_are_tallied() {
    let classes = 7;
    // Logits fall from class 0 on, in two steps.
    let row = [3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 0.0];
    let logits: Vec<f32> = (0..classes).flat_map(|_| row).collect();
    let labels: Vec<u32> = (0..classes as u32).collect();
    let reads = [words(&logits), labels, words(&vec![0.5; classes])];
    for (tally, counted) in [(Tally::TopFive, 1), (Tally::Confusion, 50)] {
        let before = [vec![UNTOUCHED; 4], vec![2; tally.words(classes)]];
        for outputs in run_all(Metrics { classes, tally }, &step(classes), &reads, &before) {
            assert_eq!(outputs[0][1..], [1, 7, 0]);
            assert_eq!((outputs[1].len(), outputs[1][0]), (counted, 7), "classes 0 to 4 are among the five largest");
            for (pair, &count) in outputs[1][1..].iter().enumerate() {
                assert_eq!(count, if pair % classes == 0 { 3 } else { 2 }, "all are taken for class 0");
            }
        }
    }
}
