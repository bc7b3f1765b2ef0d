//! Lowering: from a graph's ops to kernel steps on tensors, before these have a place in memory.

use std::collections::HashMap;

use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Kernel;
use crate::shape::Extent;

/// A tensor of a lowered graph: a value, or a temporary that only kernels know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TensorId {
    /// A value of the graph.
    Value(ValueId),
    /// A temporary, by its number.
    Temporary(usize),
}

impl From<ValueId> for TensorId {
    fn from(value: ValueId) -> Self {
        Self::Value(value)
    }
}

/// A kernel on tensors.
#[derive(Clone, Debug)]
pub struct LoweredStep {
    /// The kernel.
    pub kernel: Kernel,
    /// The tensors that it reads, in the kernel's order.
    pub reads: Vec<TensorId>,
    /// The tensors that it writes, in the kernel's order.
    pub writes: Vec<TensorId>,
    /// The layer that it belongs to.
    pub label: String,
}

/// A list of kernel steps under construction: what [`Op::lower`](crate::ops::Op::lower) adds to.
#[derive(Debug)]
pub struct Lowering<'g> {
    /// The graph that is lowered.
    pub graph: &'g Graph,
    /// The steps so far.
    pub steps: Vec<LoweredStep>,
    /// Whether statistics of the batch are those of the global batch, where that is split over several engines.
    pub synchronized: bool,
    /// Means over the run's samples that have to become means over the global batch before they are read.
    pub exchanged: Vec<TensorId>,
    aliases: HashMap<ValueId, ValueId>,
    temporaries: Vec<Extent>,
    layer: String,
}

impl<'g> Lowering<'g> {
    /// Nothing lowered yet.
    pub fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            steps: Vec::new(),
            synchronized: false,
            exchanged: Vec::new(),
            aliases: HashMap::new(),
            temporaries: Vec::new(),
            layer: String::new(),
        }
    }

    /// Lowers every node that one of `wanted` depends on.
    pub fn lower(&mut self, wanted: &[ValueId]) {
        let live = self.graph.live(wanted);
        for (node, _) in self.graph.nodes.iter().zip(live).filter(|(_, live)| *live) {
            self.layer.clone_from(&node.layer);
            node.op.lower(self, node);
        }
    }

    /// Names the layer that steps added from here on belong to.
    pub fn enter(&mut self, layer: &str) {
        self.layer = layer.to_string();
    }

    /// Adds a kernel step.
    pub fn step(
        &mut self,
        kernel: impl Into<Kernel>,
        reads: impl IntoIterator<Item = TensorId>,
        writes: impl IntoIterator<Item = TensorId>,
    ) {
        let reads = reads.into_iter().map(|t| self.resolve(t)).collect();
        let writes = writes.into_iter().collect();
        self.steps.push(LoweredStep { kernel: kernel.into(), reads, writes, label: self.layer.clone() });
    }

    /// Adds a kernel step that reads all of a node's inputs and writes all of its outputs.
    pub fn node(&mut self, kernel: impl Into<Kernel>, node: &Node) {
        self.step(kernel, node.inputs.iter().map(|&v| v.into()), node.outputs.iter().map(|&v| v.into()));
    }

    /// A temporary of so many 4-byte elements.
    pub fn temporary(&mut self, extent: Extent) -> TensorId {
        self.temporaries.push(extent);
        TensorId::Temporary(self.temporaries.len() - 1)
    }

    /// Says that a tensor is a mean over the run's samples: where statistics are synchronized, it has to become one over the global batch.
    pub fn exchange(&mut self, mean: TensorId) {
        if self.synchronized {
            self.exchanged.push(mean);
        }
    }

    /// Makes `output` another name for the memory of `of`.
    pub fn alias(&mut self, output: ValueId, of: ValueId) {
        self.aliases.insert(output, of);
    }

    /// The tensor whose memory stands for `tensor`.
    pub fn resolve(&self, tensor: TensorId) -> TensorId {
        match tensor {
            TensorId::Value(mut value) => {
                while let Some(&of) = self.aliases.get(&value) {
                    value = of;
                }
                TensorId::Value(value)
            }
            temporary => temporary,
        }
    }

    /// The number of 4-byte elements of a tensor.
    pub fn extent(&self, tensor: TensorId) -> Extent {
        match tensor {
            TensorId::Value(value) => self.graph.ty(value).extent(),
            TensorId::Temporary(index) => self.temporaries[index],
        }
    }
}
