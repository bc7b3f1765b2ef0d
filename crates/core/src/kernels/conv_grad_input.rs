//! A convolution's gradient with respect to its input: reads `gy [N, O, oh, ow]`, `weight`, then the epilogue's operands; writes `gx [N, C, h, w]`.

use super::ConvGeometry;
use super::geometry::gcd;
use super::shader::{Shader, Target, conv_params, epilogue, lanes, unpack};
use super::tiling::{Cost, TYPICAL_SAMPLES, cheapest, edges};
use crate::expr::Broadcast;
use crate::expr::Epilogue;
use crate::plan::Flops;
use crate::shape::Extent;
use convoke_shaders::conv_grad_input as template;

/// `gx[n, c, r, s] = epilogue(Σ gy[n, o, i, j] · weight[o, c, a, b])` over all `(o, i, j, a, b)` whose tap lies on `(c, r, s)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvGradInput {
    /// Channels and window of the forward convolution.
    pub geometry: ConvGeometry,
    /// What is computed on each sum before it is stored.
    pub epilogue: Epilogue,
}

impl ConvGradInput {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops { per_sample: self.geometry.flops(), per_run: 0 }
            + Flops::of(self.epilogue.expr.flops(), &[Extent::Batch(self.geometry.input_len())])
    }
}

/// The widest window whose columns are written out.
const MAX_KERNEL: usize = 16;

/// The shader.
impl ConvGradInput {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let (geometry, window) = (&self.geometry, &self.geometry.window);
        let [h, w] = window.input;
        let [tile_c, tile_h, tile_w] = self.tile(target);
        let written_out = self.writes_out(tile_w);
        let (first, span) = if written_out { window.gradient_span(tile_w) } else { (0, 1) };
        let step = |d: usize| (window.stride[d] / gcd(window.stride[d], window.dilation[d])) as u32;
        let workgroup = target.tile_workgroup();
        let params = conv_params!(template, geometry, {
            workgroup: workgroup as u32,
            tile_c: tile_c as u32,
            tile_h: tile_h as u32,
            tile_w: tile_w as u32,
            step_a: step(0),
            step_b: step(1),
            first: first,
            span: span as u32,
            written_out: written_out,
        });
        let channel = Broadcast::Channel { channels: geometry.in_channels, inner: h * w };
        let gy = unpack("G", "f32", if written_out { window.gradient_lanes(tile_w) } else { 1 });
        let epilogue = epilogue(&self.epilogue, 4, lanes(&[w, tile_w]), channel);
        let mut slots = vec![("gy", gy.as_str()), ("epilogue", epilogue.as_str())];
        if !written_out {
            slots.extend([("taps", ""), ("products", "")]);
        }
        let rows = window.stride[0] * h.div_ceil(window.stride[0]).div_ceil(tile_h);
        let tiles = geometry.groups * geometry.group_in().div_ceil(tile_c) * rows * w.div_ceil(tile_w);
        Shader::new(params.fill(&slots), [2, 1, self.epilogue.operands.len()])
            .over(workgroup, [(Extent::Batch(tiles), 1)])
    }

    fn writes_out(&self, tile_w: usize) -> bool {
        self.geometry.window.kernel[1] <= MAX_KERNEL && self.geometry.window.writes_out(tile_w)
    }

    /// Input channels, rows and columns that a thread computes.
    fn tile(&self, target: Target) -> [usize; 3] {
        let (geometry, window) = (&self.geometry, &self.geometry.window);
        let [height, width] = window.input;
        let rows = height.div_ceil(window.stride[0]);
        let mut candidates = edges([geometry.group_in().min(16), rows.min(2), width.min(32)]);
        candidates.retain(|&[_, h, w]| (h == 1 && w == 1) || self.writes_out(w));
        let meets = |d: usize| window.kernel[d].div_ceil(window.stride[d] / gcd(window.stride[d], window.dilation[d]));
        let turns = geometry.group_out() * meets(0);
        cheapest(target, &candidates, |[c, h, w]| {
            let tiles = geometry.groups * geometry.group_in().div_ceil(c) * rows.div_ceil(h) * width.div_ceil(w);
            let threads = TYPICAL_SAMPLES * window.stride[0] * tiles;
            let mut cost = Cost { sums: c * h * w, threads, turns, ..Cost::default() };
            if self.writes_out(w) {
                let (lanes, (_, span)) = (window.gradient_lanes(w), window.gradient_span(w));
                cost.products = c * h * (w * window.kernel[1]).div_ceil(window.stride[1]);
                cost.load(h * (span + lanes - 1).div_ceil(lanes), lanes).load(c * window.kernel[1], 1)
            } else {
                cost.products = c;
                cost.turns *= meets(1);
                cost.load(1 + c, 1)
            }
        })
    }
}
