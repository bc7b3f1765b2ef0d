//! The batch out of the dataset: reads `pixels` (bytes, four to a word), `labels` (u32), `indices` (u32); writes
//! `x [N, channels, h, w]` and `y [N]` (u32).

use convoke_shaders::gather as template;
use super::shader::{Shader, Target, lanes, vector};
use crate::plan::Flops;
use crate::shape::Extent;

/// Sample `n` of the batch is sample `s = indices[step.first_index + n]` of the dataset: `y[n] = labels[s]` and
/// `x[n, c, p] = (pixels[s, c', p] / 255 − mean[c]) · inverse_std[c]`, with `c' = c`, or 0 where the dataset is grey.
///
/// A sample's bytes are `source_channels · height · width`, padded at the end to whole words.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// Channels that lie in the dataset: 1, or as many as `channels`.
    pub source_channels: usize,
    /// Channels that the model wants.
    pub channels: usize,
    /// Height · width.
    pub plane: usize,
    /// Mean of each of the model's channels, of pixels in 0 … 1.
    pub mean: Vec<f32>,
    /// 1 / standard deviation of each of the model's channels.
    pub inverse_std: Vec<f32>,
}

impl Gather {
    /// The words that one sample takes in `pixels`.
    pub fn sample_words(&self) -> usize {
        (self.source_channels * self.plane).div_ceil(4)
    }
}

impl Gather {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(2, &[Extent::Batch(self.channels * self.plane)])
    }
}

/// The shader.
impl Gather {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let lanes = lanes(&[self.plane]);
        let workgroup = target.workgroup();
        let params = template::Params {
            workgroup: workgroup as u32,
            source_channels: self.source_channels as u32,
            channels: self.channels as u32,
            plane: self.plane as u32,
        };
        let normalisation = by_channel("mean", &self.mean) + &by_channel("inverse_std", &self.inverse_std);
        let source = params.fill(&[("normalisation", &normalisation), ("x", &lanes_of(lanes))]);
        Shader::new(source, [3, 2, 0]).over(workgroup, [(Extent::Batch(self.sample_words()), 1)])
    }
}

/// The declarations by which the shader writes `lanes` of a vector's four values at a time.
pub(super) fn lanes_of(lanes: usize) -> String {
    let parts = ["v", "v[i * 2u], v[i * 2u + 1u]", "v[i]"];
    let value = match lanes {
        4 => parts[0].to_string(),
        2 => format!("vec2f({})", parts[1]),
        _ => parts[2].to_string(),
    };
    let ty = vector("f32", lanes);
    format!("alias X = {ty};\nconst X_LANES: u32 = {lanes}u;\nfn x_of(v: vec4f, i: u32) -> X {{ return {value}; }}")
}

/// A function of the channel that has the given values.
pub(super) fn by_channel(name: &str, values: &[f32]) -> String {
    let last = format!("{:?}f", values.last().copied().unwrap_or_default());
    let chain = values.iter().enumerate().rev().skip(1).fold(last, |rest, (c, v)| format!("select({rest}, {v:?}f, c == {c}u)"));
    format!("fn {name}(c: u32) -> f32 {{ return {chain}; }}\n")
}
