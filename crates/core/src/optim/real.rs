//! Numbers that a formula computes with: single and double precision, and the text of a shader.

use std::cell::RefCell;
use std::fmt::{Display, Formatter, Result, Write};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// What a formula computes with.
pub trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// A constant, of the same kind as `self`.
    #[must_use]
    fn of(self, constant: f64) -> Self;

    /// The square root.
    #[must_use]
    fn sqrt(self) -> Self;

    /// `self` where `condition` is above 0, else `otherwise`.
    #[must_use]
    fn if_positive(self, condition: Self, otherwise: Self) -> Self;

    /// −1, 0 or 1.
    #[must_use]
    #[inline(always)]
    fn sign(self) -> Self {
        self.of(1.0).if_positive(self, self.of(-1.0).if_positive(-self, self.of(0.0)))
    }
}

macro_rules! real {
    ($float:ident) => {
        impl Real for $float {
            #[inline(always)]
            fn of(self, constant: f64) -> Self {
                constant as $float
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }

            #[inline(always)]
            fn if_positive(self, condition: Self, otherwise: Self) -> Self {
                if condition > 0.0 { self } else { otherwise }
            }
        }
    };
}
real!(f32);
real!(f64);

/// A value in a shader, of the shader's type `V`. Each operation on values adds a line to the shader, so that none is computed twice.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    lines: &'a Lines,
    what: What,
}

/// The lines of a shader.
#[derive(Default)]
pub(crate) struct Lines {
    text: RefCell<String>,
    count: std::cell::Cell<usize>,
}

#[derive(Clone, Copy)]
enum What {
    /// The value of that line.
    Line(usize),
    Constant(f32),
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.what {
            What::Line(number) => write!(f, "v{number}"),
            What::Constant(value) => write!(f, "V({value:?}f)"),
        }
    }
}

impl Lines {
    /// Adds a line that computes an expression of type `V`.
    pub fn value(&self, expression: impl Display) -> Text<'_> {
        let number = self.count.replace(self.count.get() + 1);
        self.add(format_args!("let v{number} = {expression};"));
        Text { lines: self, what: What::Line(number) }
    }

    /// Adds a line.
    pub fn add(&self, line: impl Display) {
        writeln!(self.text.borrow_mut(), "    {line}").expect("writing to a string");
    }

    /// All of them.
    pub fn text(self) -> String {
        self.text.into_inner()
    }
}

macro_rules! operator {
    ($($trait:ident $function:ident $symbol:literal,)*) => {
        $(impl $trait for Text<'_> {
            type Output = Self;

            fn $function(self, other: Self) -> Self {
                self.lines.value(format_args!(concat!("{} ", $symbol, " {}"), self, other))
            }
        })*
    };
}
operator! { Add add "+", Sub sub "-", Mul mul "*", Div div "/", }

impl Neg for Text<'_> {
    type Output = Self;

    fn neg(self) -> Self {
        self.lines.value(format_args!("-{self}"))
    }
}

impl Real for Text<'_> {
    fn of(self, constant: f64) -> Self {
        Self { what: What::Constant(constant as f32), ..self }
    }

    fn sqrt(self) -> Self {
        self.lines.value(format_args!("sqrt({self})"))
    }

    fn if_positive(self, condition: Self, otherwise: Self) -> Self {
        self.lines.value(format_args!("select({otherwise}, {self}, {condition} > V(0.0))"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_minus_one_zero_and_one() {
        assert_eq!([-3.0_f32, -0.0, 0.0, 1e-30].map(Real::sign), [-1.0, 0.0, 0.0, 1.0]);
        assert_eq!([-3.0_f64, 0.0, 1e-300].map(Real::sign), [-1.0, 0.0, 1.0]);
    }

    #[test]
    fn each_operation_is_a_line() {
        let lines = Lines::default();
        let (a, b) = (lines.value("x[i]"), lines.value("y[i]"));
        let sum = a + b * b.of(0.5);
        lines.add(format_args!("x[i] = {};", sum.sqrt()));
        let expected = [
            "let v0 = x[i];",
            "let v1 = y[i];",
            "let v2 = v1 * V(0.5f);",
            "let v3 = v0 + v2;",
            "let v4 = sqrt(v3);",
            "x[i] = v4;",
        ];
        assert_eq!(lines.text().lines().map(str::trim).collect::<Vec<_>>(), expected);
    }
}
