//! Pointwise expressions, evaluated a block at a time: each node of the expression is one vectorised loop over a block that
//! stays in the first-level cache.

use convoke_core::expr::{Binary, Broadcast, Epilogue, Expr, Unary, seed_of};
use convoke_core::functions;
use convoke_core::random::uniform_at;
use convoke_core::step::Step;

use crate::context::Context;
use crate::rows::Finish;

/// Elements that are evaluated at a time.
const BLOCK: usize = 512;

/// An expression with its operands.
#[derive(Clone, Copy)]
pub(crate) struct Pointwise<'a> {
    context: &'a Context,
    expr: &'a Expr,
    broadcasts: &'a [Broadcast],
    operands: &'a [&'a [u32]],
    /// The number of the input that is operand 0: 1 where input 0 is the accumulated value.
    first: usize,
    step: &'a Step,
}

impl<'a> Pointwise<'a> {
    /// An epilogue whose operands are the last of `reads`.
    pub fn epilogue(epilogue: &'a Epilogue, reads: &'a [&'a [u32]], step: &'a Step, context: &'a Context) -> Self {
        let operands = &reads[reads.len() - epilogue.operands.len()..];
        Self { context, expr: &epilogue.expr, broadcasts: &epilogue.operands, operands, first: 1, step }
    }

    /// An expression that accumulates nothing: a map, or what a reduction sums.
    pub fn new(
        expr: &'a Expr,
        broadcasts: &'a [Broadcast],
        reads: &'a [&'a [u32]],
        step: &'a Step,
        context: &'a Context,
    ) -> Self {
        Self { context, expr, broadcasts, operands: reads, first: 0, step }
    }

    /// The one operand, where the expression is its elements as they lie.
    pub fn plain(&self) -> Option<&'a [f32]> {
        (self.expr.is_identity() && self.broadcasts == [Broadcast::Element]).then(|| self.operand(0))
    }

    /// What register tiles compute instead of this, where they can. The output's rows are `rows` channels of `inner`
    /// elements.
    pub fn finish(&self, rows: usize, inner: usize) -> Option<Finish<'a>> {
        let channel = Broadcast::Channel { channels: rows, inner };
        let is_biased = |e: &Expr| match e {
            Expr::Binary(Binary::Add, a, b) => a.is_identity() && **b == Expr::Input(1),
            _ => false,
        };
        match self.expr {
            e if e.is_identity() => Some(Finish::Store),
            e if is_biased(e) && self.broadcasts[0] == channel => Some(Finish::Bias(self.operand(0))),
            Expr::Unary(Unary::Relu, e) if is_biased(e) && self.broadcasts[0] == channel => {
                Some(Finish::BiasRelu(self.operand(0)))
            }
            Expr::Binary(Binary::WherePositive, a, b)
                if a.is_identity() && **b == Expr::Input(1) && self.broadcasts[0] == Broadcast::Element =>
            {
                Some(Finish::WherePositive { mask: self.operand(0), pitch: inner })
            }
            _ => None,
        }
    }

    /// Evaluates for the output's elements from `start` on, in place: `values` holds what was accumulated.
    pub fn apply(&self, start: usize, values: &mut [f32]) {
        if self.expr.is_identity() {
            return;
        }
        let mut accumulated = [0.0; BLOCK];
        for (i, values) in values.chunks_mut(BLOCK).enumerate() {
            let accumulated = &mut accumulated[..values.len()];
            accumulated.copy_from_slice(values);
            self.eval(self.expr, start + i * BLOCK, accumulated, values);
        }
    }

    /// Evaluates for the output's elements from `start` on. Only for what accumulates nothing.
    pub fn write(&self, start: usize, out: &mut [f32]) {
        for (i, out) in out.chunks_mut(BLOCK).enumerate() {
            self.eval(self.expr, start + i * BLOCK, &[], out);
        }
    }

    fn operand(&self, i: usize) -> &'a [f32] {
        bytemuck::cast_slice(self.operands[i])
    }

    fn eval(&self, expr: &Expr, start: usize, accumulated: &[f32], out: &mut [f32]) {
        match expr {
            Expr::Input(0) if self.first == 1 => out.copy_from_slice(accumulated),
            Expr::Input(i) => self.load(i - self.first, start, out),
            Expr::Const(c) => out.fill(*c),
            Expr::InverseSamples => out.fill(self.step.inverse_samples),
            Expr::InverseHeld => out.fill(1.0 / self.step.samples as f32),
            Expr::Uniform { inner, stream } => {
                let (seed, first) = (seed_of(self.step), self.step.first_sample);
                for (i, out) in (start..).zip(out) {
                    *out = uniform_at(seed, *stream, self.step.number, first + (i / inner) as u32, (i % inner) as u32);
                }
            }
            Expr::Share => out.fill(self.step.samples as f32 * self.step.inverse_samples),
            Expr::Unary(op, a) => {
                self.eval(a, start, accumulated, out);
                self.context.vectorized(
                    #[inline(always)]
                    || unary(*op, out),
                );
            }
            Expr::Binary(op, a, b) => {
                self.eval(a, start, accumulated, out);
                let mut temporary = [0.0; BLOCK];
                let b = self.view(b, start, accumulated, &mut temporary[..out.len()]);
                self.context.vectorized(
                    #[inline(always)]
                    || binary(*op, out, b),
                );
            }
        }
    }

    /// The expression's values: where they lie, if they lie somewhere, or else evaluated into `temporary`.
    fn view<'b>(&self, expr: &Expr, start: usize, accumulated: &'b [f32], temporary: &'b mut [f32]) -> &'b [f32]
    where
        'a: 'b,
    {
        match expr {
            Expr::Input(0) if self.first == 1 => accumulated,
            Expr::Input(i) if self.broadcasts[i - self.first] == Broadcast::Element => {
                &self.operand(i - self.first)[start..][..temporary.len()]
            }
            _ => {
                self.eval(expr, start, accumulated, temporary);
                temporary
            }
        }
    }

    /// Operand `k` for the output's elements from `start` on.
    fn load(&self, k: usize, start: usize, out: &mut [f32]) {
        let operand = self.operand(k);
        match self.broadcasts[k] {
            Broadcast::Element => out.copy_from_slice(&operand[start..][..out.len()]),
            Broadcast::Scalar => out.fill(operand[0]),
            Broadcast::Sample { inner } => fill_runs(start, inner, out, |i| operand[i]),
            Broadcast::Place { channels, inner } => {
                let (mut at, mut rest) = (start, out);
                while !rest.is_empty() {
                    let (sample, place) = (at / (channels * inner), at % inner);
                    let (now, later) = rest.split_at_mut(rest.len().min(inner - place));
                    now.copy_from_slice(&operand[sample * inner + place..][..now.len()]);
                    at += now.len();
                    rest = later;
                }
            }
            Broadcast::Channel { channels, inner: 1 } => {
                let mut channel = start % channels;
                let mut rest = out;
                while !rest.is_empty() {
                    let (now, later) = rest.split_at_mut(rest.len().min(channels - channel));
                    now.copy_from_slice(&operand[channel..][..now.len()]);
                    (rest, channel) = (later, 0);
                }
            }
            Broadcast::Channel { channels, inner } => fill_runs(start, inner, out, |i| operand[i % channels]),
        }
    }
}

/// Fills with the value of run `i / inner`, for `i` from `start` on.
fn fill_runs(start: usize, inner: usize, mut out: &mut [f32], value: impl Fn(usize) -> f32) {
    let mut run = start / inner;
    let mut left = inner - start % inner;
    while !out.is_empty() {
        let (now, later) = out.split_at_mut(left.min(out.len()));
        now.fill(value(run));
        (out, run, left) = (later, run + 1, inner);
    }
}

#[inline(always)]
fn unary(op: Unary, out: &mut [f32]) {
    match op {
        Unary::Neg => each(out, |x| -x),
        Unary::Relu => each(out, |x| if x < 0.0 { 0.0 } else { x }),
        Unary::InverseSqrt => each(out, |x| 1.0 / x.sqrt()),
        Unary::Reciprocal => each(out, |x| 1.0 / x),
        Unary::Exp => each(out, functions::exp),
        Unary::Sigmoid => each(out, functions::sigmoid),
        Unary::Tanh => each(out, functions::tanh),
        Unary::Softplus => each(out, functions::softplus),
        Unary::Silu => each(out, functions::silu),
        Unary::SiluSlope => each(out, functions::silu_slope),
        Unary::Gelu => each(out, functions::gelu),
        Unary::GeluSlope => each(out, functions::gelu_slope),
    }
}

#[inline(always)]
fn each(out: &mut [f32], f: impl Fn(f32) -> f32) {
    out.iter_mut().for_each(
        #[inline(always)]
        |x| *x = f(*x),
    );
}

#[inline(always)]
fn binary(op: Binary, out: &mut [f32], b: &[f32]) {
    let pairs = out.iter_mut().zip(b);
    match op {
        Binary::Add => pairs.for_each(|(a, b)| *a += b),
        Binary::Sub => pairs.for_each(|(a, b)| *a -= b),
        Binary::Mul => pairs.for_each(|(a, b)| *a *= b),
        Binary::Min => pairs.for_each(|(a, b)| *a = if b < a { *b } else { *a }),
        Binary::WherePositive => pairs.for_each(|(a, b)| *a = if *b > 0.0 { *a } else { 0.0 }),
    }
}
