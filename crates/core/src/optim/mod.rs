//! Optimizers: how parameters follow from gradients.

mod adagrad;
mod adam;
mod lion;
mod optimizer;
mod options;
mod real;
mod rmsprop;
mod rule;
mod sgd;
mod state;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use lion::Lion;
pub use optimizer::Optimizer;
pub use options::{OptimizerKind, OptimizerOptions};
pub use real::Real;
pub(crate) use real::{Lines, Text};
pub use rmsprop::RmsProp;
pub use rule::{Formula, Rates, Rule};
pub use sgd::Sgd;
pub use state::{Running, Sum};

/// A gradient with an L2 penalty on its parameter.
#[inline(always)]
fn decayed<R: Real>(g: R, p: R, weight_decay: f64) -> R {
    if weight_decay == 0.0 { g } else { g + p.of(weight_decay) * p }
}

/// A parameter after decoupled weight decay.
#[inline(always)]
fn shrunk<R: Real>(p: R, weight_decay: f64, rates: &Rates<R>) -> R {
    if weight_decay == 0.0 { p } else { p - rates.lr * p.of(weight_decay) * p }
}
