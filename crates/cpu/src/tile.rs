//! The two register tiles that nearly all arithmetic runs through: [`Rows`], an outer product that broadcasts weights over
//! contiguous rows, and [`Dots`], inner products of contiguous rows.
//!
//! Each keeps its sums in registers over the whole length of the sum, as many as the processor has room for: with AVX-512
//! 24 vectors, so that a step of the sum is 24 multiply-adds on 11 (`Rows`) or 10 (`Dots`) loads, and the two multiply-add
//! units, not the loads, set the pace.

use pulp::{Arch, Simd, WithSimd};

/// What is computed on a sum before it is stored.
#[derive(Clone, Copy)]
pub(crate) enum Finish<'a> {
    /// Nothing.
    Store,
    /// `sum + bias[row]`
    Bias(&'a [f32]),
    /// `relu(sum + bias[row])`
    BiasRelu(&'a [f32]),
    /// `sum where mask > 0`. Rows of the mask are `pitch` apart.
    WherePositive {
        /// The mask.
        mask: &'a [f32],
        /// The distance between two of its rows.
        pitch: usize,
    },
}

impl<'a> Finish<'a> {
    /// The same for the rows from `row` on and the columns from `column` on.
    pub fn from(self, row: usize, column: usize) -> Self {
        match self {
            Self::Store => Self::Store,
            Self::Bias(bias) => Self::Bias(&bias[row..]),
            Self::BiasRelu(bias) => Self::BiasRelu(&bias[row..]),
            Self::WherePositive { mask, pitch } => Self::WherePositive { mask: &mask[row * pitch + column..], pitch },
        }
    }
}

/// Output rows that one register tile of [`Rows`] holds.
pub(crate) fn panel_rows(arch: Arch) -> usize {
    struct Ask;
    impl WithSimd for Ask {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            rows_of::<S>()
        }
    }
    arch.dispatch(Ask)
}

/// Floats in a vector.
pub(crate) fn lanes(arch: Arch) -> usize {
    struct Ask;
    impl WithSimd for Ask {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Ask)
}

const fn rows_of<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 8 } else { 4 }
}

/// Vectors in each row of a full register tile of [`Rows`].
const WIDE: usize = 3;

/// Packs a matrix for [`Rows`]: panels of [`panel_rows`] rows, each laid out `[depth][panel_rows]`, the last padded with
/// zero rows. `get(row, k)` is the element.
pub(crate) fn pack_panels(out: &mut [f32], panel: usize, rows: usize, depth: usize, get: impl Fn(usize, usize) -> f32) {
    for (p, out) in out.chunks_exact_mut(panel * depth).enumerate() {
        let valid = panel.min(rows - p * panel);
        for (k, out) in out.chunks_exact_mut(panel).enumerate() {
            for (r, out) in out.iter_mut().enumerate() {
                *out = if r < valid { get(p * panel + r, k) } else { 0.0 };
            }
        }
    }
}

/// `out[r][p] = finish(Σ_k panels[r, k] · source[offsets[k] + p])`.
pub(crate) struct Rows<'a, 'o> {
    /// From [`pack_panels`].
    pub panels: &'a [f32],
    /// Where in `source` each step of the sum begins.
    pub offsets: &'a [usize],
    /// What the rows are combined from. Readable for at least a vector from each offset.
    pub source: &'a [f32],
    /// The output's rows, all of one length.
    pub out: &'a mut [&'o mut [f32]],
    /// What is computed on each sum.
    pub finish: Finish<'a>,
}

impl WithSimd for Rows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if const { rows_of::<S>() == 8 } { self.run::<S, 8>(simd) } else { self.run::<S, 4>(simd) }
    }
}

impl Rows<'_, '_> {
    /// Weights that stay in the first-level cache beside the source, in floats.
    const RESIDENT: usize = 6 << 10;

    #[inline(always)]
    fn run<S: Simd, const R: usize>(mut self, simd: S) {
        let panels = self.out.len().div_ceil(R);
        if self.panels.len() <= Self::RESIDENT {
            self.panels::<S, R>(simd, 0, panels);
        } else {
            for panel in 0..panels {
                self.panels::<S, R>(simd, panel, panel + 1);
            }
        }
    }

    /// All columns of the panels from `first` to before `last`.
    #[inline(always)]
    fn panels<S: Simd, const R: usize>(&mut self, simd: S, first: usize, last: usize) {
        let (narrow, wide) = (S::F32_LANES, WIDE * S::F32_LANES);
        let len = self.out.first().map_or(0, |row| row.len());
        let mut p = 0;
        while p < len {
            // The last tile is moved back over what is done already rather than cut: the same bits are stored twice.
            let is_wide = len - p > 2 * narrow && len >= wide;
            let width = if is_wide { wide } else { narrow };
            let at = p.min(len.saturating_sub(width));
            for panel in first..last {
                if is_wide {
                    self.tile::<S, R, WIDE>(simd, panel, at);
                } else {
                    self.tile::<S, R, 1>(simd, panel, at);
                }
            }
            p = at + width;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(&mut self, simd: S, panel: usize, at: usize) {
        let depth = self.offsets.len();
        let (weights, _) = self.panels[panel * R * depth..][..R * depth].as_chunks::<R>();
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        for (weights, &offset) in weights.iter().zip(self.offsets) {
            let Some(source) = self.source.get(offset + at..offset + at + V * S::F32_LANES) else { break };
            let (source, _) = S::as_simd_f32s(source);
            for r in 0..R {
                let weight = simd.splat_f32s(weights[r]);
                for v in 0..V {
                    sums[r][v] = simd.mul_add_e_f32s(weight, source[v], sums[r][v]);
                }
            }
        }
        let first = panel * R;
        for r in 0..R.min(self.out.len() - first) {
            self.store(simd, first + r, at, sums[r]);
        }
    }

    #[inline(always)]
    fn store<S: Simd, const V: usize>(&mut self, simd: S, row: usize, at: usize, mut sums: [S::f32s; V]) {
        let zero = simd.splat_f32s(0.0);
        let count = self.out[row].len().min(V * S::F32_LANES);
        match self.finish {
            Finish::Store => {}
            Finish::Bias(bias) => {
                let bias = simd.splat_f32s(bias[row]);
                for sum in &mut sums {
                    *sum = simd.add_f32s(*sum, bias);
                }
            }
            Finish::BiasRelu(bias) => {
                let bias = simd.splat_f32s(bias[row]);
                for sum in &mut sums {
                    *sum = simd.add_f32s(*sum, bias);
                    *sum = simd.select_f32s(simd.less_than_f32s(*sum, zero), zero, *sum);
                }
            }
            Finish::WherePositive { mask, pitch } => {
                let mask = &mask[row * pitch + at..][..count];
                let (full, part) = S::as_simd_f32s(mask);
                for (v, sum) in sums.iter_mut().enumerate() {
                    let mask = if v < full.len() { full[v] } else { simd.partial_load_f32s(part) };
                    *sum = simd.select_f32s(simd.less_than_f32s(zero, mask), *sum, zero);
                }
            }
        }
        let (full, part) = S::as_mut_simd_f32s(&mut self.out[row][at..][..count]);
        for (v, sum) in sums.into_iter().enumerate() {
            if v < full.len() {
                full[v] = sum;
            } else {
                simd.partial_store_f32s(part, sum);
            }
        }
    }
}

/// One operand of [`Dots`]: rows of a common length within a slice.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    /// The memory.
    pub data: &'a [f32],
    /// Where each row begins.
    pub offsets: &'a [usize],
    /// The distance from a row of one member to that of the next.
    pub pitch: usize,
}

impl<'a> Operand<'a> {
    /// Rows `first` to before `first + COUNT`, all members of each; beyond the last row, the last again.
    #[inline(always)]
    fn rows<const COUNT: usize>(&self, first: usize, members: usize, len: usize) -> [&'a [f32]; COUNT] {
        let mut rows = [&self.data[..0]; COUNT];
        for (r, row) in rows.iter_mut().enumerate() {
            let start = self.offsets[(first + r).min(self.offsets.len() - 1)];
            *row = &self.data[start..][..members.saturating_sub(1) * self.pitch + len];
        }
        rows
    }
}

/// `out[i][j] += Σ_{m < members, p < len} a[i, m, p] · b[j, m, p]`, where row `i` of member `m` begins at
/// `offsets[i] + m · pitch` of its operand.
pub(crate) struct Dots<'a, 'o> {
    /// Rows of the output.
    pub a: Operand<'a>,
    /// Columns of the output.
    pub b: Operand<'a>,
    /// Pieces that each sum consists of.
    pub members: usize,
    /// The length of each piece.
    pub len: usize,
    /// The output's rows.
    pub out: &'a mut [&'o mut [f32]],
}

impl WithSimd for Dots<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if const { S::REGISTER_COUNT >= 32 } { self.run::<S, 4, 6>(simd) } else { self.run::<S, 3, 4>(simd) }
    }
}

impl Dots<'_, '_> {
    #[inline(always)]
    fn run<S: Simd, const A: usize, const B: usize>(mut self, simd: S) {
        for i in (0..self.a.offsets.len()).step_by(A) {
            for j in (0..self.b.offsets.len()).step_by(B) {
                self.tile::<S, A, B>(simd, i, j);
            }
        }
    }

    /// A tile beyond the edge repeats the last row or column, and stores it once.
    #[inline(always)]
    fn tile<S: Simd, const A: usize, const B: usize>(&mut self, simd: S, i: usize, j: usize) {
        let a: [&[f32]; A] = self.a.rows(i, self.members, self.len);
        let b: [&[f32]; B] = self.b.rows(j, self.members, self.len);
        if self.len < S::F32_LANES {
            self.short_tile(&a, &b, [i, j]);
            return;
        }
        let whole = self.len - self.len % S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); B]; A];
        for m in 0..self.members {
            let (a_start, b_start) = (m * self.a.pitch, m * self.b.pitch);
            for p in (0..whole).step_by(S::F32_LANES) {
                // SAFETY: `p` and a vector's length together are at most `len`, and `rows` has cut each row to the last
                // member's `len`. Checks of ten slices in the innermost loop push the sums out of the registers.
                unsafe { accumulate(simd, &mut sums, (&a, a_start + p), (&b, b_start + p), None) };
            }
            if whole < self.len {
                // The last vector is moved back to end with the piece; what was added before is masked.
                let p = self.len - S::F32_LANES;
                let lanes = S::as_simd_u32s(&LANE_NUMBERS).0[0];
                let fresh = simd.less_than_u32s(simd.splat_u32s((whole - p - 1) as u32), lanes);
                // SAFETY: as above.
                unsafe { accumulate(simd, &mut sums, (&a, a_start + p), (&b, b_start + p), Some(fresh)) };
            }
        }
        for (sums, out) in sums.iter().zip(&mut self.out[i..]) {
            for (sum, out) in sums.iter().zip(&mut out[j..]) {
                *out += simd.reduce_sum_f32s(*sum);
            }
        }
    }

    /// A tile of pieces that are shorter than a vector.
    fn short_tile(&mut self, a: &[&[f32]], b: &[&[f32]], [i, j]: [usize; 2]) {
        for (a, out) in a.iter().zip(&mut self.out[i..]) {
            for (b, out) in b.iter().zip(&mut out[j..]) {
                for m in 0..self.members {
                    let a = &a[m * self.a.pitch..][..self.len];
                    let b = &b[m * self.b.pitch..][..self.len];
                    *out += a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                }
            }
        }
    }
}

/// The numbers of a vector's lanes, for vectors of up to 2,048 bits.
const LANE_NUMBERS: [u32; 64] = {
    let mut numbers = [0; 64];
    let mut i = 0;
    while i < 64 {
        numbers[i] = i as u32;
        i += 1;
    }
    numbers
};

/// Adds the products of one vector of each row; of its lanes only those in `fresh`, if it is given.
///
/// # Safety
/// Each row must hold a whole vector from its start, the second of the pair, on.
#[inline(always)]
unsafe fn accumulate<S: Simd, const A: usize, const B: usize>(
    simd: S,
    sums: &mut [[S::f32s; B]; A],
    (a, a_start): (&[&[f32]; A], usize),
    (b, b_start): (&[&[f32]; B], usize),
    fresh: Option<S::m32s>,
) {
    let zero = simd.splat_f32s(0.0);
    let mut left = [zero; A];
    for r in 0..A {
        // SAFETY: the caller's promise.
        let row = unsafe { load::<S>(a[r], a_start) };
        left[r] = match fresh {
            Some(fresh) => simd.select_f32s(fresh, row, zero),
            None => row,
        };
    }
    for c in 0..B {
        // SAFETY: the caller's promise.
        let right = unsafe { load::<S>(b[c], b_start) };
        for r in 0..A {
            sums[r][c] = simd.mul_add_e_f32s(left[r], right, sums[r][c]);
        }
    }
}

/// The vector at `at`.
///
/// # Safety
/// `row` must hold a whole vector from there on.
#[inline(always)]
unsafe fn load<S: Simd>(row: &[f32], at: usize) -> S::f32s {
    // SAFETY: the caller's promise; a vector type of the SIMD library is as little aligned as its elements.
    unsafe { *S::as_simd_f32s(row.get_unchecked(at..at + S::F32_LANES)).0.get_unchecked(0) }
}
