//! A pool's gradient: reads `gy [N, C, oh, ow]`, for a maximum then `index [N, C, oh, ow]` (u32), then the epilogue's
//! operands; writes `gx [N, C, h, w]`.

use super::shader::{Shader, Target, epilogue, lanes, unpack, window_params};
use super::tiling::{Cost, TYPICAL_SAMPLES, cheapest, edges};
use super::{PoolKind, Window};
use crate::expr::Broadcast;
use crate::expr::Epilogue;
use crate::plan::Flops;
use crate::shape::Extent;
use convoke_shaders::pool_grad as template;

/// Each input element gathers, in row-major order of the windows, from the windows that it lies in: from those whose
/// maximum it was, or an equal share of each.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolGrad {
    /// Maximum or average.
    pub kind: PoolKind,
    /// Channels.
    pub channels: usize,
    /// The forward pool's window.
    pub window: Window,
    /// What is computed on each gathered value before it is stored.
    pub epilogue: Epilogue,
}

impl PoolGrad {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        let outputs = self.channels * self.window.output_len();
        let inputs = self.channels * self.window.input_len();
        let taps = if self.kind == PoolKind::Max { 1 } else { self.window.kernel_len() as u64 };
        Flops::of(taps, &[Extent::Batch(outputs)]) + Flops::of(self.epilogue.expr.flops(), &[Extent::Batch(inputs)])
    }
}

/// The text that stands where a mean has no index to load, with the output at the binding before.
const NO_INDEX: &str = "@group(0) @binding(2) var<storage, read_write> gx: array<Y>;
fn load_index(at: u32) -> I { return I(); }";

/// The widest tile of windows and inputs that is written out.
const MAX_PAIRS: usize = 256;

/// The shader.
impl PoolGrad {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let window = &self.window;
        let [h, w] = window.input;
        let tile_w = self.tile(target);
        let written_out = self.writes_out(tile_w);
        let (first, span) = if written_out { window.gradient_span(tile_w) } else { (0, 1) };
        let maximum = self.kind == PoolKind::Max;
        let workgroup = target.workgroup();
        let params = window_params!(template, window, {
            workgroup: workgroup as u32,
            maximum: maximum,
            channels: self.channels as u32,
            tile_w: tile_w as u32,
            first: first,
            span: span as u32,
            written_out: written_out,
        });
        let channel = Broadcast::Channel { channels: self.channels, inner: h * w };
        let in_lanes = if written_out { window.gradient_lanes(tile_w) } else { 1 };
        let gy = format!("{}\n{}", unpack("G", "f32", in_lanes), unpack("I", "u32", in_lanes));
        let operands = 3 + usize::from(maximum);
        let epilogue = epilogue(&self.epilogue, operands, lanes(&[w, tile_w]), channel);
        let mut slots = vec![("gy", gy.as_str()), ("epilogue", epilogue.as_str())];
        if !maximum {
            slots.push(("index", NO_INDEX));
        }
        if !written_out {
            slots.push(("columns", ""));
        }
        let tiles = self.channels * window.stride[0] * h.div_ceil(window.stride[0]) * w.div_ceil(tile_w);
        Shader::new(params.fill(&slots), [1 + usize::from(maximum), 1, self.epilogue.operands.len()])
            .over(workgroup, [(Extent::Batch(tiles), 1)])
    }

    fn writes_out(&self, tile_w: usize) -> bool {
        self.window.writes_out(tile_w) && self.window.gradient_span(tile_w).1 * tile_w <= MAX_PAIRS
    }

    /// Input columns that a thread computes.
    fn tile(&self, target: Target) -> usize {
        let window = &self.window;
        let [h, width] = window.input;
        let mut candidates = edges([1, 1, width.min(32)]);
        candidates.retain(|&[.., w]| w == 1 || self.writes_out(w));
        let reads = 1 + usize::from(self.kind == PoolKind::Max);
        let [.., tile] = cheapest(target, &candidates, |[.., w]| {
            let stores = lanes(&[width, w]);
            let threads = TYPICAL_SAMPLES * self.channels * h * width.div_ceil(w);
            let (lanes, span) = match self.writes_out(w) {
                true => (window.gradient_lanes(w), window.gradient_span(w).1),
                false => (1, window.kernel[1].div_ceil(window.stride[1])),
            };
            Cost { products: w * span, threads, turns: 1, ..Cost::default() }
                .load(reads * (span + lanes - 1).div_ceil(lanes), lanes)
                .load(w / stores * (1 + self.epilogue.operands.len()), stores)
        });
        tile
    }
}
