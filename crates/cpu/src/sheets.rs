//! Images copied so that every tap of a sliding window reads contiguous memory.
//!
//! For each horizontal tap of the window one *sheet* is made of an image plane: the plane shifted by that tap, strided,
//! zero where the window hangs over the edge, and exactly as wide as the output. In a sheet the element under the window's
//! tap for output `p` (row-major) is element `offset + p`, for all `p`: the vertical tap is no more than another offset.
//! A matrix of all taps (im2col) would be `kernel height` times larger. With a vertical stride the rows are dealt out to
//! one sheet for each remainder.

use convoke_core::order::{arranged, ascending};

/// How sheets are made: output row `i` under vertical tap `a` reads input row `i · stride + rows[a]`, and columns likewise.
#[derive(Clone, Debug)]
pub(crate) struct Sampling {
    /// The input plane's height and width.
    pub input: [usize; 2],
    /// The output plane's height and width.
    pub output: [usize; 2],
    /// How far the window moves.
    pub stride: [usize; 2],
    /// Where each vertical tap lies for output row 0.
    pub rows: Vec<isize>,
    /// Where each horizontal tap lies for output column 0.
    pub columns: Vec<isize>,
}

/// One sheet of each channel.
#[derive(Clone, Debug)]
struct Sheet {
    /// The input row that its first row holds, for output row 0.
    first_row: isize,
    /// The input column that its first column holds.
    column: isize,
    /// Its rows beyond one for each output row.
    extra: usize,
    /// Where it begins in its channel's block.
    start: usize,
    /// All bits set for the columns that lie within the input, none for the others; periodic, [`BLOCK`] longer than a row.
    keep: Vec<u32>,
}

/// Elements that are copied at a time.
const BLOCK: usize = 16;

/// The sheets of a channel, for a strip of output rows.
#[derive(Clone, Debug)]
pub(crate) struct Sheets {
    sampling: Sampling,
    sheets: Vec<Sheet>,
    /// Elements of one channel's block.
    pub channel: usize,
    /// For each tap, row-major, where the element under it for the strip's first output lies in the channel's block.
    pub taps: Vec<usize>,
}

impl Sheets {
    /// Sheets for strips of up to `strip` output rows.
    pub fn new(sampling: Sampling, strip: usize) -> Self {
        let width = sampling.output[1];
        let stride = sampling.stride[0] as isize;
        let remainders: Vec<isize> = sampling.rows.iter().map(|r| r.rem_euclid(stride)).collect();
        let order = ascending(remainders.iter().map(|&remainder| remainder as u64));
        let mut remainders = arranged(remainders, &order);
        remainders.dedup();
        let mut sheets = Vec::new();
        let mut channel = 0;
        let mut taps = vec![0; sampling.rows.len() * sampling.columns.len()];
        for remainder in remainders {
            let of = |r: &&isize| r.rem_euclid(stride) == remainder;
            let quotients = || sampling.rows.iter().filter(of).map(|r| r.div_euclid(stride));
            let lowest = quotients().min().unwrap_or(0);
            let extra = (quotients().max().unwrap_or(0) - lowest) as usize;
            for (b, &column) in sampling.columns.iter().enumerate() {
                for (a, _) in sampling.rows.iter().enumerate().filter(|(_, r)| of(r)) {
                    let row = (sampling.rows[a].div_euclid(stride) - lowest) as usize;
                    taps[a * sampling.columns.len() + b] = channel + row * width;
                }
                let inside = |j: usize| {
                    let at = (j % width * sampling.stride[1]) as isize + column;
                    if (0..sampling.input[1] as isize).contains(&at) { u32::MAX } else { 0 }
                };
                let keep = (0..width + BLOCK).map(inside).collect();
                sheets.push(Sheet { first_row: lowest * stride + remainder, column, extra, start: channel, keep });
                channel += (strip + extra) * width;
            }
        }
        Self { sampling, sheets, channel, taps }
    }

    /// Fills the blocks of all channels that `x` holds planes of, for output rows `first` to before `first + rows`.
    #[inline(always)]
    pub fn fill(&self, x: &[f32], first: usize, rows: usize, blocks: &mut [f32]) {
        let [_, width] = self.sampling.output;
        let plane = self.sampling.input[0] * self.sampling.input[1];
        for (c, block) in (0..x.len() / plane).zip(blocks.chunks_exact_mut(self.channel)) {
            for sheet in &self.sheets {
                let out = &mut block[sheet.start..][..(rows + sheet.extra) * width];
                let row = sheet.first_row + (first * self.sampling.stride[0]) as isize;
                if self.sampling.stride == [1, 1] && self.sampling.input[1] == width {
                    self.fill_shifted(x, c * plane, row, sheet, out);
                } else {
                    self.fill_rows(&x[c * plane..][..plane], row, sheet.column, out);
                }
            }
        }
    }

    /// Where the output is as wide as the input, the sheet is the plane, shifted as a whole, with zeros where elements of
    /// a neighbouring row came in. The plane begins at `plane` of `x`.
    #[inline(always)]
    fn fill_shifted(&self, x: &[f32], plane: usize, row: isize, sheet: &Sheet, out: &mut [f32]) {
        let [height, width] = self.sampling.input;
        let rows = out.len() / width;
        // The rows of the sheet that lie within the plane.
        let above = (-row).clamp(0, rows as isize) as usize;
        let below = (height as isize - row).clamp(above as isize, rows as isize) as usize;
        zero(&mut out[..above * width]);
        zero(&mut out[below * width..]);
        let out = &mut out[above * width..below * width];
        let source = plane as isize + (row + above as isize) * width as isize + sheet.column;
        // The blocks that begin before `x`, however far a tap lies outside; the whole blocks; and the rest.
        let before = source.min(0).unsigned_abs().next_multiple_of(BLOCK).min(out.len());
        fill_blocks(x, source, sheet, width, 0, &mut out[..before]);
        let from = x.get((source + before as isize).max(0).cast_unsigned()..).unwrap_or_default();
        let (mut phase, step) = (before % width, BLOCK % width);
        let mut done = before;
        for (out, x) in out[before..].as_chunks_mut::<BLOCK>().0.iter_mut().zip(from.as_chunks::<BLOCK>().0) {
            *out = masked(*x, &sheet.keep[phase..]);
            done += BLOCK;
            phase += step;
            while phase >= width {
                phase -= width;
            }
        }
        // Mostly it is less than a block, which is moved back over what is done so that it is a whole one.
        let last = out.len().saturating_sub(BLOCK);
        let at = if last <= done { last } else { done };
        fill_blocks(x, source, sheet, width, at, &mut out[at..]);
    }

    #[inline(always)]
    fn fill_rows(&self, plane: &[f32], first: isize, column: isize, out: &mut [f32]) {
        let [height, input_width] = self.sampling.input;
        let [row_stride, stride] = self.sampling.stride;
        let width = self.sampling.output[1];
        // The columns of the sheet that lie within the plane.
        let left = (-column).max(0).cast_unsigned().div_ceil(stride).min(width);
        let right = (input_width as isize - column).max(0).cast_unsigned().div_ceil(stride).clamp(left, width);
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let row = first + (i * row_stride) as isize;
            if row < 0 || row >= height as isize || left == right {
                out.fill(0.0);
                continue;
            }
            out[..left].fill(0.0);
            out[right..].fill(0.0);
            let start = row as usize * input_width + (column + (left * stride) as isize) as usize;
            let source = &plane[start..(row as usize + 1) * input_width];
            let out = &mut out[left..right];
            if stride == 1 {
                out.copy_from_slice(&source[..out.len()]);
            } else if let ([.., last], 2) = (&mut *out, stride) {
                // Pairs are taken apart with vector instructions.
                *last = source[2 * (right - left - 1)];
                out.iter_mut().zip(source.as_chunks::<2>().0).for_each(|(out, pair)| *out = pair[0]);
            } else {
                out.iter_mut().zip(source.iter().step_by(stride)).for_each(|(out, &x)| *out = x);
            }
        }
    }
}

/// Fills `out`, the elements of a shifted plane from `at` on, a block at a time.
#[inline(always)]
fn fill_blocks(x: &[f32], source: isize, sheet: &Sheet, width: usize, at: usize, out: &mut [f32]) {
    for (index, out) in out.chunks_mut(BLOCK).enumerate() {
        fill_block(x, source, sheet, width, at + index * BLOCK, out);
    }
}

/// Fills at most a block, the elements of a shifted plane from `at` on, whose element 0 lies at `source` of `x`.
#[inline(always)]
fn fill_block(x: &[f32], source: isize, sheet: &Sheet, width: usize, at: usize, out: &mut [f32]) {
    let from = source + at as isize;
    let keep = &sheet.keep[at % width..];
    let inside = usize::try_from(from).ok().and_then(|from| x.get(from..)?.first_chunk::<BLOCK>());
    if let (Some(x), Some(out)) = (inside, out.first_chunk_mut::<BLOCK>()) {
        *out = masked(*x, keep);
        return;
    }
    for (i, (out, keep)) in out.iter_mut().zip(keep).enumerate() {
        *out = if *keep == 0 { 0.0 } else { x[(from + i as isize) as usize] };
    }
}

/// The numbers whose mask is all ones, and 0 for the others.
#[inline(always)]
fn masked(x: [f32; BLOCK], keep: &[u32]) -> [f32; BLOCK] {
    let keep = keep.first_chunk::<BLOCK>().copied().unwrap_or([0; BLOCK]);
    let mut out = [0.0; BLOCK];
    for i in 0..BLOCK {
        out[i] = f32::from_bits(x[i].to_bits() & keep[i]);
    }
    out
}

/// Fills with zeros; a narrow row without a call.
#[inline(always)]
fn zero(out: &mut [f32]) {
    if out.len() > 2 * BLOCK {
        out.fill(0.0);
    } else if let Some(first) = out.first_chunk_mut::<BLOCK>() {
        *first = [0.0; BLOCK];
        let last = out.len() - BLOCK;
        out[last..].copy_from_slice(&[0.0; BLOCK]);
    } else {
        out.iter_mut().for_each(|x| *x = 0.0);
    }
}
