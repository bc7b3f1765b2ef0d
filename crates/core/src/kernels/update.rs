//! The optimizer's step on a range of parameters: reads `gradients [len]`, `flag` (one u32) and, where gradients are clipped by norm,
//! `square_sum` (one f32); in place `parameters [len]`, the rule's state tensors, each `[len]`, and the average `[len]` where one is kept.
//! Where `flag` is not 0 nothing is written.

use convoke_shaders::update as template;
use super::shader::{Shader, Target, lanes, vector};
use crate::optim::{Lines, Rates, Rule, Text};
use crate::plan::Flops;
use crate::shape::Extent;

/// How gradients are clipped before the rule sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Each to `−limit … limit`, as PyTorch's `clip_grad_value_`.
    Value(f32),
    /// All by the factor `min(1, limit / (√square_sum + 1e-6))`, as PyTorch's `clip_grad_norm_`, with the sum of the squares of all
    /// gradients.
    Norm(f32),
}

/// What keeps the denominator from 0 where gradients are clipped by norm.
const NORM_EPS: f32 = 1e-6;

impl Clip {
    /// The factor on all gradients, by the sum of their squares.
    pub fn factor(self, square_sum: f32) -> f32 {
        match self {
            Self::Value(_) => 1.0,
            Self::Norm(limit) => (limit / (square_sum.sqrt() + NORM_EPS)).min(1.0),
        }
    }
}

/// One dispatch over a range of parameters: all that follow the same rule at the same rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The rule.
    pub rule: Rule,
    /// The number of parameters, padding included.
    pub len: usize,
    /// A factor on the step's learning rate and step size.
    pub rate: f32,
    /// How gradients are clipped.
    pub clip: Option<Clip>,
    /// How much of the parameters' running average each step replaces, 0 … 1, where one is kept: `a += (p − a) · average`.
    pub average: Option<f32>,
}

impl Update {
    /// A rule on so many parameters, at the step's own rate, and nothing else.
    pub fn new(rule: impl Into<Rule>, len: usize) -> Self {
        Self { rule: rule.into(), len, rate: 1.0, clip: None, average: None }
    }

    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        let each = self.rule.flops() + u64::from(self.clip.is_some()) + 3 * u64::from(self.average.is_some());
        Flops::of(each, &[Extent::Fixed(self.len)])
    }
}

/// The shader.
impl Update {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let lanes = lanes(&[self.len]);
        let workgroup = target.workgroup();
        let count = self.len / lanes;
        let params = template::Params { workgroup: workgroup as u32, count: count as u32 };
        let states = self.rule.states();
        let norm = matches!(self.clip, Some(Clip::Norm(_)));
        let tensor = |binding: usize, name: &str| {
            format!("@group(0) @binding({binding}) var<storage, read_write> {name}: array<V>;\n")
        };
        let mut declarations: String = (0..states).map(|k| tensor(4 + k, &format!("state{k}"))).collect();
        let written = 1 + states + usize::from(self.average.is_some());
        if self.average.is_some() {
            declarations += &tensor(3 + written - 1, "average");
        }
        if norm {
            declarations += &format!("@group(0) @binding({}) var<storage, read> square_sum: array<f32>;\n", 3 + written);
        }
        let rule = format!("alias V = {};\n{declarations}fn update(i: u32) {{\n{}}}", vector("f32", lanes), self.body());
        Shader::new(params.fill(&[("rule", &rule)]), [2, written, usize::from(norm)])
            .over(workgroup, [(Extent::Fixed(count), 1)])
    }

    /// The lines that update vector `i`.
    fn body(&self) -> String {
        let lines = Lines::default();
        let scaled = |scalar: &str| match self.rate {
            1.0 => lines.value(format_args!("V(step.{scalar})")),
            rate => lines.value(format_args!("V(step.{scalar} * {rate:?}f)")),
        };
        let rates = Rates {
            lr: scaled("learning_rate"),
            step_size: scaled("step_size"),
            inverse_sqrt_correction: lines.value("V(step.inverse_sqrt_correction)"),
            continues: lines.value("V(f32(step.first_sample))"),
        };
        let p = lines.value("parameters[i]");
        let g = match self.clip {
            None => lines.value("gradients[i]"),
            Some(Clip::Value(limit)) => lines.value(format_args!("clamp(gradients[i], V(-{limit:?}f), V({limit:?}f))")),
            Some(Clip::Norm(limit)) => lines.value(format_args!(
                "gradients[i] * min(1.0, {limit:?}f / (sqrt(square_sum[0]) + {NORM_EPS:?}f))"
            )),
        };
        let mut state: Vec<Text<'_>> =
            (0..self.rule.states()).map(|k| lines.value(format_args!("state{k}[i]"))).collect();
        let p = self.rule.apply(p, g, &mut state, &rates);
        lines.add(format_args!("parameters[i] = {p};"));
        state.iter().enumerate().for_each(|(k, value)| lines.add(format_args!("state{k}[i] = {value};")));
        if let Some(share) = self.average {
            lines.add(format_args!("average[i] += ({p} - average[i]) * V({share:?}f);"));
        }
        lines.text()
    }
}
