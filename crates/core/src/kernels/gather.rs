//! The batch out of the dataset: reads `pixels` (bytes, four to a word), `labels` (u32), `indices` (u32); writes
//! `x [N, channels, h, w]` and `y [N]` (u32).

use crate::plan::Flops;
use crate::shape::Extent;

/// Sample `n` of the batch is sample `s = indices[step.first_index + n]` of the dataset: `y[n] = labels[s]` and
/// `x[n, c, p] = (pixels[s, c', p] / 255 − mean[c]) · inverse_std[c]`, with `c' = c`, or 0 where the dataset is grey.
///
/// A sample's bytes are `source_channels · height · width`, padded at the end to whole words.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// Channels that lie in the dataset: 1, or as many as `channels`.
    pub source_channels: usize,
    /// Channels that the model wants.
    pub channels: usize,
    /// Height · width.
    pub plane: usize,
    /// Mean of each of the model's channels, of pixels in 0 … 1.
    pub mean: Vec<f32>,
    /// 1 / standard deviation of each of the model's channels.
    pub inverse_std: Vec<f32>,
}

impl Gather {
    /// The words that one sample takes in `pixels`.
    pub fn sample_words(&self) -> usize {
        (self.source_channels * self.plane).div_ceil(4)
    }
}

impl Gather {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(2, &[Extent::Batch(self.channels * self.plane)])
    }
}
