//! The reference interpreter: runs a graph in double precision, op by op. It is the definition that engines are held to.

use std::collections::HashMap;

use crate::graph::{Graph, Source, ValueId};
use crate::tensor::Tensor;

/// How many samples a run holds, and how many the whole step: means are over the latter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Samples in this run.
    pub samples: usize,
    /// Samples of the global batch, over all runs that share a step.
    pub global: usize,
    /// What random numbers follow from.
    pub draws: Draws,
}

/// What random numbers within a graph follow from: as in the step block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draws {
    /// The seed.
    pub seed: u64,
    /// The step's number.
    pub step: u32,
    /// The position of the run's first sample in the global batch.
    pub first_sample: u32,
}

impl Batch {
    /// A run that is the whole step.
    pub const fn whole(samples: usize) -> Self {
        Self::part(samples, samples)
    }

    /// A run of `samples` of a step's `global`.
    pub const fn part(samples: usize, global: usize) -> Self {
        Self { samples, global, draws: Draws { seed: 0, step: 0, first_sample: 0 } }
    }
}

/// Computes the wanted values from those of the inputs and parameters.
///
/// # Panics
/// Where an input or parameter that is needed has no value in `known`, or one of another shape.
#[cfg(not(feature = "lean"))]
pub fn run(graph: &Graph, known: &HashMap<ValueId, Tensor>, batch: Batch, wanted: &[ValueId]) -> Vec<Tensor> {
    let mut values = known.clone();
    for (id, tensor) in known {
        assert_eq!(tensor.dims, graph.ty(*id).resolve(batch.samples), "value {} has another shape", id.0);
    }
    let live = graph.live(wanted);
    for (node, _) in graph.nodes.iter().zip(live).filter(|(_, live)| *live) {
        let inputs: Vec<&Tensor> = node.inputs.iter().map(|v| &values[v]).collect();
        let outputs = node.op.reference(&inputs, batch);
        for (&id, tensor) in node.outputs.iter().zip(outputs) {
            debug_assert!(matches!(graph.values[id.0].source, Source::Node(_)));
            assert_eq!(tensor.dims, graph.ty(id).resolve(batch.samples), "{} made another shape", node.op.name());
            values.insert(id, tensor);
        }
    }
    wanted.iter().map(|v| values[v].clone()).collect()
}
