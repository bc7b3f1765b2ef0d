use convoke_core::expr::Broadcast;
use convoke_core::kernels::{Conv, ConvGeometry, ConvGradInput, ConvGradWeight, Window};
use convoke_core::random::Stream;

use super::{between, check, epilogues, finish, floats, step, stream, words};

/// A window whose output is not empty.
pub(super) fn window(random: &mut Stream, largest: usize) -> Window {
    loop {
        let mut pair = |low, high| [between(random, low, high), between(random, low, high)];
        let (input, kernel, stride) = (pair(1, largest), pair(1, 4), pair(1, 3));
        let (padding, dilation) = (pair(0, 3), pair(1, 2));
        let window = Window { input, kernel, stride, padding, dilation };
        if window.output_len() > 0 {
            return window;
        }
    }
}

fn geometry(random: &mut Stream) -> ConvGeometry {
    let groups = between(random, 1, 3);
    let depthwise = between(random, 1, 3) == 1;
    let [in_channels, out_channels] =
        [between(random, 1, 5), between(random, 1, 11)].map(|c| if depthwise { groups } else { c * groups });
    ConvGeometry { in_channels, out_channels, groups, window: window(random, 20) }
}

/// The reference network's, and ones that take the other paths: wide images, whole rows, points, many channels.
fn chosen() -> Vec<ConvGeometry> {
    let same = |channels: [usize; 2], input, kernel| {
        let window = Window { input, kernel: [kernel; 2], stride: [1, 1], padding: [kernel / 2; 2], dilation: [1, 1] };
        ConvGeometry { in_channels: channels[0], out_channels: channels[1], groups: 1, window }
    };
    let valid = |mut geometry: ConvGeometry| {
        geometry.window.padding = [0, 0];
        geometry
    };
    let strided = |mut geometry: ConvGeometry| {
        geometry.window.stride = [2, 2];
        geometry
    };
    let depthwise = |mut geometry: ConvGeometry| {
        geometry.groups = geometry.in_channels;
        geometry
    };
    vec![
        same([3, 16], [28, 28], 3),
        same([16, 32], [14, 14], 3),
        same([40, 9], [70, 130], 3),
        same([64, 70], [7, 7], 1),
        valid(same([4, 33], [9, 33], 5)),
        depthwise(same([19, 38], [11, 13], 3)),
        depthwise(same([5, 5], [28, 28], 3)),
        depthwise(strided(same([7, 7], [28, 27], 3))),
        depthwise(strided(same([3, 3], [14, 33], 5))),
        depthwise(same([4, 4], [7, 7], 7)),
        depthwise(valid(same([2, 2], [9, 40], 3))),
        depthwise(strided(same([2, 2], [5, 5], 1))),
        strided(same([6, 5], [14, 14], 3)),
        strided(same([9, 10], [15, 14], 1)),
        same([2, 3], [2, 2], 3),
    ]
}

/// Calls `f` with the positions in `x`, in the weight and in `y` of each product.
fn for_each_product(geometry: &ConvGeometry, samples: usize, mut f: impl FnMut(usize, usize, usize)) {
    let (w, [oh, ow]) = (&geometry.window, geometry.window.output());
    let (group_in, group_out) = (geometry.group_in(), geometry.group_out());
    for n in 0..samples {
        for o in 0..geometry.out_channels {
            for c in 0..group_in {
                let channel = o / group_out * group_in + c;
                for tap in 0..w.kernel_len() {
                    for p in 0..oh * ow {
                        let row = w.source(0, p / ow, tap / w.kernel[1]);
                        let column = w.source(1, p % ow, tap % w.kernel[1]);
                        let (Some(row), Some(column)) = (row, column) else { continue };
                        let x = ((n * geometry.in_channels + channel) * w.input[0] + row) * w.input[1] + column;
                        let k = (o * group_in + c) * w.kernel_len() + tap;
                        f(x, k, (n * geometry.out_channels + o) * oh * ow + p);
                    }
                }
            }
        }
    }
}

fn cases(test: u32, count: usize) -> Vec<(ConvGeometry, usize, Stream)> {
    let mut random = stream(test);
    let mut all: Vec<ConvGeometry> = (0..count).map(|_| geometry(&mut random)).collect();
    all.extend(chosen());
    let samples = |i: usize| if i.is_multiple_of(4) { 1 } else { 1 + i % 3 };
    all.into_iter().enumerate().map(|(i, g)| (g, samples(i), stream(test + i as u32 + 1))).collect()
}

/// Sums, and sums of magnitudes.
fn add(sums: &mut [f64], scale: &mut [f64], at: usize, a: f32, b: f32) {
    let product = f64::from(a) * f64::from(b);
    sums[at] += product;
    scale[at] += product.abs();
}

#[test]
fn convolution() {
    for (geometry, samples, mut random) in cases(1000, 60) {
        let x = floats(&mut random, samples * geometry.input_len());
        let weight = floats(&mut random, geometry.weight_len());
        let len = samples * geometry.output_len();
        let (mut sums, mut scale) = (vec![0.0; len], vec![1e-3; len]);
        for_each_product(&geometry, samples, |i, k, o| add(&mut sums, &mut scale, o, x[i], weight[k]));
        let channel = Broadcast::Channel { channels: geometry.out_channels, inner: geometry.window.output_len() };
        for (epilogue, operands) in epilogues(&mut random, len, channel) {
            let step = step(samples);
            let expected = finish(&epilogue, &operands, &sums, &step);
            let mut reads = vec![words(&x), words(&weight)];
            reads.extend(operands.iter().map(|o| words(o)));
            check(Conv { geometry, epilogue }, &step, &reads, &expected, &scale);
        }
    }
}

#[test]
fn gradient_of_the_input() {
    for (geometry, samples, mut random) in cases(2000, 60) {
        let gy = floats(&mut random, samples * geometry.output_len());
        let weight = floats(&mut random, geometry.weight_len());
        let len = samples * geometry.input_len();
        let (mut sums, mut scale) = (vec![0.0; len], vec![1e-3; len]);
        for_each_product(&geometry, samples, |i, k, o| add(&mut sums, &mut scale, i, gy[o], weight[k]));
        let channel = Broadcast::Channel { channels: geometry.in_channels, inner: geometry.window.input_len() };
        for (epilogue, operands) in epilogues(&mut random, len, channel) {
            let step = step(samples);
            let expected = finish(&epilogue, &operands, &sums, &step);
            let mut reads = vec![words(&gy), words(&weight)];
            reads.extend(operands.iter().map(|o| words(o)));
            check(ConvGradInput { geometry, epilogue }, &step, &reads, &expected, &scale);
        }
    }
}

#[test]
fn gradient_of_the_weight() {
    for (i, (geometry, samples, mut random)) in cases(3000, 60).into_iter().enumerate() {
        let (samples, chunk) = (samples + 2 * (i % 3), 1 + i % 5);
        let x = floats(&mut random, samples * geometry.input_len());
        let gy = floats(&mut random, samples * geometry.output_len());
        let len = samples.div_ceil(chunk) * geometry.weight_len();
        let (mut sums, mut scale) = (vec![0.0; len], vec![1e-3; len]);
        for_each_product(&geometry, samples, |i, k, o| {
            let sample = i / geometry.input_len();
            add(&mut sums, &mut scale, sample / chunk * geometry.weight_len() + k, x[i], gy[o]);
        });
        let reads = [words(&x), words(&gy)];
        check(ConvGradWeight { geometry, chunk }, &step(samples), &reads, &sums, &scale);
    }
}
