//! Convolution: reads `x [N, C, h, w]`, `weight [O, C/groups, kh, kw]`, then the epilogue's operands; writes `y [N, O, oh, ow]`.

use super::ConvGeometry;
use super::shader::{Shader, Target, conv_params, epilogue, lanes, unpack};
use super::tiling::{Cost, TYPICAL_SAMPLES, cheapest, edges};
use crate::expr::Broadcast;
use crate::expr::Epilogue;
use crate::plan::Flops;
use crate::shape::Extent;
use convoke_shaders::conv as template;

/// `y[n, o, i, j] = epilogue(Σ_{c, a, b} x[n, c, i·stride − pad + a·dilation, …] · weight[o, c, a, b])`: a cross-correlation, as in PyTorch.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Channels and window.
    pub geometry: ConvGeometry,
    /// What is computed on each sum before it is stored.
    pub epilogue: Epilogue,
}

impl Conv {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops { per_sample: self.geometry.flops(), per_run: 0 }
            + Flops::of(self.epilogue.expr.flops(), &[Extent::Batch(self.geometry.output_len())])
    }
}

/// The shader.
impl Conv {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let geometry = &self.geometry;
        let [oh, ow] = geometry.window.output();
        let taps = geometry.window.taps();
        let [tile_o, tile_h, tile_w] = self.tile(target, taps);
        let workgroup = target.tile_workgroup();
        let params = conv_params!(template, geometry, {
            workgroup: workgroup as u32,
            tile_o: tile_o as u32,
            tile_h: tile_h as u32,
            tile_w: tile_w as u32,
            taps: taps as u32,
        });
        let channel = Broadcast::Channel { channels: geometry.out_channels, inner: oh * ow };
        let source = params.fill(&[
            ("x", &unpack("X", "f32", geometry.window.input_lanes(tile_w, taps))),
            ("epilogue", &epilogue(&self.epilogue, 4, lanes(&[ow, tile_w]), channel)),
        ]);
        let tiles = geometry.groups * geometry.group_out().div_ceil(tile_o) * oh.div_ceil(tile_h) * ow.div_ceil(tile_w);
        Shader::new(source, [2, 1, self.epilogue.operands.len()]).over(workgroup, [(Extent::Batch(tiles), 1)])
    }

    /// Output channels, rows and columns that a thread computes.
    fn tile(&self, target: Target, taps: usize) -> [usize; 3] {
        let (geometry, window) = (&self.geometry, &self.geometry.window);
        let [oh, ow] = window.output();
        let mut candidates = edges([geometry.group_out().min(16), oh.min(2), ow.min(32)]);
        candidates.retain(|&[.., w]| window.input_fits(w, taps));
        cheapest(target, &candidates, |[o, h, w]| {
            let lanes = window.input_lanes(w, taps);
            let tiles = geometry.groups * geometry.group_out().div_ceil(o) * oh.div_ceil(h) * ow.div_ceil(w);
            let threads = TYPICAL_SAMPLES * tiles;
            let turns = geometry.group_in() * window.kernel_len() / taps;
            Cost { sums: o * h * w, products: o * h * w * taps, threads, turns, ..Cost::default() }
                .load(h * window.input_loads(w, taps, lanes), lanes)
                .load(o * taps, 1)
        })
    }
}
