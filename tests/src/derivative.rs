//! The law of derivatives: what [`differentiate`] says is what finite differences of the definition say.

use std::collections::HashMap;

use convoke_core::autodiff::differentiate;
use convoke_core::error::{Error, Result};
use convoke_core::graph::{Graph, ValueId};
use convoke_core::ops::{Example, Fill};
use convoke_core::random::{Stream, StreamId};
use convoke_core::reference::{self, Batch};
use convoke_core::shape::DType;
use convoke_core::tensor::Tensor;

use crate::values::{distance, norm, numbers, spacing};
use crate::{OpGraph, feeds};

/// Single elements of one input that are moved, at most.
const ELEMENTS: usize = 40;
/// Directions in which all elements of one input are moved at once, so that none is left out.
const DIRECTIONS: usize = 4;
/// The largest step. Most ops are linear in each input, where its size doesn't matter; for the others the error of the
/// difference is of the order of its square.
const STEP: f64 = 1e-4;

/// What a derivative is worth.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// ‖finite differences − derivative‖ / ‖derivative‖ over all that was moved, the largest of all inputs.
    Error(f64),
    /// The op says that it has none.
    NotDifferentiable,
}

/// Compares an op's derivative with finite differences, both of `Σ outputs · seeds` with random seeds.
///
/// # Errors
/// Where the op refuses its own example, or its derivative's graph doesn't fit together.
pub fn check_derivative(example: &Example, seed: u64, batch: Batch) -> Result<Verdict> {
    let OpGraph { mut graph, inputs, outputs } = OpGraph::new(example)?;
    let values = feeds(example, seed, batch.samples);
    let float = |graph: &Graph, v: &ValueId| graph.ty(*v).dtype == DType::F32;
    let outputs: Vec<ValueId> = outputs.into_iter().filter(|v| float(&graph, v)).collect();
    let is_data = |kind: Fill| kind == Fill::Shares;
    let wrt = inputs.iter().zip(&example.inputs).filter(|(v, (_, kind))| float(&graph, v) && !is_data(*kind));
    let wrt: Vec<ValueId> = wrt.map(|(v, _)| *v).collect();
    let mut known: Known = inputs.iter().copied().zip(values).collect();
    let mut seeds = Vec::new();
    for (k, &output) in outputs.iter().enumerate() {
        let seed_value = graph.input(graph.ty(output).clone())?;
        let mut stream = Stream::new(seed, StreamId::Test, 100 + k as u32, 0);
        known.insert(seed_value, numbers(&mut stream, graph.ty(output).resolve(batch.samples)));
        seeds.push((output, seed_value));
    }
    let gradients = match differentiate(&mut graph, &seeds, &wrt) {
        Ok(gradients) => gradients,
        Err(Error::NotDifferentiable { .. }) => return Ok(Verdict::NotDifferentiable),
        Err(other) => return Err(other),
    };
    let functional = |known: &Known| -> f64 {
        let results = reference::run(&graph, known, batch, &outputs);
        results.iter().zip(&seeds).map(|(y, (_, s))| dot(&y.data, &known[s].data)).sum()
    };
    let error = |(&input, gradient): (&ValueId, Option<ValueId>)| {
        let gradient = match gradient {
            Some(value) => reference::run(&graph, &known, batch, &[value]).remove(0),
            None => Tensor::zeros(known[&input].dims.clone()),
        };
        let mut stream = Stream::new(seed, StreamId::Test, 200, input.0 as u32);
        error_of(&functional, &known, input, &gradient, &mut stream)
    };
    Ok(Verdict::Error(wrt.iter().zip(gradients).map(error).fold(0.0, f64::max)))
}

/// Values of a graph.
type Known = HashMap<ValueId, Tensor>;

/// Moves one input and returns ‖finite differences of the functional − derivative‖ / ‖derivative‖.
fn error_of(
    functional: &dyn Fn(&Known) -> f64,
    known: &Known,
    input: ValueId,
    gradient: &Tensor,
    stream: &mut Stream,
) -> f64 {
    assert_eq!(gradient.dims, known[&input].dims, "a gradient has its input's shape");
    let count = gradient.data.len();
    // Far from the nearest other number and from 0, which is half as far: no maximum and no sign changes.
    let step = STEP.min(spacing(count) / 16.0);
    let (mut found, mut said) = (Vec::new(), Vec::new());
    for direction in directions(stream, count) {
        let moved = |sign: f64| {
            let mut moved = known.clone();
            let tensor = moved.get_mut(&input).expect("inputs are fed");
            tensor.data.iter_mut().zip(&direction).for_each(|(x, d)| *x += sign * step * d);
            functional(&moved)
        };
        found.push((moved(1.0) - moved(-1.0)) / (2.0 * step));
        said.push(dot(&gradient.data, &direction));
    }
    // An input that the functional doesn't depend on has the derivative 0, and differences of rounding errors.
    let error = distance(&found, &said) / norm(&said).max(1e-3);
    if error.is_nan() { f64::INFINITY } else { error }
}

/// Single elements, and directions along all of them.
fn directions(stream: &mut Stream, count: usize) -> Vec<Vec<f64>> {
    let mut chosen = stream.permutation(count as u32);
    chosen.truncate(ELEMENTS);
    let unit = |element: u32| (0..count).map(|i| if i == element as usize { 1.0 } else { 0.0 }).collect();
    let mut directions: Vec<Vec<f64>> = chosen.into_iter().map(unit).collect();
    for _ in 0..DIRECTIONS {
        directions.push((0..count).map(|_| f64::from(stream.uniform(-1.0, 1.0))).collect());
    }
    directions
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
