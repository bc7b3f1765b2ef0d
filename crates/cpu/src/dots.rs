//! The register tile of gradients with respect to weights, and of linear layers: inner products of contiguous rows. With
//! AVX-512 a step is 24 multiply-adds on 10 loads.

use pulp::{Simd, WithSimd};

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
        // The longer side is gone through once; a tile's part of it stays in the first-level cache meanwhile.
        let (rows, columns) = (self.a.offsets.len(), self.b.offsets.len());
        if columns > rows {
            for j in (0..columns).step_by(B) {
                (0..rows).step_by(A).for_each(|i| self.tile::<S, A, B>(simd, i, j));
            }
        } else {
            for i in (0..rows).step_by(A) {
                (0..columns).step_by(B).for_each(|j| self.tile::<S, A, B>(simd, i, j));
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
