//! Rows and columns around images.

use serde::{Deserialize, Serialize};

use super::{Builder, Sides};
use crate::error::Result;
use crate::graph::ValueId;
use crate::kernels::Bands;
use crate::ops;

/// `[N, C, h, w] → [N, C, top + h + bottom, left + w + right]`, as PyTorch's `ZeroPad2d`, `ReflectionPad2d` and `ReplicationPad2d` (which name
/// the sides in another order). No parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// Rows and columns on each side, 0 … 16384: `1`, or `[vertical, horizontal]`, or `[top, bottom, left, right]`.
    pub padding: Sides,
    /// What they hold; `"zeros"` unless given.
    #[serde(default)]
    pub mode: PadMode,
}

/// What stands around an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// Zeros.
    #[default]
    Zeros,
    /// The image, mirrored at its first and last row and column, which are not repeated. There has to be less of it than of the image.
    Reflect,
    /// The first and the last row and column, repeated.
    Replicate,
}

impl Pad {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("pad", inputs)?;
        let [_, height, width] = builder.images("pad", x)?;
        let [top, bottom, left, right] = self.padding.0;
        if self.padding.0.iter().any(|&side| side > ops::LARGEST) {
            let problem = format!("wants a padding in 0 … {}, and was given {:?}", ops::LARGEST, self.padding.0);
            return Err(builder.problem("pad", problem));
        }
        if self.mode == PadMode::Reflect && (top.max(bottom) >= height || left.max(right) >= width) {
            let problem = format!(
                "an image of {height}×{width} can be mirrored by {} rows and {} columns at most, and the padding is {:?}",
                height - 1,
                width - 1,
                self.padding.0
            );
            return Err(builder.problem("pad", problem));
        }
        let bands = match self.mode {
            PadMode::Zeros => Bands::zeros,
            PadMode::Reflect => Bands::reflect,
            PadMode::Replicate => Bands::replicate,
        };
        let size = [top + height + bottom, left + width + right];
        builder.resample("pad", x, size, || (bands(height, [top, bottom]), bands(width, [left, right])))
    }
}
