//! Update rules: the formulas by which parameters follow from gradients. Each is written once, for every kind of number:
//! engines compute with it in single precision, the reference in double precision, and shaders are written by it.

use super::Real;
use super::adagrad::Adagrad;
use super::adam::Adam;
use super::lion::Lion;
use super::rmsprop::RmsProp;
use super::sgd::Sgd;
use super::state::{Running, Sum};
use crate::step::Step;

/// What a formula is told of the step beside its gradient: from the step block.
#[derive(Clone, Copy, Debug)]
pub struct Rates<R> {
    /// The learning rate.
    pub lr: R,
    /// The step size with its correction: see [`Optimizer::scalars`](super::Optimizer::scalars).
    pub step_size: R,
    /// `1 / √(1 − beta2^t)` for Adam.
    pub inverse_sqrt_correction: R,
    /// Above 0 where another run of the same step came before.
    pub continues: R,
}

impl Rates<f64> {
    /// What a step block says, in double precision.
    pub fn of(step: &Step) -> Self {
        let [lr, step_size, inverse_sqrt_correction] =
            [step.learning_rate, step.step_size, step.inverse_sqrt_correction].map(f64::from);
        Self { lr, step_size, inverse_sqrt_correction, continues: step.first_sample.into() }
    }
}

/// A formula by which one number follows from its gradient and its state.
pub trait Formula {
    /// How many numbers of state it keeps, from 0 on.
    fn states(&self) -> usize;

    /// Floating-point operations for each parameter.
    fn flops(&self) -> u64;

    /// The new parameter, from the old one `p` and its gradient `g`; `state`, which has [`states`](Self::states) numbers, is changed in
    /// place.
    fn apply<R: Real>(&self, p: R, g: R, state: &mut [R], rates: &Rates<R>) -> R;
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// An update rule with its constants, which are kept in double precision. The rates come from the step block.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Rule {
            $($(#[$doc])* $name($name),)*
        }

        $(impl From<$name> for Rule {
            fn from(rule: $name) -> Self {
                Self::$name(rule)
            }
        })*

        /// Evaluates `$body` with `$formula` as the rule's formula, whatever the rule: as a `match` with an arm for each.
        #[macro_export]
        macro_rules! with_formula {
            ($rule:expr, $formula:ident => $body:expr) => {
                match $rule {
                    $($crate::optim::Rule::$name($formula) => $body,)*
                }
            };
        }
    };
}
rules! {
    /// Stochastic gradient descent.
    Sgd,
    /// Adam and AdamW.
    Adam,
    /// RMSprop.
    RmsProp,
    /// Adagrad.
    Adagrad,
    /// Lion.
    Lion,
    /// A running statistic.
    Running,
    /// A sum over the runs of a step.
    Sum,
}

impl Rule {
    /// The number of state tensors that the rule keeps beside the parameters.
    pub fn states(&self) -> usize {
        with_formula!(self, formula => formula.states())
    }

    /// Floating-point operations for each parameter.
    pub fn flops(&self) -> u64 {
        with_formula!(self, formula => formula.flops())
    }

    /// The new parameter, as [`Formula::apply`] has it.
    pub fn apply<R: Real>(&self, p: R, g: R, state: &mut [R], rates: &Rates<R>) -> R {
        with_formula!(self, formula => formula.apply(p, g, state, rates))
    }
}
