//! Pointwise expressions: what a map kernel computes for each element, and what is fused behind a larger kernel.

use std::fmt;

use crate::functions::exact;
use crate::random::uniform_at;
use crate::step::Step;

#[cfg(doc)]
use crate::functions;

/// How the element at linear position `i` of the output finds its element of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broadcast {
    /// The operand has the output's shape: element `i`.
    Element,
    /// One element a channel: element `(i / inner) % channels`.
    Channel {
        /// The number of channels.
        channels: usize,
        /// The number of elements of one channel of one sample.
        inner: usize,
    },
    /// One element for each run of `inner` elements, a sample or a group of its channels: element `i / inner`.
    Sample {
        /// The number of output elements that share one.
        inner: usize,
    },
    /// One element for each place of each sample, the same for all channels: element `i / (channels · inner) · inner + i % inner`.
    Place {
        /// The number of channels.
        channels: usize,
        /// The number of places: elements of one channel of one sample.
        inner: usize,
    },
    /// One element for all: element 0.
    Scalar,
}

impl Broadcast {
    /// The operand's element for the output's element `i`.
    pub fn index(self, i: usize) -> usize {
        match self {
            Self::Element => i,
            Self::Channel { channels, inner } => i / inner % channels,
            Self::Sample { inner } => i / inner,
            Self::Place { channels, inner } => i / (channels * inner) * inner + i % inner,
            Self::Scalar => 0,
        }
    }
}

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-x`
    Neg,
    /// `0` where `x < 0`, else `x`: NaN stays NaN, so that a broken step is seen.
    Relu,
    /// `1 / √x`
    InverseSqrt,
    /// `1 / x`
    Reciprocal,
    /// [`functions::exp`]
    Exp,
    /// [`functions::sigmoid`]
    Sigmoid,
    /// [`functions::tanh`]
    Tanh,
    /// [`functions::softplus`]
    Softplus,
    /// [`functions::silu`]
    Silu,
    /// [`functions::silu_slope`]
    SiluSlope,
    /// [`functions::gelu`]
    Gelu,
    /// [`functions::gelu_slope`]
    GeluSlope,
}

impl Unary {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Neg,
        Self::Relu,
        Self::InverseSqrt,
        Self::Reciprocal,
        Self::Exp,
        Self::Sigmoid,
        Self::Tanh,
        Self::Softplus,
        Self::Silu,
        Self::SiluSlope,
        Self::Gelu,
        Self::GeluSlope,
    ];

    /// The value, in double precision.
    fn eval(self, x: f64) -> f64 {
        match self {
            Self::Neg => -x,
            Self::Relu if x < 0.0 => 0.0,
            Self::Relu => x,
            Self::InverseSqrt => 1.0 / x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Exp => x.exp(),
            Self::Sigmoid => exact::sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Softplus => exact::softplus(x),
            Self::Silu => exact::silu(x),
            Self::SiluSlope => exact::silu_slope(x),
            Self::Gelu => exact::gelu(x),
            Self::GeluSlope => exact::gelu_slope(x),
        }
    }

    /// The floating-point operations that one value is counted as: additions, multiplications, divisions.
    fn flops(self) -> u64 {
        match self {
            Self::Neg | Self::Relu | Self::Reciprocal => 1,
            Self::InverseSqrt => 2,
            Self::Exp => 21,
            Self::Sigmoid => 24,
            Self::Tanh => 37,
            Self::Softplus => 39,
            Self::Silu => 25,
            Self::SiluSlope => 28,
            Self::Gelu => 45,
            Self::GeluSlope => 48,
        }
    }

    /// The name of the function in WGSL, where it is one.
    fn wgsl(self) -> Option<&'static str> {
        Some(match self {
            Self::Neg | Self::InverseSqrt | Self::Reciprocal => return None,
            Self::Relu => "relu",
            Self::Exp => "exponential",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "hyperbolic_tangent",
            Self::Softplus => "softplus",
            Self::Silu => "silu",
            Self::SiluSlope => "silu_slope",
            Self::Gelu => "gelu",
            Self::GeluSlope => "gelu_slope",
        })
    }
}

/// A function of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a · b`
    Mul,
    /// The smaller of the two; NaN where `a` is.
    Min,
    /// `a` where `b > 0`, else `0`: a gradient behind a ReLU whose output was `b`.
    WherePositive,
}

/// A pointwise expression over the operands of a map, or over an accumulator and the operands of an epilogue.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// The operand of that number. In an epilogue, 0 is the accumulated value and `i + 1` the epilogue's operand `i`.
    Input(usize),
    /// A number.
    Const(f32),
    /// `1 / (samples of the global batch)`, from the step block.
    InverseSamples,
    /// `1 / (samples of this run)`: what statistics of a batch that is split over several runs divide by.
    InverseHeld,
    /// `(samples of this run) / (samples of the global batch)`.
    Share,
    /// A random number in 0 ≤ x < 1, for the sample and the element of it that is computed ([`uniform_at`]).
    Uniform {
        /// Elements of a sample.
        inner: usize,
        /// What tells uses apart.
        stream: u32,
    },
    /// A function of one value.
    Unary(Unary, Box<Expr>),
    /// A function of two values.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

impl Expr {
    /// `op(self)`
    pub fn unary(self, op: Unary) -> Self {
        Self::Unary(op, Box::new(self))
    }

    /// `op(self, other)`
    pub fn binary(self, op: Binary, other: Self) -> Self {
        Self::Binary(op, Box::new(self), Box::new(other))
    }

    /// Whether this is `Input(0)`: what an epilogue is where nothing is fused.
    pub fn is_identity(&self) -> bool {
        *self == Self::Input(0)
    }

    /// The value of element `i` for the given operands in the run that `step` describes, in double precision.
    pub fn eval(&self, inputs: &[f64], step: &Step, i: usize) -> f64 {
        match self {
            Self::Input(i) => inputs[*i],
            Self::Const(c) => f64::from(*c),
            Self::InverseSamples => f64::from(step.inverse_samples),
            Self::InverseHeld => 1.0 / f64::from(step.samples),
            Self::Share => f64::from(step.samples) * f64::from(step.inverse_samples),
            Self::Uniform { inner, stream } => {
                let (seed, sample) = (seed_of(step), step.first_sample + (i / inner) as u32);
                f64::from(uniform_at(seed, *stream, step.number, sample, (i % inner) as u32))
            }
            Self::Unary(op, a) => op.eval(a.eval(inputs, step, i)),
            Self::Binary(op, a, b) => {
                let (a, b) = (a.eval(inputs, step, i), b.eval(inputs, step, i));
                match op {
                    Binary::Add => a + b,
                    Binary::Sub => a - b,
                    Binary::Mul => a * b,
                    Binary::Min if b < a => b,
                    Binary::Min => a,
                    Binary::WherePositive => {
                        if b > 0.0 {
                            a
                        } else {
                            0.0
                        }
                    }
                }
            }
        }
    }

    /// This expression with each `Input(i)` replaced by `with(i)`.
    pub fn substitute(&self, with: &dyn Fn(usize) -> Self) -> Self {
        match self {
            Self::Input(i) => with(*i),
            Self::Const(_) | Self::InverseSamples | Self::InverseHeld | Self::Share | Self::Uniform { .. } => {
                self.clone()
            }
            Self::Unary(op, a) => a.substitute(with).unary(*op),
            Self::Binary(op, a, b) => a.substitute(with).binary(*op, b.substitute(with)),
        }
    }

    /// The number of nodes, each counted as often as it is written.
    pub fn size(&self) -> usize {
        match self {
            Self::Input(_)
            | Self::Const(_)
            | Self::InverseSamples
            | Self::InverseHeld
            | Self::Share
            | Self::Uniform { .. } => 1,
            Self::Unary(_, a) => 1 + a.size(),
            Self::Binary(_, a, b) => 1 + a.size() + b.size(),
        }
    }

    /// The number of floating-point operations for one element.
    pub fn flops(&self) -> u64 {
        match self {
            Self::Input(_)
            | Self::Const(_)
            | Self::InverseSamples
            | Self::InverseHeld
            | Self::Share
            | Self::Uniform { .. } => 0,
            Self::Unary(op, a) => op.flops() + a.flops(),
            Self::Binary(_, a, b) => 1 + a.flops() + b.flops(),
        }
    }

    /// The expression as WGSL, each operand written as `inputs` says. The type is `f32`, or a vector of it where the
    /// inputs are vectors: `splat` then wraps a constant (`vec4f` for vectors of four, `f32` for scalars). The text calls functions
    /// of `functions.rs`, whose text is added for those that it calls.
    pub fn wgsl(&self, inputs: &[String], splat: &str) -> String {
        match self {
            Self::Input(i) => inputs[*i].clone(),
            Self::Const(c) => format!("{splat}({c:?}f)"),
            Self::InverseSamples => format!("{splat}(step.inverse_samples)"),
            Self::InverseHeld => format!("{splat}(1.0 / f32(step.samples))"),
            Self::Uniform { inner, stream } => format!("uniform_at(i, {inner}u, {stream}u)"),
            Self::Share => format!("{splat}(f32(step.samples) * step.inverse_samples)"),
            Self::Unary(op, a) => {
                let a = a.wgsl(inputs, splat);
                match (op, op.wgsl()) {
                    (_, Some(function)) => format!("{function}({a})"),
                    (Unary::InverseSqrt, _) => format!("({splat}(1.0) / sqrt({a}))"),
                    (Unary::Reciprocal, _) => format!("({splat}(1.0) / {a})"),
                    _ => format!("(-{a})"),
                }
            }
            Self::Binary(op, a, b) => {
                let (a, b) = (a.wgsl(inputs, splat), b.wgsl(inputs, splat));
                match op {
                    Binary::Add => format!("({a} + {b})"),
                    Binary::Sub => format!("({a} - {b})"),
                    Binary::Mul => format!("({a} * {b})"),
                    Binary::Min => format!("least({a}, {b})"),
                    Binary::WherePositive => format!("select({splat}(0.0), {a}, {b} > {splat}(0.0))"),
                }
            }
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(i) => write!(f, "x{i}"),
            Self::Const(c) => write!(f, "{c}"),
            Self::InverseSamples => write!(f, "1/N"),
            Self::InverseHeld => write!(f, "1/n"),
            Self::Share => write!(f, "n/N"),
            Self::Uniform { stream, .. } => write!(f, "random{}", stream >> 8),
            Self::Unary(Unary::Neg, a) => write!(f, "-{a}"),
            Self::Unary(Unary::InverseSqrt, a) => write!(f, "1/√{a}"),
            Self::Unary(Unary::Reciprocal, a) => write!(f, "1/{a}"),
            Self::Unary(op, a) => write!(f, "{}({a})", format!("{op:?}").to_ascii_lowercase()),
            Self::Binary(Binary::Add, a, b) => write!(f, "({a} + {b})"),
            Self::Binary(Binary::Sub, a, b) => write!(f, "({a} - {b})"),
            Self::Binary(Binary::Mul, a, b) => write!(f, "({a} · {b})"),
            Self::Binary(Binary::Min, a, b) => write!(f, "min({a}, {b})"),
            Self::Binary(Binary::WherePositive, a, b) => write!(f, "({a} where {b} > 0)"),
        }
    }
}

/// The seed in a step block.
pub fn seed_of(step: &Step) -> u64 {
    u64::from(step.seed_high) << 32 | u64::from(step.seed_low)
}

/// What is computed on each accumulated value of a kernel before it is stored: bias, ReLU, a gradient's mask.
///
/// `Input(0)` of the expression is the accumulated value; `Input(i + 1)` is operand `i`, which the kernel's step lists
/// after the kernel's own reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Epilogue {
    /// The expression.
    pub expr: Expr,
    /// How each operand is indexed by the linear position in the kernel's output.
    pub operands: Vec<Broadcast>,
}

impl Epilogue {
    /// Nothing fused: the accumulated value is stored as it is.
    pub fn identity() -> Self {
        Self { expr: Expr::Input(0), operands: Vec::new() }
    }
}
