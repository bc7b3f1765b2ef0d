//! Matrix product: reads `a`, `b`, then the epilogue's operands; writes `c [m, n]`.

use super::shader::{self, Shader, Target, epilogue, factor, lanes, unpack};
use super::tiling::{Cost, TYPICAL_SAMPLES, cheapest, edges};
use crate::expr::Broadcast;
use crate::expr::Epilogue;
use crate::plan::Flops;
use crate::shape::Extent;
use convoke_shaders::gemm as template;

/// `c[i, j] = epilogue(Σ_k a[i, k] · b[k, j])`, all row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Gemm {
    /// Rows of `c`.
    pub m: Extent,
    /// Columns of `c`.
    pub n: Extent,
    /// The length of the sum.
    pub k: Extent,
    /// `a` lies as `[k, m]` instead of `[m, k]`.
    pub transpose_a: bool,
    /// `b` lies as `[n, k]` instead of `[k, n]`.
    pub transpose_b: bool,
    /// What is computed on each sum before it is stored.
    pub epilogue: Epilogue,
}

impl Gemm {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(2, &[self.m, self.n, self.k]) + Flops::of(self.epilogue.expr.flops(), &[self.m, self.n])
    }
}

/// The shader.
impl Gemm {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let [tile_m, tile_n, _] = self.tile(target);
        let step_k = self.step();
        let workgroup = target.tile_workgroup();
        let params = template::Params {
            workgroup: workgroup as u32,
            transpose_a: self.transpose_a,
            transpose_b: self.transpose_b,
            tile_m: tile_m as u32,
            tile_n: tile_n as u32,
            step_k: step_k as u32,
        };
        let length =
            |name: &str, length: Extent| format!("fn {name}() -> u32 {{ return {}; }}\n", shader::extent(length));
        let extents = length("rows", self.m) + &length("columns", self.n) + &length("terms", self.k);
        let (a_lanes, b_lanes) = self.operand_lanes(tile_m, tile_n);
        let c_lanes = lanes(&[factor(self.n), tile_n]);
        let channel = Broadcast::Channel { channels: factor(self.n), inner: 1 };
        let source = params.fill(&[
            ("extents", &extents),
            ("a", &unpack("A", "f32", a_lanes)),
            ("b", &unpack("B", "f32", b_lanes)),
            ("epilogue", &epilogue(&self.epilogue, 4, c_lanes, channel)),
        ]);
        Shader::new(source, [2, 1, self.epilogue.operands.len()]).over(workgroup, [(self.m, tile_m), (self.n, tile_n)])
    }

    /// Terms of the sums that are loaded at a time: four where an operand's vectors lie along the sum.
    fn step(&self) -> usize {
        if self.transpose_a && !self.transpose_b { 1 } else { lanes(&[factor(self.k)]) }
    }

    fn operand_lanes(&self, tile_m: usize, tile_n: usize) -> (usize, usize) {
        let step = self.step();
        let a = if self.transpose_a { lanes(&[factor(self.m), tile_m]) } else { step };
        let b = if self.transpose_b { step } else { lanes(&[factor(self.n), tile_n]) };
        (a, b)
    }

    /// Rows and columns that a thread computes.
    fn tile(&self, target: Target) -> [usize; 3] {
        let [m, n, k] = [self.m, self.n, self.k].map(|l| l.at(TYPICAL_SAMPLES));
        cheapest(target, &edges([m.min(16), n.min(16), 1]), |[tile_m, tile_n, _]| {
            let step = self.step();
            let (a, b) = self.operand_lanes(tile_m, tile_n);
            let products = tile_m * tile_n * step;
            let threads = m.div_ceil(tile_m) * n.div_ceil(tile_n);
            Cost { sums: tile_m * tile_n, products, threads, turns: k / step, ..Cost::default() }
                .load(tile_m * step / a, a)
                .load(tile_n * step / b, b)
        })
    }
}
