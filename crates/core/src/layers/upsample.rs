//! Images made larger.

use serde::{Deserialize, Serialize};

use super::{Builder, Pair};
use crate::error::Result;
use crate::graph::ValueId;
use crate::kernels::Bands;

/// `[N, C, h, w] → [N, C, oh, ow]`, as PyTorch's `Upsample` (with `align_corners=False`). Give either `scale_factor` or `size`. No
/// parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// How many times as high and as wide the output is, each 1 … 16384.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_factor: Option<Pair>,
    /// The output's height and width, each 1 … 16384; it may be smaller than the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Pair>,
    /// What stands between the input's elements; `"nearest"` unless given.
    #[serde(default)]
    pub mode: UpsampleMode,
}

/// What stands between the elements of an image that is made larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpsampleMode {
    /// The element itself, repeated.
    #[default]
    Nearest,
    /// A straight line from one to the next, along each axis.
    Bilinear,
}

impl Upsample {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("upsample", inputs)?;
        let [_, height, width] = builder.images("upsample", x)?;
        let [oh, ow] = match (self.scale_factor, self.size) {
            (Some(factor), None) => {
                let [vertical, horizontal] = builder.sizes("upsample", "scale_factor", factor)?;
                [height * vertical, width * horizontal]
            }
            (None, Some(size)) => builder.sizes("upsample", "size", size)?,
            _ => return Err(builder.problem("upsample", "wants either a scale_factor, such as 2, or a size, such as [32, 32]")),
        };
        let bands = match self.mode {
            UpsampleMode::Nearest => Bands::nearest,
            UpsampleMode::Bilinear => Bands::linear,
        };
        builder.resample("upsample", x, [oh, ow], || (bands(height, oh), bands(width, ow)))
    }
}
