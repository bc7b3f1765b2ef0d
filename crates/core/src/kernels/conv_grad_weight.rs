//! A convolution's gradient with respect to its weight, in partial sums: reads `x [N, C, h, w]`, `gy [N, O, oh, ow]`; writes
//! `partial [⌈N/chunk⌉, O, C/groups, kh, kw]`, which a reduce adds up in order.

use super::ConvGeometry;
use super::shader::{Shader, Target, conv_params, lanes, unpack};
use super::tiling::{Cost, TYPICAL_SAMPLES, cheapest, edges};
use crate::plan::Flops;
use crate::shape::Extent;
use convoke_shaders::conv_grad_weight as template;

/// `partial[p, o, c, a, b] = Σ_{n in chunk p, i, j} gy[n, o, i, j] · x[n, c, i·stride − pad + a·dilation, …]`.
///
/// Chunks are fixed numbers of samples, so that the order of summation depends on nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvGradWeight {
    /// Channels and window of the forward convolution.
    pub geometry: ConvGeometry,
    /// Samples in a chunk; the last chunk may hold fewer.
    pub chunk: usize,
}

impl ConvGradWeight {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops { per_sample: self.geometry.flops(), per_run: 0 }
    }
}

/// The shader.
impl ConvGradWeight {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let (geometry, window) = (&self.geometry, &self.geometry.window);
        let taps = window.taps();
        let [tile_o, tile_c, tile_w] = self.tile(target, taps);
        let workgroup = target.tile_workgroup();
        let params = conv_params!(template, geometry, {
            workgroup: workgroup as u32,
            chunk: self.chunk as u32,
            tile_o: tile_o as u32,
            tile_c: tile_c as u32,
            tile_w: tile_w as u32,
            taps: taps as u32,
        });
        let source = params.fill(&[
            ("x", &unpack("X", "f32", window.input_lanes(tile_w, taps))),
            ("gy", &unpack("G", "f32", self.gradient_lanes(tile_w))),
        ]);
        let threads = self.threads(tile_o, tile_c, taps);
        Shader::new(source, [2, 1, 0]).over(workgroup, [(Extent::Chunks { samples: self.chunk, times: threads }, 1)])
    }

    fn gradient_lanes(&self, tile_w: usize) -> usize {
        lanes(&[self.geometry.window.output()[1], tile_w])
    }

    /// Threads for each chunk.
    fn threads(&self, tile_o: usize, tile_c: usize, taps: usize) -> usize {
        let (geometry, [kh, kw]) = (&self.geometry, self.geometry.window.kernel);
        let tiles = geometry.group_out().div_ceil(tile_o) * geometry.group_in().div_ceil(tile_c);
        geometry.groups * tiles * kh * (kw / taps)
    }

    /// Output channels, input channels, and output columns at a time of a thread.
    fn tile(&self, target: Target, taps: usize) -> [usize; 3] {
        let (geometry, window) = (&self.geometry, &self.geometry.window);
        let ow = window.output()[1];
        let mut candidates = edges([geometry.group_out().min(16), geometry.group_in().min(16), ow.min(32)]);
        candidates.retain(|&[.., w]| window.input_fits(w, taps));
        cheapest(target, &candidates, |[o, c, w]| {
            let (x_lanes, g_lanes) = (window.input_lanes(w, taps), self.gradient_lanes(w));
            let threads = TYPICAL_SAMPLES.div_ceil(self.chunk) * self.threads(o, c, taps);
            let turns = self.chunk * window.output()[0] * ow.div_ceil(w);
            Cost { sums: o * c * taps, products: o * c * taps * w, threads, turns, ..Cost::default() }
                .load(c * window.input_loads(w, taps, x_lanes), x_lanes)
                .load(o * w / g_lanes, g_lanes)
        })
    }
}
