//! Puts pictures of any size and colour together into a dataset of one size and colour.

use crate::dataset::{Dataset, Samples};
use crate::error::DataError;
use crate::open::{Options, Progress};
use crate::picture::Picture;

/// Which half of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Train,
    Test,
}

/// A dataset in the making: grey until a picture with colour comes.
pub struct Builder<'a> {
    options: &'a Options,
    progress: Progress<'a>,
    /// Samples to come, to train and to test on.
    counts: [usize; 2],
    done: usize,
    size: Option<[usize; 2]>,
    channels: usize,
    halves: [Samples; 2],
}

impl<'a> Builder<'a> {
    /// For that many samples to train and to test on.
    pub fn new(options: &'a Options, counts: [usize; 2], progress: Progress<'a>) -> Self {
        let halves = counts.map(|_| Samples::default());
        Self { options, progress, counts, done: 0, size: options.size, channels: 1, halves }
    }

    /// Appends a picture, in the wanted colour and the wanted size; without one, in that of the first picture.
    pub fn push(&mut self, side: Side, picture: Picture, label: u32) -> Result<(), DataError> {
        let picture = if self.options.channels == Some(1) { picture.into_channels(1) } else { picture };
        if picture.channels() > self.channels || self.done == 0 {
            self.size.get_or_insert([picture.height(), picture.width()]);
            self.widen(picture.channels())?;
        }
        let [height, width] = self.size.unwrap_or([picture.height(), picture.width()]);
        let picture = picture.resize(height, width).into_channels(self.channels);
        let half = &mut self.halves[side as usize];
        half.pixels.to_mut().extend(picture.planes());
        half.labels.push(label);
        self.tick();
        Ok(())
    }

    /// Counts a picture as dealt with.
    pub fn tick(&mut self) {
        self.done += 1;
        (self.progress)(self.done, self.counts.iter().sum());
    }

    /// The dataset.
    pub fn finish(self, classes: Vec<String>) -> Dataset {
        let [train, test] = self.halves;
        let [height, width] = self.size.unwrap_or_default();
        Dataset { train, test, classes, channels: self.channels, height, width }
    }

    /// Makes room for all samples with that many channels, and repeats the grey ones that are there.
    fn widen(&mut self, channels: usize) -> Result<(), DataError> {
        let [height, width] = self.size.unwrap_or_default();
        let samples = self.counts.iter().sum();
        let limit = self.options.max_bytes;
        let bytes = [samples, channels, height, width]
            .iter()
            .try_fold(1u64, |product, &factor| product.checked_mul(factor as u64))
            .unwrap_or(u64::MAX);
        let too_large = || DataError::TooLarge { samples, channels, height, width, bytes, limit };
        if bytes > limit || usize::try_from(bytes).is_err() {
            return Err(too_large());
        }
        let plane = height * width;
        for (half, count) in self.halves.iter_mut().zip(self.counts) {
            let pixels = half.pixels.to_mut();
            let grey = std::mem::take(pixels);
            pixels.try_reserve_exact(count * channels * plane).map_err(|_| too_large())?;
            for picture in grey.chunks_exact(plane) {
                pixels.extend(std::iter::repeat_n(picture, channels).flatten());
            }
        }
        self.channels = channels;
        Ok(())
    }
}
