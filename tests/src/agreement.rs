//! How closely engines agree with the definition, in single precision.

use std::collections::HashMap;

use convoke_core::engine::Engine;
use convoke_core::graph::ValueId;
use convoke_core::ops::Example;
use convoke_core::reference::{self, Batch};
use convoke_core::shape::DType;
use convoke_core::tensor::Tensor;

use crate::values::{distance, magnitudes, norm, relative_error};
use crate::{LoadedGraph, OpGraph, feeds};

/// The largest ‖error‖ / ‖ |A||B| ‖ of a kernel.
pub const KERNEL: f64 = 1e-5;
/// The largest relative error of a loss at given weights.
pub const LOSS: f64 = 1e-6;
/// The largest ‖error‖ / ‖gradient‖ at given weights.
pub const GRADIENT: f64 = 1e-5;
/// The same where it is shown that a ReLU or a maximum falls the other way than in double precision.
pub const FLIPPED: f64 = 1e-3;

/// Holds one op on one engine against its definition, for several batches on one plan, and returns the largest error.
///
/// An error is measured against the definition's result for the inputs' absolute values, where nothing cancels. For the ops that
/// sum products (convolutions, matrix products, sums and means) this is ‖ |A||B| ‖, to which rounding errors are in proportion.
/// The others compute each element from few, with an error of a few units in its last place; there it is of the size of
/// the result itself. Integers have to be equal.
///
/// # Errors
/// What the engine refuses, or the first result that is too far off, in words.
pub async fn check_engine(
    engine: &mut dyn Engine,
    example: &Example,
    seed: u64,
    batches: &[Batch],
    capacity: usize,
) -> Result<f64, String> {
    let OpGraph { graph, inputs, outputs } = OpGraph::new(example).map_err(|e| e.to_string())?;
    let mut loaded = LoadedGraph::new(engine, &graph, &outputs, capacity).await?;
    let mut worst = 0.0_f64;
    for &batch in batches {
        let values = feeds(example, seed, batch.samples);
        let known: HashMap<ValueId, Tensor> = inputs.iter().copied().zip(values).collect();
        let absolute = known.iter().map(|(&value, tensor)| (value, magnitudes(tensor))).collect();
        let wanted = reference::run(&graph, &known, batch, &outputs);
        let sizes = reference::run(&graph, &absolute, batch, &outputs);
        let found = loaded.run(&known, batch).await.map_err(|problem| format!("{batch:?}: {problem}"))?;
        for (k, &output) in outputs.iter().enumerate() {
            let (found, wanted, size) = (&found[k].data, &wanted[k].data, norm(&sizes[k].data));
            if graph.ty(output).dtype == DType::U32 {
                if let Some(at) = (0..wanted.len()).find(|&i| found[i] != wanted[i]) {
                    return Err(format!("{batch:?}: output {k} has {} at {at}, not {}", found[at], wanted[at]));
                }
                continue;
            }
            let error = distance(found, wanted);
            let relative = if error == 0.0 { 0.0 } else { error / size };
            if !within(relative, KERNEL) {
                return Err(format!(
                    "{batch:?}: output {k} is off by {relative:.1e}; {}",
                    first_off(found, wanted, size)
                ));
            }
            worst = worst.max(relative);
        }
    }
    Ok(worst)
}

/// How far off one engine is in one check.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The check, in a few words.
    pub check: String,
    /// The error that was found.
    pub value: f64,
    /// The largest that is allowed.
    pub bound: f64,
}

impl Figure {
    /// A figure.
    pub fn new(check: impl Into<String>, value: f64, bound: f64) -> Self {
        Self { check: check.into(), value, bound }
    }

    /// The figure as a line of a test's report, for the table in `docs/agreement.md`:
    /// `agreement|ENGINE|CHECK|VALUE|BOUND`.
    pub fn line(&self, engine: &str) -> String {
        format!("agreement|{engine}|{}|{:.1e}|{:.1e}", self.check, self.value, self.bound)
    }
}

/// What a set of checks found of one engine.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The largest error of each check.
    pub figures: Vec<Figure>,
    /// What is too far off, in words.
    pub failures: Vec<String>,
}

impl Findings {
    /// Adds an error: of each check the largest is kept, and one beyond the bound is a failure.
    pub fn add(&mut self, check: &str, value: f64, bound: f64, what: &str) {
        if !within(value, bound) {
            self.failures.push(format!("{check}: {what} is off by {value:.1e}, more than {bound:.1e}"));
        }
        match self.figures.iter_mut().find(|figure| figure.check == check) {
            Some(figure) if within(value, figure.value) => {}
            Some(figure) => figure.value = value,
            None => self.figures.push(Figure::new(check, value, bound)),
        }
    }

    /// Adds what others found.
    pub fn extend(&mut self, other: Self) {
        self.figures.extend(other.figures);
        self.failures.extend(other.failures);
    }
}

/// Whether an error is no larger than its bound; one that is not a number is not.
pub fn within(error: f64, bound: f64) -> bool {
    error.partial_cmp(&bound).is_some_and(|order| order.is_le())
}

/// The errors of a loss and of gradients at given weights.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    /// Of the loss, relative.
    pub loss: f64,
    /// The largest of a gradient, in norm.
    pub gradient: f64,
    /// The gradient that it is of.
    pub of: String,
}

impl Errors {
    /// Compares losses, and pairs of gradients with their names.
    pub fn of<'a>(loss: [f64; 2], gradients: impl IntoIterator<Item = (&'a str, [&'a [f64]; 2])>) -> Self {
        let mut errors = Self { loss: relative_error(&loss[..1], &loss[1..]), ..Self::default() };
        for (name, [found, wanted]) in gradients {
            let error = relative_error(found, wanted);
            if !within(error, errors.gradient) {
                errors = Self { gradient: error, of: name.to_string(), ..errors };
            }
        }
        errors
    }

    /// Checks the bounds. `flips` counts the decisions that fell the other way; it is asked only where the gradients would be
    /// too far off otherwise.
    ///
    /// # Errors
    /// Which bound is broken, in words.
    pub async fn check(&self, flips: impl AsyncFnOnce() -> Result<usize, String>) -> Result<(), String> {
        let Self { loss, gradient, of } = self;
        if !within(*loss, LOSS) {
            return Err(format!("the loss is off by {loss:.1e}, more than {LOSS:e}"));
        }
        if within(*gradient, GRADIENT) {
            return Ok(());
        }
        let flips = flips().await?;
        if flips > 0 && within(*gradient, FLIPPED) {
            return Ok(());
        }
        Err(format!("the gradient of {of} is off by {gradient:.1e}, and {flips} decisions flipped"))
    }
}

/// The first element that contributes to a failure.
fn first_off(found: &[f64], wanted: &[f64], size: f64) -> String {
    let allowed = KERNEL * size / (wanted.len() as f64).sqrt();
    let off = |i: &usize| !within((found[*i] - wanted[*i]).abs(), allowed);
    match (0..wanted.len()).find(off) {
        Some(i) => {
            let count = (0..wanted.len()).filter(off).count();
            format!("{count} of {} elements are, element {i} is {} and not {}", wanted.len(), found[i], wanted[i])
        }
        None => "no element stands out".into(),
    }
}
