//! Images of another size, as a linear map along each axis: reads `x [N, C, h, w]`, writes `y [N, C, oh, ow]`.

use std::fmt::Write;

use convoke_shaders::resample as template;

use super::shader::{Shader, Target};
use super::Bands;
use crate::plan::Flops;
use crate::shape::Extent;

/// `y[i, j] = Σ_a Σ_b rows[i].weights[a] · columns[j].weights[b] · x[rows[i].first + a, columns[j].first + b]` in each plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Resample {
    /// Planes of a sample.
    pub channels: usize,
    /// Along the height.
    pub rows: Bands,
    /// Along the width.
    pub columns: Bands,
}

impl Resample {
    /// Elements of a sample that are read.
    pub fn input_len(&self) -> usize {
        self.channels * self.rows.input * self.columns.input
    }

    /// Elements of a sample that are written.
    pub fn output_len(&self) -> usize {
        self.channels * self.rows.output() * self.columns.output()
    }

    /// The floating-point operations of a run, with the longest bands.
    pub fn flops(&self) -> Flops {
        let taps = self.rows.longest() * (self.columns.longest() + 1);
        Flops::of(2 * taps as u64, &[Extent::Batch(self.output_len())])
    }

    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let workgroup = target.workgroup();
        let params = template::Params {
            workgroup: workgroup as u32,
            channels: self.channels as u32,
            in_h: self.rows.input as u32,
            in_w: self.columns.input as u32,
            out_h: self.rows.output() as u32,
            out_w: self.columns.output() as u32,
        };
        let tables = table("row", &self.rows) + &table("column", &self.columns);
        Shader::new(params.fill(&[("tables", &tables)]), [1, 1, 0])
            .over(workgroup, [(Extent::Batch(self.output_len()), 1)])
    }
}

/// Bands as WGSL: arrays that nothing writes, so that drivers keep them among their constants.
fn table(name: &str, bands: &Bands) -> String {
    let taps = bands.longest().max(1);
    let list = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(", ");
    let count = bands.output();
    let spans = list(&mut bands.bands.iter().map(|band| format!("vec2u({}u, {}u)", band.first, band.weights.len())));
    let weights = list(&mut bands.bands.iter().flat_map(|band| {
        (0..taps).map(|tap| format!("{:?}f", band.weights.get(tap).copied().unwrap_or(0.0) as f32))
    }));
    let mut text = String::new();
    write!(
        text,
        "var<private> {name}_spans: array<vec2u, {count}> = array<vec2u, {count}>({spans});
var<private> {name}_weights: array<f32, {all}> = array<f32, {all}>({weights});
fn {name}_span(i: u32) -> vec2u {{ return {name}_spans[i]; }}
fn {name}_weight(i: u32, tap: u32) -> f32 {{ return {name}_weights[i * {taps}u + tap]; }}\n",
        all = count * taps,
    )
    .expect("writing to a string");
    text
}
