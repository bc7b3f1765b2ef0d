//! Graphs: values with shapes, and the ops that make them from one another.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::ops::Op;
use crate::shape::TensorType;

/// The most elements that a tensor may hold, per sample: kernels count them in 32 bits.
pub const LARGEST_TENSOR: usize = 1 << 30;

/// A value of a graph, by its position in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// How a parameter begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform in `−bound … bound`.
    Uniform {
        /// The bound.
        bound: f32,
    },
    /// The same number everywhere.
    Constant(f32),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Fed from outside for each run: pictures, labels.
    Input,
    /// Kept from step to step, and in files; named as in PyTorch.
    Parameter {
        /// The name: `conv1.weight`.
        name: String,
        /// How it begins.
        init: Init,
        /// Whether it is learned by its gradient; if not, it follows a statistic ([`Graph::follow`]).
        learned: bool,
    },
    /// An output of a node.
    Node(usize),
}

/// A tensor of a graph.
#[derive(Clone, Debug)]
pub struct Value {
    /// Its element type and shape.
    pub ty: TensorType,
    /// Where it comes from.
    pub source: Source,
}

/// A parameter that follows a statistic: `p += momentum · (statistic − p)` after each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// The parameter.
    pub parameter: ValueId,
    /// What each run contributes: contributions of the runs that share a step add up.
    pub statistic: ValueId,
    /// How far it follows, 0 … 1.
    pub momentum: f32,
}

/// An op applied to values.
#[derive(Clone, Debug)]
pub struct Node {
    /// The op.
    pub op: Arc<dyn Op>,
    /// The values that it reads.
    pub inputs: Vec<ValueId>,
    /// The values that it makes.
    pub outputs: Vec<ValueId>,
    /// The layer that it belongs to.
    pub layer: String,
}

/// A graph in static single assignment: nodes stand in an order in which each comes after those whose outputs it reads.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// All values.
    pub values: Vec<Value>,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// What follows statistics while training.
    pub running: Vec<Running>,
    layer: String,
}

impl Graph {
    /// Names the layer that nodes added from here on belong to.
    pub fn enter(&mut self, layer: impl Into<String>) {
        self.layer = layer.into();
    }

    /// Adds a value that is fed for each run.
    ///
    /// # Errors
    /// [`Error::Shape`] where it would hold more than [`LARGEST_TENSOR`] elements a sample.
    pub fn input(&mut self, ty: TensorType) -> Result<ValueId> {
        self.check_size("input", &ty)?;
        Ok(self.push(Value { ty, source: Source::Input }))
    }

    /// Adds a parameter of shape `dims`.
    ///
    /// # Errors
    /// [`Error::Shape`] where it would hold more than [`LARGEST_TENSOR`] elements.
    pub fn parameter(&mut self, name: impl Into<String>, dims: impl Into<Vec<usize>>, init: Init) -> Result<ValueId> {
        let (name, ty) = (name.into(), TensorType::fixed(dims));
        self.check_size(&name, &ty)?;
        Ok(self.push(Value { ty, source: Source::Parameter { name, init, learned: true } }))
    }

    /// Adds a parameter of shape `dims` that is not learned, but may [follow](Self::follow) a statistic.
    ///
    /// # Errors
    /// [`Error::Shape`] where it would hold more than [`LARGEST_TENSOR`] elements.
    pub fn statistic(&mut self, name: impl Into<String>, dims: impl Into<Vec<usize>>, init: Init) -> Result<ValueId> {
        let (name, ty) = (name.into(), TensorType::fixed(dims));
        self.check_size(&name, &ty)?;
        Ok(self.push(Value { ty, source: Source::Parameter { name, init, learned: false } }))
    }

    /// Makes a parameter follow a statistic of its shape.
    pub fn follow(&mut self, parameter: ValueId, statistic: ValueId, momentum: f32) {
        self.running.push(Running { parameter, statistic, momentum });
    }

    /// Whether a value is a parameter that is learned.
    pub fn is_learned(&self, value: ValueId) -> bool {
        matches!(self.values[value.0].source, Source::Parameter { learned: true, .. })
    }

    /// Applies an op and returns all of its outputs.
    ///
    /// # Errors
    /// [`Error::Shape`] where the inputs' shapes don't fit the op.
    pub fn apply(&mut self, op: impl Op + 'static, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        self.apply_shared(Arc::new(op), inputs)
    }

    /// As [`Graph::apply`]: the same code whatever the op.
    fn apply_shared(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        let types: Vec<TensorType> = inputs.iter().map(|&v| self.ty(v).clone()).collect();
        let outputs = op.infer(&types).map_err(|problem| Error::Shape {
            layer: self.layer.clone(),
            op: op.name().to_string(),
            problem: problem.0,
        })?;
        outputs.iter().try_for_each(|ty| self.check_size(op.name(), ty))?;
        let node = self.nodes.len();
        let outputs: Vec<ValueId> =
            outputs.into_iter().map(|ty| self.push(Value { ty, source: Source::Node(node) })).collect();
        let (inputs, layer) = (inputs.to_vec(), self.layer.clone());
        self.nodes.push(Node { op, inputs, outputs: outputs.clone(), layer });
        Ok(outputs)
    }

    /// Applies an op and returns its first output.
    ///
    /// # Errors
    /// As [`Graph::apply`].
    pub fn apply1(&mut self, op: impl Op + 'static, inputs: &[ValueId]) -> Result<ValueId> {
        self.apply1_shared(Arc::new(op), inputs)
    }

    /// As [`Graph::apply1`]: the same code whatever the op.
    fn apply1_shared(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<ValueId> {
        Ok(self.apply_shared(op, inputs)?[0])
    }

    /// A value's type.
    pub fn ty(&self, value: ValueId) -> &TensorType {
        &self.values[value.0].ty
    }

    /// The parameters in the order in which they were added, with their names.
    pub fn parameters(&self) -> impl Iterator<Item = (ValueId, &str, Init)> {
        self.values.iter().enumerate().filter_map(|(id, value)| match &value.source {
            Source::Parameter { name, init, .. } => Some((ValueId(id), name.as_str(), *init)),
            _ => None,
        })
    }

    /// For each node, whether any of `wanted` depends on it.
    pub fn live(&self, wanted: &[ValueId]) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        let mark = |live: &mut Vec<bool>, v: ValueId| {
            if let Source::Node(node) = self.values[v.0].source {
                live[node] = true;
            }
        };
        wanted.iter().for_each(|&v| mark(&mut live, v));
        for node in (0..self.nodes.len()).rev() {
            if live[node] {
                self.nodes[node].inputs.iter().for_each(|&v| mark(&mut live, v));
            }
        }
        live
    }

    fn check_size(&self, op: &str, ty: &TensorType) -> Result<()> {
        let elements = ty.dims.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
        match elements {
            Some(0) => Err("has no elements".to_string()),
            Some(count) if count <= LARGEST_TENSOR => Ok(()),
            _ => Err(format!("{ty} has more than {LARGEST_TENSOR} elements; choose smaller sizes")),
        }
        .map_err(|problem| Error::Shape { layer: self.layer.clone(), op: op.to_string(), problem })
    }

    fn push(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }
}
