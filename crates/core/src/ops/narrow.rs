//! A part of the channels.

use super::{Concat, Constant, Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Copy;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// `y[n, c, …] = x[n, start + c, …]` for `c < length`, as PyTorch's `narrow` along dimension 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrow {
    /// The first channel.
    pub start: usize,
    /// The number of channels.
    pub length: usize,
}

impl Op for Narrow {
    fn name(&self) -> &'static str {
        "narrow"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "input")?;
        let Self { start, length } = *self;
        match x.dims.first() {
            Some(&channels) if x.batched && length > 0 && start.saturating_add(length) <= channels => {
                let mut y = x.clone();
                y.dims[0] = length;
                Ok(vec![y])
            }
            _ => Err(Problem::new(format!("wants {length} channels from {start} on, and was given {x}"))),
        }
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let x = inputs[0];
        let inner: usize = x.dims[2..].iter().product();
        let rows = x.data.chunks(x.dims[1] * inner);
        let data = rows.flat_map(|row| &row[self.start * inner..][..self.length * inner]).copied().collect();
        let mut dims = x.dims.clone();
        dims[1] = self.length;
        vec![Tensor::new(dims, data)]
    }

    // What arrives at the part leaves to its place; the channels beside it receive nothing.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let x = graph.ty(node.inputs[0]).clone();
        let mut parts = vec![g];
        for (count, before) in [(self.start, true), (x.dims[0] - self.start - self.length, false)] {
            if count > 0 {
                let mut ty = x.clone();
                ty.dims[0] = count;
                let zeros = graph.apply1(Constant { value: 0.0, ty }, &[])?;
                parts.insert(if before { 0 } else { parts.len() }, zeros);
            }
        }
        Ok(vec![Some(if parts.len() == 1 { g } else { graph.apply1(Concat, &parts)? })])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[0]);
        let inner: usize = x.dims[1..].iter().product();
        let (len, from_stride) = (self.length * inner, x.inner());
        let from_offset = self.start * inner;
        let rows = Extent::Batch(1);
        lowering.node(Copy { rows, len, from_stride, from_offset, to_stride: len, to_offset: 0 }, node);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let of = |start, length, dims: &[usize]| Example::of_numbers(Narrow { start, length }, [TensorType::batched(dims)]);
    vec![of(0, 2, &[5, 3, 2]), of(2, 3, &[5, 3]), of(1, 1, &[3]), of(0, 4, &[4, 2, 2])]
}
