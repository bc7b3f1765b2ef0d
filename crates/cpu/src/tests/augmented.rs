use convoke_core::kernels::{AugmentedGather, Gather, Mix, PIXEL, Rectangle, View};
use convoke_core::random::Stream;
use convoke_core::step::Step;

use super::{UNTOUCHED, between, floats, run_all, step, stream};

/// A turned and stretched view, or one of whole pixels, by turns.
fn view(random: &mut Stream, [height, width]: [usize; 2], turn: usize) -> View {
    let sign = |random: &mut Stream| if random.below(2) == 0 { PIXEL } else { -PIXEL };
    let whole = |random: &mut Stream, side: usize| (random.below(3 * side as u32) as i32 - side as i32) * PIXEL;
    let mut free = |scale: f32| (random.uniform(-scale, scale) * PIXEL as f32) as i32;
    let turned = [free(1.5), free(1.5), free(width as f32), free(1.5), free(1.5), free(height as f32)];
    let straight = [sign(random), 0, whole(random, width), 0, sign(random), whole(random, height)];
    let corner = |random: &mut Stream, side: usize| random.below(side as u32 + 4) as i32 - 2;
    View {
        matrix: if turn.is_multiple_of(2) { turned } else { straight },
        gain: random.uniform(0.5, 2.0),
        offset: random.uniform(-60.0, 60.0),
        saturation: random.uniform(0.0, 2.0),
        cutout: Rectangle {
            top: corner(random, height),
            left: corner(random, width),
            bottom: corner(random, height),
            right: corner(random, width),
        },
    }
}

/// What an element has to be.
fn expected(kernel: &AugmentedGather, view: &View, bytes: &[u8], c: usize, p: usize) -> f64 {
    let Gather { source_channels, mean, inverse_std, .. } = &kernel.gather;
    let [height, width] = kernel.size;
    let mut view = *view;
    if view.cutout.contains(p / width, p % width) {
        return 0.0;
    }
    if !kernel.interpolated {
        let at = view.point(p / width, p % width).map(|at| (at + PIXEL / 2) >> 16 << 16);
        view.matrix = [0, 0, at[0], 0, 0, at[1]];
    }
    if !kernel.coloured {
        view = View { gain: 1.0, offset: 0.0, saturation: 1.0, ..view };
    }
    let colours = view.colours(bytes, [*source_channels, height, width], p / width, p % width);
    (colours[c % source_channels] / 255.0 - f64::from(mean[c])) * f64::from(inverse_std[c])
}

#[test]
fn batches_are_seen_through_their_views() {
    let mut random = stream(41);
    for turn in 0..64 {
        let channels = between(&mut random, 1, 4);
        let source_channels = if turn % 3 == 0 { 1 } else { channels };
        let size = [between(&mut random, 1, 12), between(&mut random, 1, 12)];
        let plane = size[0] * size[1];
        let (pictures, samples) = (between(&mut random, 1, 5), between(&mut random, 1, 7));
        let (mean, inverse_std) = (floats(&mut random, channels), floats(&mut random, channels));
        let gather = Gather { source_channels, channels, plane, mean, inverse_std };
        let [interpolated, coloured, mixed] = [1, 2, 4].map(|flag| turn & flag > 0);
        let kernel = AugmentedGather { gather, size, interpolated, coloured, mixed };
        let words = kernel.gather.sample_words();
        let pixels: Vec<u32> = (0..pictures * words).map(|_| random.next_u32()).collect();
        let labels: Vec<u32> = (0..pictures as u32).map(|s| s + 10).collect();
        let indices: Vec<u32> = (0..samples + 3).map(|_| random.below(pictures as u32)).collect();
        let mut samples_of = Vec::new();
        for n in 0..samples + 3 {
            let mix = Mix {
                second: random.below(pictures as u32),
                weight: if n == 1 { 1.0 } else { random.next_f32() },
                share: random.next_f32(),
                rectangle: view(&mut random, size, 0).cutout,
            };
            samples_of.push((view(&mut random, size, n), mix, view(&mut random, size, n + 1)));
        }
        let block = |(first, mix, second): &(View, Mix, View)| {
            let rest = [&mix.words()[..], &second.words()].concat();
            [first.words().to_vec(), if mixed { rest } else { Vec::new() }].concat()
        };
        let blocks: Vec<u32> = samples_of.iter().flat_map(block).collect();
        let step = Step { first_index: 3, ..step(samples) };
        let bytes: Vec<Vec<u8>> =
            pixels.chunks(words).map(|words| words.iter().flat_map(|w| w.to_le_bytes()).collect()).collect();
        let element = |i: usize| {
            let (n, c, p) = (3 + i / plane / channels, i / plane % channels, i % plane);
            let (first, mix, second) = &samples_of[n];
            let value = expected(&kernel, first, &bytes[indices[n] as usize], c, p);
            if !mixed {
                return value;
            }
            let other = expected(&kernel, second, &bytes[mix.second as usize], c, p);
            let inside = mix.rectangle.contains(p / size[1], p % size[1]);
            let weight = if inside { 0.0 } else { f64::from(mix.weight) };
            weight * value + (1.0 - weight) * other
        };
        let wanted: Vec<f64> = (0..samples * channels * plane).map(element).collect();
        let reads = [pixels.clone(), labels.clone(), indices.clone(), blocks];
        let mut outputs = vec![vec![UNTOUCHED; wanted.len()], vec![UNTOUCHED; samples]];
        outputs.extend((0..if mixed { 2 } else { 0 }).map(|_| vec![UNTOUCHED; samples]));
        for found in run_all(kernel.clone(), &step, &reads, &outputs) {
            for (i, (found, wanted)) in found[0].iter().zip(&wanted).enumerate() {
                let found = f64::from(f32::from_bits(*found));
                assert!((found - wanted).abs() < 2e-6, "{kernel:?}, element {i}: {found} for {wanted}");
            }
            let seen = &samples_of[3..];
            assert!(found[1].iter().zip(&indices[3..]).all(|(y, &s)| *y == labels[s as usize]));
            if mixed {
                assert!(found[2].iter().zip(seen).all(|(y, (_, mix, _))| *y == labels[mix.second as usize]));
                assert!(found[3].iter().zip(seen).all(|(share, (_, mix, _))| *share == mix.share.to_bits()));
            }
        }
    }
}
