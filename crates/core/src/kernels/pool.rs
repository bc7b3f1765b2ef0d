//! Pooling: reads `x [N, C, h, w]`, writes `y [N, C, oh, ow]`; a maximum also writes `index [N, C, oh, ow]` (u32).

use super::Window;
use super::shader::{Shader, Target, lanes, pack, unpack, window_params};
use super::tiling::{Cost, TYPICAL_SAMPLES, cheapest, edges};
use crate::plan::Flops;
use crate::shape::Extent;
use convoke_shaders::pool as template;

/// Which value stands for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest; the first in row-major order where several are, NaN where there is one. Padding is never chosen.
    Max,
    /// The mean over `kernel height × kernel width`, padding counted as zeros (PyTorch's `count_include_pad=True`).
    Average,
}

/// One value for each window of each channel.
///
/// `index` is the position `row · w + column` of the maximum in its channel's plane, as PyTorch's `return_indices`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    /// Maximum or average.
    pub kind: PoolKind,
    /// Channels.
    pub channels: usize,
    /// The window.
    pub window: Window,
}

impl Pool {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        let outputs = self.channels * self.window.output_len();
        Flops::of(self.window.kernel_len() as u64, &[Extent::Batch(outputs)])
    }
}

/// The text that stands where a mean has no index to store.
const NO_INDEX: &str = "fn store_index(at: u32, value: I) {}";

/// The shader.
impl Pool {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let [oh, ow] = self.window.output();
        let taps = self.window.taps();
        let tile_w = self.tile(target, taps);
        let maximum = self.kind == PoolKind::Max;
        let workgroup = target.workgroup();
        let params = window_params!(template, &self.window, {
            workgroup: workgroup as u32,
            maximum: maximum,
            channels: self.channels as u32,
            tile_w: tile_w as u32,
            taps: taps as u32,
        });
        let out = lanes(&[ow, tile_w]);
        let x = unpack("X", "f32", self.window.input_lanes(tile_w, taps));
        let y = format!("const Y_LANES: u32 = {out}u;\n{}\n{}", pack("Y", "f32", out), pack("I", "u32", out));
        let mut slots = vec![("x", x.as_str()), ("y", y.as_str())];
        if !maximum {
            slots.push(("index", NO_INDEX));
        }
        let tiles = self.channels * oh * ow.div_ceil(tile_w);
        Shader::new(params.fill(&slots), [1, 1 + usize::from(maximum), 0]).over(workgroup, [(Extent::Batch(tiles), 1)])
    }

    /// Output columns that a thread computes.
    fn tile(&self, target: Target, taps: usize) -> usize {
        let [oh, ow] = self.window.output();
        let mut candidates = edges([1, 1, ow.min(8)]);
        candidates.retain(|&[.., w]| self.window.input_fits(w, taps));
        let [.., tile] = cheapest(target, &candidates, |[.., w]| {
            let lanes = self.window.input_lanes(w, taps);
            let threads = TYPICAL_SAMPLES * self.channels * oh * ow.div_ceil(w);
            let stores = lanes_of_row(ow, w);
            Cost { products: w * taps, threads, turns: self.window.kernel_len() / taps, ..Cost::default() }
                .load(self.window.input_loads(w, taps, lanes), lanes)
                .load((w / stores).div_ceil(self.window.kernel[0]), stores)
        });
        tile
    }
}

fn lanes_of_row(row: usize, tile: usize) -> usize {
    lanes(&[row, tile])
}
