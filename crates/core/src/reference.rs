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
}

impl Batch {
    /// A run that is the whole step.
    pub fn whole(samples: usize) -> Self {
        Self { samples, global: samples }
    }
}

/// Computes the wanted values from those of the inputs and parameters.
///
/// # Panics
/// Where an input or parameter that is needed has no value in `known`, or one of another shape.
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
