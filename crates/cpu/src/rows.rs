//! The register tile of convolutions: an outer product that broadcasts weights over contiguous rows.
//!
//! Like [`Dots`](crate::dots::Dots) it keeps its sums in registers over the whole length of the sum, as many as the
//! processor has room for: with AVX-512 24 vectors, so that a step of the sum is 24 multiply-adds on 11 loads, and the two
//! multiply-add units, not the loads, set the pace.

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

/// Output rows that one register tile of [`Rows`] holds, where there are `rows` in all.
pub(crate) fn panel_rows(arch: Arch, rows: usize) -> usize {
    struct Ask;
    impl WithSimd for Ask {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            rows_of::<S>()
        }
    }
    if rows == 1 { 1 } else { arch.dispatch(Ask) }
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

/// Vectors in each row of a full register tile of [`Rows`], and where there is one row.
const WIDE: usize = 3;
const WIDE_ROW: usize = 6;

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
        if self.out.len() == 1 {
            // As in a convolution of as many groups as channels.
            self.run::<S, 1, WIDE_ROW>(simd);
        } else if const { rows_of::<S>() == 8 } {
            self.run::<S, 8, WIDE>(simd);
        } else {
            self.run::<S, 4, WIDE>(simd);
        }
    }
}

impl Rows<'_, '_> {
    /// Weights that stay in the first-level cache beside the source, in floats.
    const RESIDENT: usize = 6 << 10;

    #[inline(always)]
    fn run<S: Simd, const R: usize, const V: usize>(mut self, simd: S) {
        let panels = self.out.len().div_ceil(R);
        if self.panels.len() <= Self::RESIDENT {
            self.panels::<S, R, V>(simd, 0, panels);
        } else {
            for panel in 0..panels {
                self.panels::<S, R, V>(simd, panel, panel + 1);
            }
        }
    }

    /// All columns of the panels from `first` to before `last`.
    #[inline(always)]
    fn panels<S: Simd, const R: usize, const V: usize>(&mut self, simd: S, first: usize, last: usize) {
        let (narrow, wide) = (S::F32_LANES, V * S::F32_LANES);
        let len = self.out.first().map_or(0, |row| row.len());
        let mut p = 0;
        while p < len {
            // The last tile is moved back over what is done already rather than cut: the same bits are stored twice.
            let is_wide = len - p > wide - narrow && len >= wide;
            let width = if is_wide { wide } else { narrow };
            let at = p.min(len.saturating_sub(width));
            for panel in first..last {
                if is_wide {
                    self.tile::<S, R, V>(simd, panel, at);
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
        for (r, sums) in sums.into_iter().enumerate().take(self.out.len() - first) {
            self.store(simd, first + r, at, sums);
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
