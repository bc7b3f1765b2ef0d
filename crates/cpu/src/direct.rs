//! Direct convolution of one sample: register tiles over sheets. Both a convolution and its gradient with respect to the
//! input are one, of other channels and taps.

use crate::context::{Context, Scratch};
use crate::rows::{Finish, Rows, pack_panels, panel_rows};
use crate::sheets::{Sampling, Sheets};

/// Bytes of sheets that are made at a time: half of a small second-level cache.
const STRIP_BYTES: usize = 256 << 10;

/// A convolution with its weights packed.
pub(crate) struct Direct<'a> {
    groups: usize,
    /// Channels of the source and of the output, in each group.
    channels: [usize; 2],
    input_len: usize,
    output: [usize; 2],
    strip: usize,
    sheets: Sheets,
    /// Where each step of the sum begins in a group's sheets.
    offsets: Vec<usize>,
    panels: Scratch<'a>,
}

/// The largest number of output rows whose sheets, of all channels, keep within so many bytes.
pub(crate) fn strip_rows(sampling: &Sampling, channels: usize, bytes: usize) -> usize {
    let row = Sheets::new(sampling.clone(), 2).channel - Sheets::new(sampling.clone(), 1).channel;
    let rows = bytes / (4 * row * channels).max(1);
    // Strips of few rows would mostly make the rows around them.
    rows.clamp(sampling.output[0].min(4), sampling.output[0])
}

impl<'a> Direct<'a> {
    /// `weight(group, out, in, a, b)` is the weight that leads from channel `in` of the group under tap `(a, b)`, by its
    /// place in `sampling`, to channel `out` of the group.
    pub fn new(
        context: &'a Context,
        sampling: Sampling,
        groups: usize,
        channels: [usize; 2],
        weight: impl Fn(usize, usize, usize, usize, usize) -> f32,
    ) -> Self {
        let strip = strip_rows(&sampling, channels[0], STRIP_BYTES);
        let (input_len, output) = (sampling.input.iter().product(), sampling.output);
        let columns = sampling.columns.len();
        let sheets = Sheets::new(sampling, strip);
        let taps = sheets.taps.len();
        let offsets: Vec<usize> =
            (0..channels[0] * taps).map(|k| k / taps * sheets.channel + sheets.taps[k % taps]).collect();
        let panel = panel_rows(context.arch, channels[1]);
        let size = channels[1].div_ceil(panel) * panel * offsets.len();
        let mut panels = context.scratch(groups * size);
        if size > 0 {
            for (g, out) in panels.chunks_exact_mut(size).enumerate() {
                pack_panels(out, panel, channels[1], offsets.len(), |o, k| {
                    weight(g, o, k / taps, k % taps / columns, k % columns)
                });
            }
        }
        Self { groups, channels, input_len, output, strip, sheets, offsets, panels }
    }

    /// `y = finish(convolution of x)`, both of one sample.
    pub fn sample(&self, context: &Context, x: &[f32], y: &mut [f32], finish: Finish<'_>) {
        let [sources, outputs] = self.channels;
        let [height, width] = self.output;
        let plane = height * width;
        let len = sources * self.sheets.channel;
        // A vector may be read beyond the end.
        let mut blocks = context.scratch(len + 64);
        for g in 0..self.groups {
            let group = &x[g * sources * self.input_len..][..sources * self.input_len];
            let panels = &self.panels[g * self.panels.len() / self.groups..][..self.panels.len() / self.groups];
            for row in (0..height).step_by(self.strip) {
                let rows = self.strip.min(height - row);
                context.vectorized(
                    #[inline(always)]
                    || self.sheets.fill(group, row, rows, &mut blocks),
                );
                let first = g * outputs;
                let range = row * width..(row + rows) * width;
                let planes = y[first * plane..].chunks_exact_mut(plane).take(outputs);
                let mut out: Vec<&mut [f32]> = planes.map(|plane| &mut plane[range.clone()]).collect();
                context.arch.dispatch(Rows {
                    panels,
                    offsets: &self.offsets,
                    source: &blocks,
                    out: &mut out,
                    finish: finish.from(first, range.start),
                });
            }
        }
    }
}
