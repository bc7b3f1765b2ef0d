//! From a graph alone to a program: an op with its inputs, or a part of a network, run by itself.

use std::collections::HashMap;

use super::compile::{pin, push, settle};
use super::{Buffer, Plan, PlanKind, Program, Role, Slice, validate};
use crate::engine::Limits;
use crate::error::{Error, Result};
use crate::graph::{Graph, Source, ValueId};
use crate::lower::{Lowering, TensorId};

/// A program that computes values of a graph: [`PlanKind::Predict`] runs it, and nothing else is in it. The fields that
/// speak of a dataset or of parameters are empty.
#[derive(Clone, Debug)]
pub struct GraphProgram {
    /// The program.
    pub program: Program,
    /// Where the host writes each input and parameter of the graph; batched ones have room for the capacity.
    pub inputs: HashMap<ValueId, Slice>,
    /// Where the wanted values lie after a run, in the order in which they were asked for, each in a buffer of its own.
    pub outputs: Vec<Slice>,
}

/// Makes the program that computes `wanted` for runs of at most `capacity` samples, lowered, fused and placed as networks are,
/// and validates it.
///
/// # Errors
/// [`Error::TooLarge`] where a tensor is larger than a binding or a buffer.
pub fn compile_graph(graph: &Graph, wanted: &[ValueId], capacity: usize, limits: &Limits) -> Result<GraphProgram> {
    let mut buffers = Vec::new();
    let nothing = push(&mut buffers, "nothing".into(), 4, Role::Activations);
    let mut inputs = HashMap::new();
    for (index, value) in graph.values.iter().enumerate() {
        if !matches!(value.source, Source::Node(_)) {
            inputs.insert(ValueId(index), buffer_for(graph, &mut buffers, ValueId(index), capacity, limits)?);
        }
    }
    let outputs = wanted.iter().map(|&v| buffer_for(graph, &mut buffers, v, capacity, limits));
    let outputs = outputs.collect::<Result<Vec<Slice>>>()?;

    let mut lowering = Lowering::new(graph);
    lowering.lower(wanted);
    let mut pinned = inputs.iter().map(|(&value, &slice)| (value.into(), slice)).collect();
    for (&value, &slice) in wanted.iter().zip(&outputs) {
        pin(&mut lowering, &mut pinned, TensorId::from(value), slice);
    }
    let first_arena = buffers.len();
    let steps = settle(&mut lowering, &pinned, capacity, limits, &mut buffers, first_arena)?.steps;
    let plans = PlanKind::ALL.map(|kind| Plan {
        name: format!("{kind:?}").to_ascii_lowercase(),
        steps: if kind == PlanKind::Predict { steps.clone() } else { Vec::new() },
        exchanges: Vec::new(),
    });
    let program = Program {
        capacity,
        slots: 1,
        buffers,
        plans: plans.into(),
        parameters: Vec::new(),
        chunks: Vec::new(),
        ranges: Vec::new(),
        pixels: nothing,
        pictures: 0,
        picture_words: 1,
        labels: nothing,
        indices: nothing,
        augmentation: None,
        class_weights: None,
        metrics: nothing,
        tallies: nothing,
        flag: nothing,
        logits: nothing,
        classes: 1,
    };
    validate(&program, limits)?;
    Ok(GraphProgram { program, inputs, outputs })
}

/// A buffer as large as a value is at the capacity.
fn buffer_for(
    graph: &Graph,
    buffers: &mut Vec<Buffer>,
    value: ValueId,
    capacity: usize,
    limits: &Limits,
) -> Result<Slice> {
    let bytes = graph.ty(value).extent().at(capacity).saturating_mul(4);
    let what = format!("value {}, {}", value.0, graph.ty(value));
    let limit = limits.max_binding_bytes.min(limits.max_buffer_bytes);
    if bytes > limit {
        return Err(Error::TooLarge { what, bytes, limit });
    }
    Ok(Slice { bytes, ..push(buffers, what, bytes, Role::Activations) })
}
