//! Graphs around one op.

use std::sync::Arc;

use convoke_core::error::{Problem, Result};
use convoke_core::graph::{Graph, Node, ValueId};
use convoke_core::lower::Lowering;
use convoke_core::ops::{Example, Op};
use convoke_core::random::{Stream, StreamId};
use convoke_core::reference::Batch;
use convoke_core::shape::TensorType;
use convoke_core::tensor::Tensor;

use crate::values::fill;

/// An op that examples share, as one that a graph may own.
#[derive(Clone, Debug)]
struct Shared(Arc<dyn Op>);

impl Op for Shared {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        self.0.infer(inputs)
    }

    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        self.0.reference(inputs, batch)
    }

    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        self.0.derivative(graph, node, arriving)
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        self.0.lower(lowering, node);
    }
}

/// A graph of one op.
pub struct OpGraph {
    /// The graph.
    pub graph: Graph,
    /// The op's inputs, all fed.
    pub inputs: Vec<ValueId>,
    /// The op's outputs.
    pub outputs: Vec<ValueId>,
}

impl OpGraph {
    /// An example's op on its inputs.
    ///
    /// # Errors
    /// Where the op refuses its own example.
    pub fn new(example: &Example) -> Result<Self> {
        let mut graph = Graph::default();
        graph.enter("law");
        let inputs = example.inputs.iter().map(|(ty, _)| graph.input(ty.clone())).collect::<Result<Vec<_>>>()?;
        let outputs = graph.apply(Shared(example.op.clone()), &inputs)?;
        Ok(Self { graph, inputs, outputs })
    }
}

/// Values for an example's inputs.
pub fn feeds(example: &Example, seed: u64, samples: usize) -> Vec<Tensor> {
    let inputs = example.inputs.iter().enumerate();
    let stream = |input: usize| Stream::new(seed, StreamId::Test, 1 + input as u32, samples as u32);
    inputs.map(|(i, (ty, kind))| fill(&mut stream(i), ty, *kind, samples)).collect()
}
