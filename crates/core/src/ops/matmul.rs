//! Matrix product: a linear layer and its gradients.

use super::{Example, Generator, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::Epilogue;
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::Gemm;
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// `c = op(a) · op(b)`, where `op` transposes as the flags say. A batch of vectors `[N, k]` is a matrix of `N` rows; a
/// product along `N` sums over the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// Whether the first matrix is transposed.
    pub transpose_a: bool,
    /// Whether the second matrix is transposed.
    pub transpose_b: bool,
}

/// Rows and columns, transposed where asked.
fn extents(ty: &TensorType, transpose: bool) -> Option<[Extent; 2]> {
    let [rows, columns] = match (ty.batched, ty.dims.as_slice()) {
        (true, &[columns]) => [Extent::Batch(1), Extent::Fixed(columns)],
        (false, &[rows, columns]) => [Extent::Fixed(rows), Extent::Fixed(columns)],
        _ => return None,
    };
    Some(if transpose { [columns, rows] } else { [rows, columns] })
}

impl MatMul {
    fn extents(self, inputs: &[TensorType; 2]) -> Option<[Extent; 3]> {
        let [m, k] = extents(&inputs[0], self.transpose_a)?;
        let [also_k, n] = extents(&inputs[1], self.transpose_b)?;
        (k == also_k && matches!(n, Extent::Fixed(_))).then_some([m, n, k])
    }
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let inputs = arity::<2>(inputs)?;
        inputs.iter().try_for_each(|ty| floats(ty, "matrices"))?;
        let Some([m, Extent::Fixed(n), _]) = self.extents(inputs) else {
            let mark = |transpose| if transpose { " transposed" } else { "" };
            let (a, b) = (mark(self.transpose_a), mark(self.transpose_b));
            return Err(Problem::new(format!("can't multiply {}{a} by {}{b}", inputs[0], inputs[1])));
        };
        Ok(vec![match m {
            Extent::Fixed(m) => TensorType::fixed([m, n]),
            _ => TensorType::batched([n]),
        }])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let [a, b] = [inputs[0], inputs[1]];
        let at = |t: &Tensor, transpose: bool, i, j| t.data[if transpose { j * t.dims[1] + i } else { i * t.dims[1] + j }];
        let [m, k] = if self.transpose_a { [a.dims[1], a.dims[0]] } else { [a.dims[0], a.dims[1]] };
        let n = b.dims[usize::from(!self.transpose_b)];
        let dot = |i: usize| {
            (0..k).map(|p| at(a, self.transpose_a, i / n, p) * at(b, self.transpose_b, p, i % n)).sum::<f64>()
        };
        vec![Tensor::from_fn([m, n], dot)]
    }

    // With A = op(a), B = op(b): dA = G·Bᵀ and dB = Aᵀ·G, and each transposed where its operand is.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None, None]) };
        let (a, b) = (node.inputs[0], node.inputs[1]);
        let mut product = |x, y, transpose_a, transpose_b| graph.apply1(Self { transpose_a, transpose_b }, &[x, y]);
        let to_a = match self.transpose_a {
            false => product(g, b, false, !self.transpose_b)?,
            true => product(b, g, self.transpose_b, true)?,
        };
        let to_b = match self.transpose_b {
            false => product(a, g, !self.transpose_a, false)?,
            true => product(g, a, true, self.transpose_a)?,
        };
        Ok(vec![Some(to_a), Some(to_b)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let inputs = [0, 1].map(|i| lowering.graph.ty(node.inputs[i]).clone());
        let [m, n, k] = self.extents(&inputs).expect("the shape rule has accepted these");
        let (transpose_a, transpose_b) = (self.transpose_a, self.transpose_b);
        lowering.node(Gemm { m, n, k, transpose_a, transpose_b, epilogue: Epilogue::identity() }, node);
    }
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let [k, n] = [generator.between(1, 40), generator.between(1, 40)];
        let (x, w, g) = (TensorType::batched([k]), TensorType::fixed([n, k]), TensorType::batched([n]));
        let mut add = |transpose_a, transpose_b, a: &TensorType, b: &TensorType| {
            examples.push(Example::of_numbers(MatMul { transpose_a, transpose_b }, [a.clone(), b.clone()]));
        };
        add(false, true, &x, &w);
        add(false, false, &g, &w);
        add(true, false, &g, &x);
        add(true, true, &TensorType::fixed([k, 5]), &w);
    }
    examples
}
