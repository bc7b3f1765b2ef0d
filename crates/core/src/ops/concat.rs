//! Channels of several tensors side by side.

use super::{Example, Generator, Narrow, Op, floats};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Copy;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// The channels of one tensor after those of another, as PyTorch's `cat` along dimension 1. Everything after the channels is
/// of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat;

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        inputs.iter().try_for_each(|ty| floats(ty, "inputs"))?;
        let fits = |ty: &TensorType| ty.batched && !ty.dims.is_empty() && ty.dims[1..] == inputs[0].dims[1..];
        if inputs.is_empty() || !inputs.iter().all(fits) {
            let given: Vec<String> = inputs.iter().map(TensorType::to_string).collect();
            let given = given.join(", ");
            return Err(Problem::new(format!("wants tensors that differ in their channels alone, and was given {given}")));
        }
        let mut y = inputs[0].clone();
        y.dims[0] = inputs.iter().map(|ty| ty.dims[0]).sum();
        Ok(vec![y])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let mut data = Vec::new();
        for n in 0..batch.samples {
            for x in inputs {
                let row = x.data.len() / batch.samples;
                data.extend_from_slice(&x.data[n * row..][..row]);
            }
        }
        let mut dims = inputs[0].dims.clone();
        dims[1] = inputs.iter().map(|x| x.dims[1]).sum();
        vec![Tensor::new(dims, data)]
    }

    // Each part receives what arrives at its place.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None; node.inputs.len()]) };
        let (mut start, mut leaving) = (0, Vec::new());
        for &input in &node.inputs {
            let length = graph.ty(input).dims[0];
            leaving.push(Some(graph.apply1(Narrow { start, length }, &[g])?));
            start += length;
        }
        Ok(leaving)
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let (to_stride, mut to_offset) = (lowering.graph.ty(node.outputs[0]).inner(), 0);
        for &input in &node.inputs {
            let len = lowering.graph.ty(input).inner();
            let copy = Copy { rows: Extent::Batch(1), len, from_stride: len, from_offset: 0, to_stride, to_offset };
            lowering.step(copy, [input.into()], [node.outputs[0].into()]);
            to_offset += len;
        }
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let of = |shapes: &[&[usize]]| Example::of_numbers(Concat, shapes.iter().map(|&dims| TensorType::batched(dims)));
    vec![of(&[&[2, 3, 2], &[1, 3, 2], &[4, 3, 2]]), of(&[&[3], &[5]]), of(&[&[2, 2, 2]])]
}
