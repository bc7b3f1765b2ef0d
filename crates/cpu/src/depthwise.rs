//! Convolutions of as many groups as channels, and their gradients: plane by plane.
//!
//! A plane is copied once into a *frame* of zeros, so that every tap of every output reads whole vectors and none lies outside. An
//! output row is then a sum of shifted rows of the frame. A horizontal stride computes all columns and keeps every so many; a
//! gradient through a stride spreads its plane over a frame of zeros. Both waste multiplications, of which a depthwise
//! convolution has few, and save the copies that would otherwise take most of the time.

use convoke_core::kernels::ConvGeometry;
use pulp::{Simd, WithSimd};

/// The largest horizontal or vertical stride that is worth the waste.
const LARGEST_STRIDE: usize = 2;

/// Output rows, of one vector each, whose sums are kept in registers.
const ROWS: usize = 8;

/// Taps of a weight's gradient whose sums are kept in registers: a window of 3×3.
const TAPS: usize = 9;

/// Room for vectors that begin within a frame and reach beyond: the widest that there are.
const SLACK: usize = 64;

/// How planes lie in frames, and what is summed there.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Height and width of the plane that is framed.
    source: [usize; 2],
    /// Where its first element lies.
    origin: [usize; 2],
    /// The distance between its rows, and between its columns.
    spread: [usize; 2],
    /// Elements of a row of the frame.
    pitch: usize,
    /// Elements of the frame.
    pub len: usize,
    /// Height and width of the output.
    output: [usize; 2],
    /// How far the window moves over the frame.
    step: [usize; 2],
    /// Where each tap of the window lies for the first output.
    offsets: Vec<usize>,
}

impl Frame {
    /// For the convolution itself and the gradient of its weight; `None` where planes are not independent, or strides are large.
    pub fn forward(geometry: &ConvGeometry) -> Option<Self> {
        let window = &geometry.window;
        Self::is_for(geometry).then(|| {
            let frame = Self {
                source: window.input,
                origin: window.padding,
                spread: [1, 1],
                pitch: 0,
                len: 0,
                output: window.output(),
                step: window.stride,
                offsets: Vec::new(),
            };
            frame.laid_out(geometry)
        })
    }

    /// For the gradient of the input; also `None` where the padding is so large that a tap sees nothing else.
    pub fn backward(geometry: &ConvGeometry) -> Option<Self> {
        let window = &geometry.window;
        let reach = reach(geometry);
        let fits = [0, 1].iter().all(|&d| window.padding[d] <= reach[d]);
        (fits && Self::is_for(geometry)).then(|| {
            let frame = Self {
                source: window.output(),
                origin: [0, 1].map(|d| reach[d] - window.padding[d]),
                spread: window.stride,
                pitch: 0,
                len: 0,
                output: window.input,
                step: [1, 1],
                offsets: Vec::new(),
            };
            let mut frame = frame.laid_out(geometry);
            // The window is turned round.
            frame.offsets.reverse();
            frame
        })
    }

    fn is_for(geometry: &ConvGeometry) -> bool {
        let (groups, stride) = (geometry.groups, geometry.window.stride);
        let alone = groups > 1 && groups == geometry.in_channels && groups == geometry.out_channels;
        // What is framed should not be mostly frame.
        let dense = (0..2).all(|d| reach(geometry)[d] + geometry.window.padding[d] <= 2 * geometry.window.input[d] + 8);
        alone && dense && stride[0].max(stride[1]) <= LARGEST_STRIDE
    }

    /// With rows as long, and as many of them, as the taps and the plane reach.
    fn laid_out(mut self, geometry: &ConvGeometry) -> Self {
        let reach = reach(geometry);
        let held = [0, 1].map(|d| self.origin[d] + (self.source[d] - 1) * self.spread[d] + 1);
        let rows = (self.output[0].next_multiple_of(ROWS) - 1) * self.step[0] + reach[0] + 1;
        self.pitch = held[1].max((self.output[1] - 1) * self.step[1] + reach[1] + 1);
        self.len = held[0].max(rows) * self.pitch + 2 * SLACK + reach[1];
        let ([kh, kw], [dh, dw]) = (geometry.window.kernel, geometry.window.dilation);
        self.offsets = (0..kh * kw).map(|tap| tap / kw * dh * self.pitch + tap % kw * dw).collect();
        self
    }

    /// Elements of a plane that is framed, and of one that comes out.
    pub fn planes(&self) -> [usize; 2] {
        [self.source, self.output].map(|[height, width]| height * width)
    }

    /// Taps of the window.
    pub fn taps(&self) -> usize {
        self.offsets.len()
    }

    /// Columns of the frame from the first output's to the last's.
    fn span(&self) -> usize {
        (self.output[1] - 1) * self.step[1] + 1
    }

    /// Elements of a row of gradients that are laid out beside the frame's columns: whole vectors.
    fn gradient_pitch(&self) -> usize {
        self.span().next_multiple_of(SLACK)
    }

    /// What [`Gradient`] needs of memory beside the frame, zeroed: the plane of gradients, and a vector for each tap.
    pub fn gradient_len(&self) -> [usize; 2] {
        let taps = self.offsets.len().next_multiple_of(TAPS);
        [self.output[0] * self.gradient_pitch(), taps * SLACK]
    }

    /// Copies a plane into its frame, whose other elements are zero.
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, plane: &[f32], frame: &mut [f32]) {
        let [_, width] = self.source;
        for (r, row) in plane.chunks_exact(width).enumerate() {
            let start = (self.origin[0] + r * self.spread[0]) * self.pitch + self.origin[1];
            if self.spread[1] == 1 {
                copy_row(simd, row, &mut frame[start..]);
            } else {
                frame[start..].iter_mut().step_by(self.spread[1]).zip(row).for_each(|(out, x)| *out = *x);
            }
        }
    }
}

/// The distance between the first tap of the window and the last.
fn reach(geometry: &ConvGeometry) -> [usize; 2] {
    [0, 1].map(|d| geometry.window.dilation[d] * (geometry.window.kernel[d] - 1))
}

/// Copies a row by whole vectors, the last filled up with zeros: they fall on what is zero anyway, or is written next.
#[inline(always)]
fn copy_row<S: Simd>(simd: S, row: &[f32], out: &mut [f32]) {
    let (full, part) = S::as_simd_f32s(row);
    let (out, _) = S::as_mut_simd_f32s(out);
    for (x, out) in full.iter().zip(&mut *out) {
        *out = *x;
    }
    if let (false, Some(out)) = (part.is_empty(), out.get_mut(full.len())) {
        *out = simd.partial_load_f32s(part);
    }
}

/// `out = correlation of the plane with the weights`: one plane of a convolution, or of the gradient of its input.
pub(crate) struct Correlate<'a> {
    /// How the plane lies.
    pub frame: &'a Frame,
    /// The plane.
    pub plane: &'a [f32],
    /// A weight for each tap.
    pub weights: &'a [f32],
    /// Memory of the frame's length, zero but for what an earlier plane left.
    pub memory: &'a mut [f32],
    /// The output's plane.
    pub out: &'a mut [f32],
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { frame, plane, weights, memory, out } = self;
        frame.fill(simd, plane, memory);
        let row_step = frame.step[0] * frame.pitch;
        for first in (0..frame.output[0]).step_by(ROWS) {
            for column in (0..frame.span()).step_by(S::F32_LANES) {
                let mut sums = [simd.splat_f32s(0.0); ROWS];
                for (&offset, &weight) in frame.offsets.iter().zip(weights) {
                    let weight = simd.splat_f32s(weight);
                    let start = first * row_step + column + offset;
                    let Some(rows) = memory.get(start..start + (ROWS - 1) * row_step + S::F32_LANES) else { break };
                    for (r, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: `rows` ends with the last row's vector.
                        let x = unsafe { load::<S>(rows, r * row_step) };
                        *sum = simd.mul_add_e_f32s(weight, x, *sum);
                    }
                }
                let rows = out[first * frame.output[1]..].chunks_exact_mut(frame.output[1]);
                for (row, sum) in rows.zip(sums) {
                    store(simd, frame.step[1], column, row, sum);
                }
            }
        }
    }
}

/// The vector at `at`: a check of each would push the sums out of the registers.
///
/// # Safety
/// `row` must hold a whole vector from there on.
#[inline(always)]
unsafe fn load<S: Simd>(row: &[f32], at: usize) -> S::f32s {
    // SAFETY: the caller's promise; a vector type of the SIMD library is as little aligned as its elements.
    unsafe { *S::as_simd_f32s(row.get_unchecked(at..at + S::F32_LANES)).0.get_unchecked(0) }
}

/// Stores the sums of the columns from `column` on: those that are multiples of `step`.
#[inline(always)]
fn store<S: Simd>(simd: S, step: usize, column: usize, row: &mut [f32], sums: S::f32s) {
    if step == 1 {
        match S::as_mut_simd_f32s(&mut row[column..]) {
            ([first, ..], _) => *first = sums,
            (_, part) => simd.partial_store_f32s(part, sums),
        }
        return;
    }
    let first = column.div_ceil(step);
    let sums: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&sums));
    row[first..].iter_mut().zip(sums[first * step - column..].iter().step_by(step)).for_each(|(out, sum)| *out = *sum);
}

/// `out[tap] = Σ gradient · what lies under the tap`, over planes of several samples: the gradient of one channel's weights.
pub(crate) struct Gradient<'a, P> {
    /// How the input's planes lie.
    pub frame: &'a Frame,
    /// The planes of input and gradient, sample by sample.
    pub planes: P,
    /// Memory of the frame's length, zero but for what an earlier plane left.
    pub memory: &'a mut [f32],
    /// Memory as [`Frame::gradient_len`] says, the first zero but for what an earlier plane left.
    pub gradients: [&'a mut [f32]; 2],
    /// A sum for each tap.
    pub out: &'a mut [f32],
}

impl<'p, P: Iterator<Item = (&'p [f32], &'p [f32])>> WithSimd for Gradient<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { frame, planes, memory, gradients: [gradient, sums], out } = self;
        let pitch = frame.gradient_pitch();
        let (sums, _) = S::as_mut_simd_f32s(sums);
        sums.fill(simd.splat_f32s(0.0));
        for (x, g) in planes {
            frame.fill(simd, x, memory);
            for (row, out) in g.chunks_exact(frame.output[1]).zip(gradient.chunks_exact_mut(pitch)) {
                match frame.step[1] {
                    1 => copy_row(simd, row, out),
                    step => out.iter_mut().step_by(step).zip(row).for_each(|(out, g)| *out = *g),
                }
            }
            for (offsets, sums) in frame.offsets.chunks(TAPS).zip(sums.chunks_exact_mut(TAPS)) {
                accumulate(simd, frame, gradient, memory, offsets, sums);
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = simd.reduce_sum_f32s(*sum);
        }
    }
}

/// Adds one plane's products to the sums of up to [`TAPS`] taps.
#[inline(always)]
fn accumulate<S: Simd>(
    simd: S,
    frame: &Frame,
    gradient: &[f32],
    memory: &[f32],
    offsets: &[usize],
    sums: &mut [S::f32s],
) {
    let Some(sums) = sums.first_chunk_mut::<TAPS>() else { return };
    // Taps that there are not repeat the first, into sums that nobody reads.
    let mut places = [offsets[0]; TAPS];
    places[..offsets.len()].copy_from_slice(offsets);
    let (pitch, row_step) = (frame.gradient_pitch(), frame.step[0] * frame.pitch);
    let vectors = frame.span().div_ceil(S::F32_LANES);
    let furthest = places.iter().copied().max().unwrap_or(0);
    let mut kept = *sums;
    for (i, row) in gradient.chunks_exact(pitch).enumerate() {
        for (v, g) in S::as_simd_f32s(row).0[..vectors].iter().enumerate() {
            let start = i * row_step + v * S::F32_LANES;
            let Some(taps) = memory.get(start..start + furthest + S::F32_LANES) else { break };
            for t in 0..TAPS {
                // SAFETY: `taps` ends with the furthest tap's vector.
                let x = unsafe { load::<S>(taps, places[t]) };
                kept[t] = simd.mul_add_e_f32s(*g, x, kept[t]);
            }
        }
    }
    *sums = kept;
}
