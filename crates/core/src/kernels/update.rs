//! The optimizer's step on all parameters at once: reads `gradients [len]`, `flag` (one u32); in place `parameters [len]` and
//! the rule's state tensors, each `[len]`. Where `flag` is not 0 nothing is written.

use convoke_shaders::update as template;
use super::shader::{Shader, Target, lanes, vector};
use crate::plan::Flops;
use crate::shape::Extent;

/// An update rule with its constants. The learning rate and the bias corrections come from the step block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent, as [PyTorch's `SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html):
    /// `g += weight_decay · p; v = momentum · v + g; p −= lr · v` (with `nesterov`: `p −= lr · (g + momentum · v)`).
    /// One state tensor `v`, from zero; none where `momentum` is 0.
    Sgd {
        /// Momentum, 0 … 1.
        momentum: f32,
        /// Whether Nesterov's look-ahead is used.
        nesterov: bool,
        /// L2 penalty, added to the gradient.
        weight_decay: f32,
    },
    /// Adam ([Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980)), as PyTorch's `Adam`: `g += weight_decay · p;
    /// m = m + (g − m) · (1 − beta1); v = beta2 · v + (1 − beta2) · g²; p −= step_size · m / (√v · inverse_sqrt_correction + eps)`, with
    /// `step_size = lr / (1 − beta1^t)` and `inverse_sqrt_correction = 1 / √(1 − beta2^t)` from the step block. State tensors `m`, `v`, from zero.
    Adam {
        /// Decay of the gradient's mean, 0 … 1.
        beta1: f32,
        /// Decay of the squared gradient's mean, 0 … 1.
        beta2: f32,
        /// `1 − beta1`, rounded once: the difference of two single-precision numbers would lose digits.
        one_minus_beta1: f32,
        /// `1 − beta2`, rounded once.
        one_minus_beta2: f32,
        /// Added to the denominator.
        eps: f32,
        /// L2 penalty, added to the gradient.
        weight_decay: f32,
    },
    /// A running statistic, whose gradient is the statistic of the step: `p += momentum · (g − p)`. No state tensor.
    Running {
        /// How far it follows, 0 … 1.
        momentum: f32,
    },
}

impl Rule {
    /// The number of state tensors that the rule keeps beside the parameters.
    pub fn states(&self) -> usize {
        match self {
            Self::Sgd { momentum, .. } => usize::from(*momentum != 0.0),
            Self::Adam { .. } => 2,
            Self::Running { .. } => 0,
        }
    }
}

/// One dispatch over all parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The rule.
    pub rule: Rule,
    /// The number of parameters, padding included.
    pub len: usize,
}

impl Update {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        let each = match self.rule {
            Rule::Sgd { .. } => 4,
            Rule::Adam { .. } => 12,
            Rule::Running { .. } => 3,
        };
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
        let state = |k: usize| format!("@group(0) @binding({}) var<storage, read_write> state{k}: array<V>;\n", 4 + k);
        let states: String = (0..self.rule.states()).map(state).collect();
        let rule = format!(
            "alias V = {};\n{states}fn update(i: u32) {{\n    let p = parameters[i];\n{}}}",
            vector("f32", lanes),
            self.rule.wgsl()
        );
        Shader::new(params.fill(&[("rule", &rule)]), [2, 1 + self.rule.states(), 0])
            .over(workgroup, [(Extent::Fixed(count), 1)])
    }
}

impl Rule {
    /// The body of the update of `parameters[i]`, whose old value is `p`.
    fn wgsl(&self) -> String {
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                let gradient = format!("    let g = gradients[i] + V({weight_decay:?}f) * p;\n");
                let step = "    parameters[i] = p - V(step.learning_rate)";
                if momentum == 0.0 {
                    return format!("{gradient}{step} * g;\n");
                }
                let direction = if nesterov { format!("(g + V({momentum:?}f) * v)") } else { "v".to_string() };
                format!("{gradient}    let v = V({momentum:?}f) * state0[i] + g;\n    state0[i] = v;\n{step} * {direction};\n")
            }
            Self::Running { momentum } => format!("    parameters[i] = p + V({momentum:?}f) * (gradients[i] - p);\n"),
            Self::Adam { beta2, one_minus_beta1, one_minus_beta2, eps, weight_decay, .. } => format!(
                "    let g = gradients[i] + V({weight_decay:?}f) * p;
    let m = state0[i] + (g - state0[i]) * V({one_minus_beta1:?}f);
    let v = V({beta2:?}f) * state1[i] + V({one_minus_beta2:?}f) * g * g;
    state0[i] = m;
    state1[i] = v;
    parameters[i] = p - V(step.step_size) * m / (sqrt(v) * V(step.inverse_sqrt_correction) + V({eps:?}f));\n"
            ),
        }
    }
}
