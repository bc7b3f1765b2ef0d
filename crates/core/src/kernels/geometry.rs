//! Where a sliding window lies: the geometry that convolutions and pools share.

use super::shader::lanes;
use super::tiling::divisor;

/// A window that slides over the rows and columns of an image. Pairs are `[vertical, horizontal]`, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The input's height and width.
    pub input: [usize; 2],
    /// The window's height and width.
    pub kernel: [usize; 2],
    /// How far the window moves from one output to the next.
    pub stride: [usize; 2],
    /// How many rows and columns are imagined around the input, on each side.
    pub padding: [usize; 2],
    /// The distance between two taps of the window.
    pub dilation: [usize; 2],
}

impl Window {
    /// The output's height and width: `⌊(input + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1`.
    ///
    /// 0 where the window is larger than the padded input; ops refuse such a window when they infer shapes.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|d| {
            let padded = self.input[d] + 2 * self.padding[d];
            let reach = self.dilation[d] * (self.kernel[d] - 1) + 1;
            if padded < reach { 0 } else { (padded - reach) / self.stride[d] + 1 }
        })
    }

    /// The input row (`axis` 0) or column (`axis` 1) under tap `tap` of the window for output `out`, or `None` where it
    /// falls into the padding.
    pub fn source(&self, axis: usize, out: usize, tap: usize) -> Option<usize> {
        (out * self.stride[axis] + tap * self.dilation[axis])
            .checked_sub(self.padding[axis])
            .filter(|&i| i < self.input[axis])
    }

    /// Whether no placement of the window lies wholly in the padding.
    pub fn every_output_has_a_source(&self) -> bool {
        (0..2).all(|axis| {
            let taps = |out| (0..self.kernel[axis]).any(|tap| self.source(axis, out, tap).is_some());
            (0..self.output()[axis]).all(taps)
        })
    }

    /// Rows × columns of the input.
    pub fn input_len(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Rows × columns of the window.
    pub fn kernel_len(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Rows × columns of the output.
    pub fn output_len(&self) -> usize {
        let [h, w] = self.output();
        h * w
    }
}

/// A convolution's channels and window.
///
/// Input `[N, in_channels, h, w]`, weight `[out_channels, in_channels / groups, kh, kw]`, output `[N, out_channels, oh, ow]`.
/// Output channel `o` of group `o / (out_channels / groups)` sees only the input channels of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvGeometry {
    /// Input channels of all groups.
    pub in_channels: usize,
    /// Output channels of all groups.
    pub out_channels: usize,
    /// The number of groups; it divides both.
    pub groups: usize,
    /// The window.
    pub window: Window,
}

impl ConvGeometry {
    /// Input channels that one output channel sees.
    pub fn group_in(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels of one group.
    pub fn group_out(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Elements of the input, per sample.
    pub fn input_len(&self) -> usize {
        self.in_channels * self.window.input_len()
    }

    /// Elements of the output, per sample.
    pub fn output_len(&self) -> usize {
        self.out_channels * self.window.output_len()
    }

    /// Elements of the weight.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.group_in() * self.window.kernel_len()
    }

    /// Multiply-adds for one sample, each counted as two operations, padding included.
    pub fn flops(&self) -> u64 {
        2 * (self.output_len() * self.group_in() * self.window.kernel_len()) as u64
    }
}

/// The most columns of a window that are written out at a time.
const MAX_TAPS: usize = 8;
/// The most columns that a thread holds of a row: they are written out, so that a large dilation or stride would make a shader
/// of any length. Tiles of 32 columns with a stride of 2 fit.
const MAX_SPAN: usize = 128;

/// How a shader reads the rows that a window slides over.
impl Window {
    /// How many columns of the window are written out at a time. They divide the window's, and a tile of one output fits.
    pub(super) fn taps(&self) -> usize {
        divisor(self.kernel[1], MAX_TAPS.min((MAX_SPAN - 1) / self.dilation[1] + 1))
    }

    /// How many input columns a tile of `tile` outputs sees, for `taps` columns of the window.
    fn input_span(&self, tile: usize, taps: usize) -> usize {
        (tile - 1) * self.stride[1] + (taps - 1) * self.dilation[1] + 1
    }

    /// Whether a thread can hold the input columns that a tile of `tile` outputs sees; one output always fits.
    pub(super) fn input_fits(&self, tile: usize, taps: usize) -> bool {
        tile == 1 || self.input_span(tile, taps) <= MAX_SPAN
    }

    /// Lanes in which the input's rows are loaded, for tiles of `tile` outputs and `taps` columns of the window at a time.
    pub(super) fn input_lanes(&self, tile: usize, taps: usize) -> usize {
        let along = if tile >= self.output()[1] { 0 } else { tile * self.stride[1] };
        let turns = if taps == self.kernel[1] { 0 } else { taps * self.dilation[1] };
        lanes(&[self.input[1], along, turns])
    }

    /// How many loads of `lanes` lanes bring in the input columns that a tile of outputs sees.
    pub(super) fn input_loads(&self, tile: usize, taps: usize, lanes: usize) -> usize {
        let span = self.input_span(tile, taps);
        let shift = (lanes - self.padding[1] % lanes) % lanes;
        (shift + span).div_ceil(lanes)
    }

    /// The first output column that an input tile at column 0 collects gradients from, and of how many columns such a tile of
    /// `tile` columns sees the windows.
    pub(super) fn gradient_span(&self, tile: usize) -> (i32, usize) {
        let [padding, stride] = [self.padding[1] as i32, self.stride[1] as i32];
        let first = -(((self.kernel[1] - 1) * self.dilation[1]) as i32 - padding).div_euclid(stride);
        let last = (tile as i32 - 1 + padding).div_euclid(stride);
        (first, (last - first + 1).max(1) as usize)
    }

    /// Lanes in which the output's rows are loaded for the gradient of a tile of `tile` input columns.
    pub(super) fn gradient_lanes(&self, tile: usize) -> usize {
        let along = if tile >= self.input[1] { 0 } else { tile / self.stride[1] };
        lanes(&[self.output()[1], along])
    }

    /// Whether the gradient of an input tile of `tile` columns can be written out: the tile holds all of a row, or whole
    /// strides, and a thread can hold the output columns that it collects from.
    pub(super) fn writes_out(&self, tile: usize) -> bool {
        (tile >= self.input[1] || tile.is_multiple_of(self.stride[1])) && self.gradient_span(tile).1 <= MAX_SPAN
    }
}

/// The greatest common divisor.
pub(super) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
