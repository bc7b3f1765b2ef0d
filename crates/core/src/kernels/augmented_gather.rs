//! The batch out of the dataset, each picture changed at random: reads `pixels`, `labels` and `indices` as [`Gather`] does, and
//! `augmentation` (u32); writes `x [N, channels, h, w]` and `y [N]` (u32), and where pictures are mixed `y2 [N]` (u32) and `share [N]`.

use convoke_shaders::augmented_gather as template;

use super::gather::{by_channel, lanes_of};
use super::shader::{Shader, Target, lanes};
use super::{Gather, Mix, View};
use crate::plan::Flops;
use crate::shape::Extent;

/// [`Gather`] with a [`View`] of each picture: which point of the picture each element of `x` shows, in which colours, with what cut
/// out. The views come with the batch, so that a run draws no random numbers and all engines see the same pictures.
///
/// Sample `n` has the words from `(step.first_index + n) · block_words` on. They are one view. Where pictures are `mixed`, they go on with a
/// [`Mix`] and the view of the second picture: `x` is `weight · first + (1 − weight) · second`, and the second alone within the mix's
/// rectangle; `y2` is the second's label, and `share` the part of the first label in the target.
#[derive(Clone, Debug, PartialEq)]
pub struct AugmentedGather {
    /// How bytes become the network's input.
    pub gather: Gather,
    /// Rows and columns of a picture.
    pub size: [usize; 2],
    /// Whether views may show points between pixels; if not, each shows the pixel that is nearest.
    pub interpolated: bool,
    /// Whether views may change colours; if not, what they say of them is not looked at.
    pub coloured: bool,
    /// Whether each sample is mixed of two pictures.
    pub mixed: bool,
}

impl AugmentedGather {
    /// The words of `augmentation` that belong to one sample.
    pub fn block_words(&self) -> usize {
        if self.mixed { 2 * View::WORDS + Mix::WORDS } else { View::WORDS }
    }

    /// The floating-point operations of a run: those of a picture's normalisation, and what colours and mixing add.
    pub fn flops(&self) -> Flops {
        let colours = if self.coloured { 8 } else { 0 };
        let views = if self.mixed { 2 } else { 1 };
        let mixing = if self.mixed { 3 } else { 0 };
        Flops::of(views * (2 + colours) + mixing, &[Extent::Batch(self.gather.channels * self.gather.plane)])
    }

    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let Gather { source_channels, channels, plane, mean, inverse_std } = &self.gather;
        let workgroup = target.workgroup();
        let params = template::Params {
            workgroup: workgroup as u32,
            source_channels: *source_channels as u32,
            channels: *channels as u32,
            height: self.size[0] as u32,
            width: self.size[1] as u32,
            interpolated: self.interpolated,
            coloured: self.coloured,
            mixed: self.mixed,
        };
        let lanes = lanes(&[*plane]);
        let normalisation = by_channel("mean", mean) + &by_channel("inverse_std", inverse_std);
        let targets = if self.mixed { TWO_LABELS } else { "fn write_targets(n: u32, mix: u32) {}" };
        let slots = [("normalisation", &*normalisation), ("x", &lanes_of(lanes)), ("targets", targets)];
        let writes = if self.mixed { 4 } else { 2 };
        Shader::new(params.fill(&slots), [4, writes, 0]).over(workgroup, [(Extent::Batch(*plane), lanes)])
    }
}

/// What a shader writes of a sample that is mixed.
const TWO_LABELS: &str = "@group(0) @binding(7) var<storage, read_write> y2: array<u32>;
@group(0) @binding(8) var<storage, read_write> share: array<f32>;
fn write_targets(n: u32, mix: u32) {
y2[n] = labels[augmentation[mix]];
share[n] = number(mix + 2u);
}";
