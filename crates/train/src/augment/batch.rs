//! The views of a batch, as they go to the engine.

use std::ops::Range;

use convoke_core::kernels::{Mix, View};
use convoke_data::Samples;

use super::{Augment, Draw};

/// A part of a step's global batch, in training.
#[derive(Clone, Debug)]
pub(crate) struct Share<'a> {
    /// The samples of the whole batch.
    pub batch: &'a [u32],
    /// Which of its positions one run has.
    pub run: Range<usize>,
    /// The run's seed.
    pub seed: u64,
    /// The step's number, from 1.
    pub step: u64,
}

impl Share<'_> {
    /// The position of the sample that the one at a position is mixed with: the one before it, around the end. Orders are drawn anew in each
    /// epoch, so any is as good, and of the samples beyond a share only one is needed.
    pub(crate) fn partner(&self, position: usize) -> usize {
        (position + self.batch.len() - 1) % self.batch.len()
    }
}

impl Augment {
    /// The words of a share's samples: [`AugmentedGather`](convoke_core::kernels::AugmentedGather)'s `augmentation`. `size` is the pictures' rows and columns, `channels` their number
    /// of channels; `picture` says which number the picture of a position has on the device.
    pub(crate) fn blocks(
        &self,
        samples: &Samples,
        [channels, height, width]: [usize; 3],
        share: &Share<'_>,
        picture: &dyn Fn(usize) -> u32,
    ) -> Vec<u32> {
        let draw = |position| Draw { seed: share.seed, step: share.step, position };
        let view = |position: usize| {
            let grey = match self.contrast > 0.0 {
                true => mean_grey(samples.sample(share.batch[position] as usize), channels),
                false => 0.0,
            };
            self.view(draw(position), [height, width], grey).words()
        };
        let mut words = Vec::with_capacity(share.run.len() * (2 * View::WORDS + Mix::WORDS));
        for position in share.run.clone() {
            words.extend(view(position));
            if self.mixes() {
                let partner = share.partner(position);
                words.extend(self.mix(draw(position), [height, width], picture(partner)).words());
                words.extend(view(partner));
            }
        }
        words
    }
}

impl Augment {
    /// What a step shows of a sample, as a picture to look at: `channels · height · width` bytes, where `shape` says these. `batch` is
    /// the global batch, of samples among `samples`; `mean`, 0 … 1, is the colour of what is cut out, for each channel.
    ///
    /// # Panics
    /// Where the batch is of samples that are not there, the draw's position beyond it, or a mean missing.
    pub fn show(&self, samples: &Samples, shape: [usize; 3], batch: &[u32], draw: Draw, mean: &[f32]) -> Vec<u8> {
        let [channels, height, width] = shape;
        let share = Share { batch, run: draw.position..draw.position + 1, seed: draw.seed, step: draw.step };
        let words = self.blocks(samples, shape, &share, &|position| batch[position]);
        let seen = |words: &[u32], sample: u32| -> Vec<f64> {
            let (view, bytes) = (View::from_words(words), samples.sample(sample as usize));
            let mut planes = vec![0.0; channels * height * width];
            for at in 0..height * width {
                let (row, column) = (at / width, at % width);
                let colours = match view.cutout.contains(row, column) {
                    true => mean[..channels].iter().map(|m| 255.0 * f64::from(*m)).collect(),
                    false => view.colours(bytes, shape, row, column),
                };
                colours.iter().enumerate().for_each(|(c, value)| planes[c * height * width + at] = *value);
            }
            planes
        };
        let mut planes = seen(&words, batch[draw.position]);
        if self.mixes() {
            let mix = Mix::from_words(&words[View::WORDS..]);
            let second = seen(&words[View::WORDS + Mix::WORDS..], mix.second);
            for (i, (value, other)) in planes.iter_mut().zip(second).enumerate() {
                let inside = mix.rectangle.contains(i / width % height, i % width);
                let weight = if inside { 0.0 } else { f64::from(mix.weight) };
                *value = weight * *value + (1.0 - weight) * other;
            }
        }
        planes.iter().map(|value| value.round() as u8).collect()
    }
}

/// The mean grey, 0 … 255, of a picture of that many planes: of the luma where they are three.
pub(super) fn mean_grey(bytes: &[u8], channels: usize) -> f64 {
    let plane = bytes.len() / channels;
    let mean = |bytes: &[u8]| bytes.iter().map(|&b| u64::from(b)).sum::<u64>() as f64 / bytes.len() as f64;
    match channels {
        3 => [0.299, 0.587, 0.114].iter().zip(bytes.chunks(plane)).map(|(weight, plane)| weight * mean(plane)).sum(),
        _ => mean(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str, batch: &[u32], run: Range<usize>) -> Vec<u32> {
        let pixels = (0..10 * 3 * 16).map(|i| (i * 7 % 256) as u8).collect();
        let samples = Samples { pixels, labels: vec![0; 10] };
        let share = Share { batch, run, seed: 9, step: 4 };
        let augment: Augment = text.parse().unwrap();
        augment.blocks(&samples, [3, 4, 4], &share, &|position| batch[position])
    }

    #[test]
    fn a_split_batch_is_changed_as_the_whole() {
        let batch = [3, 1, 4, 0, 5];
        for text in ["crop=1,flip,contrast", "rotate,mixup,cutmix", "mixup"] {
            let parts = [0..2, 2..3, 3..5].map(|run| blocks(text, &batch, run)).concat();
            assert_eq!(parts, blocks(text, &batch, 0..5), "{text}");
        }
    }

    #[test]
    fn a_partner_is_seen_as_it_is_seen_itself() {
        let words = blocks("crop=1,rotate,brightness,contrast,mixup", &[3, 1, 4], 0..3);
        let block = words.len() / 3;
        for position in 0..3 {
            let before = (position + 2) % 3;
            let own = &words[before * block..][..View::WORDS];
            assert_eq!(&words[(position + 1) * block - View::WORDS..][..View::WORDS], own);
            let mix = Mix::from_words(&words[position * block + View::WORDS..]);
            assert_eq!(mix.second, [3, 1, 4][before]);
        }
    }

    #[test]
    fn what_is_shown_is_the_picture_changed() {
        let samples = Samples { pixels: (0..24).map(|i| i * 10).collect(), labels: vec![0; 2] };
        let show = |text: &str| {
            let draw = Draw { seed: 1, step: 1, position: 1 };
            text.parse::<Augment>().unwrap().show(&samples, [1, 3, 4], &[1, 0], draw, &[0.5])
        };
        assert_eq!(show("none"), samples.sample(0));
        assert_eq!(show("flip=1")[..4], [30, 20, 10, 0]);
        let cut = show("cutout=2");
        assert!(cut.contains(&128) && cut.iter().zip(samples.sample(0)).all(|(a, b)| a == b || *a == 128));
        // Halfway between the picture and the one before it in the batch.
        let mixed = show("mixup=100");
        assert!(
            mixed.iter().zip(samples.sample(0)).all(|(a, b)| (20..100).contains(&(i32::from(*a) - i32::from(*b)))),
            "{mixed:?}"
        );
    }

    #[test]
    fn greys_are_lumas_where_there_is_colour() {
        assert_eq!(mean_grey(&[10, 30], 1), 20.0);
        assert!((mean_grey(&[100, 100, 200, 0, 50, 50], 3) - (29.9 + 58.7 + 5.7)).abs() < 1e-9);
    }
}
