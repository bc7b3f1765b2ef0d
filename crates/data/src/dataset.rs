//! What a dataset is in memory.

use std::ops::Range;

use convoke_core::random::{Stream, StreamId};

use crate::pixels::Pixels;

/// Labelled pictures of one size, some to train on and some to test on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// What to train on: at least one sample.
    pub train: Samples,
    /// What to test on: at least one sample.
    pub test: Samples,
    /// The classes' names; a label is a position in this list. At least two.
    pub classes: Vec<String>,
    /// 1 where every picture is grey, otherwise 3: red, green, blue.
    pub channels: usize,
    /// Rows of each picture.
    pub height: usize,
    /// Columns of each picture.
    pub width: usize,
}

impl Dataset {
    /// Bytes of one sample: `channels · height · width`.
    pub fn sample_bytes(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether a network with this input (channels, height, width) takes the pictures: of its size, and of as many channels or grey.
    pub fn fits(&self, input: [usize; 3]) -> bool {
        let [channels, height, width] = input;
        [height, width] == [self.height, self.width] && (self.channels == 1 || self.channels == channels)
    }
}

/// Pictures with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// One sample after the other without gaps: of each, one plane for each channel, row by row.
    pub pixels: Pixels,
    /// Each sample's class.
    pub labels: Vec<u32>,
}

impl Samples {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of one sample; 0 where there is none.
    pub fn sample_bytes(&self) -> usize {
        self.pixels.len().checked_div(self.len()).unwrap_or(0)
    }

    /// The bytes of sample `index`.
    ///
    /// # Panics
    /// Where there is no such sample.
    pub fn sample(&self, index: usize) -> &[u8] {
        let bytes = self.sample_bytes();
        &self.pixels[index * bytes..][..bytes]
    }

    /// Some samples as the kernel [`Gather`](convoke_core::kernels::Gather) reads them: four bytes to a word, the first
    /// lowest, each sample padded with zeros to whole words.
    ///
    /// # Panics
    /// Where the range goes beyond the samples.
    pub fn packed(&self, range: Range<usize>) -> Vec<u32> {
        let mut words = Vec::with_capacity(range.len() * self.sample_bytes().div_ceil(4));
        for index in range {
            let (whole, rest) = self.sample(index).as_chunks::<4>();
            words.extend(whole.iter().map(|bytes| u32::from_le_bytes(*bytes)));
            if !rest.is_empty() {
                let mut last = [0; 4];
                last[..rest.len()].copy_from_slice(rest);
                words.push(u32::from_le_bytes(last));
            }
        }
        words
    }
}

/// The order in which epoch `epoch` visits `count` samples: each once, the same for the same seed everywhere.
pub fn shuffled(seed: u64, epoch: u32, count: u32) -> Vec<u32> {
    Stream::new(seed, StreamId::Shuffle, epoch, 0).permutation(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_samples_end_on_whole_words() {
        let samples = Samples { pixels: (1..=15).collect(), labels: vec![0, 1, 2] };
        assert_eq!(samples.packed(1..3), [0x0908_0706, 0x0000_000a, 0x0e0d_0c0b, 0x0000_000f]);
        assert!(samples.packed(0..0).is_empty());
        let whole = Samples { pixels: (1..=8).collect(), labels: vec![0, 1] };
        assert_eq!(whole.packed(0..2), [0x0403_0201, 0x0807_0605]);
    }

    #[test]
    fn grey_pictures_fit_any_channels_and_others_their_own() {
        let data = |channels| Dataset {
            train: Samples::default(),
            test: Samples::default(),
            classes: Vec::new(),
            channels,
            height: 2,
            width: 3,
        };
        assert!(data(1).fits([1, 2, 3]) && data(1).fits([3, 2, 3]) && data(3).fits([3, 2, 3]));
        assert!(!data(3).fits([1, 2, 3]) && !data(1).fits([1, 3, 2]) && !data(1).fits([1, 2, 2]));
    }

    #[test]
    fn no_samples_have_no_bytes() {
        assert_eq!(Samples::default().sample_bytes(), 0);
        assert!(Samples::default().packed(0..0).is_empty());
    }

    #[test]
    fn an_order_depends_on_seed_and_epoch_alone() {
        assert_eq!(shuffled(1, 2, 100), shuffled(1, 2, 100));
        assert_ne!(shuffled(1, 2, 100), shuffled(1, 3, 100));
        assert_ne!(shuffled(1, 2, 100), shuffled(2, 2, 100));
    }
}
