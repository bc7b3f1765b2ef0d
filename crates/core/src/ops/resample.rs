//! Images of another size: upsampling, adaptive pooling, padding, and the gradients of all of them.

use super::{Example, Generator, Op, arity, floats, images};
use crate::error::{Problem, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{self, Bands};
use crate::lower::Lowering;
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// `y[n, c] = rows · x[n, c] · columnsᵀ`, with a banded matrix along each axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Resample {
    /// Along the height.
    pub rows: Bands,
    /// Along the width.
    pub columns: Bands,
}

/// The most weights along an axis: they are written into a shader.
const MOST_WEIGHTS: usize = 1 << 14;

impl Op for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x] = arity(inputs)?;
        floats(x, "images")?;
        let [channels, height, width] = images(x, "images")?;
        for (axis, bands, found) in [("height", &self.rows, height), ("width", &self.columns, width)] {
            if bands.input != found || bands.output() == 0 {
                let (from, to) = (bands.input, bands.output());
                return Err(Problem::new(format!("resamples a {axis} of {from} to {to}, and was given {x}")));
            }
            let back = bands.transposed().longest() * bands.input;
            let weights = (bands.longest() * bands.output()).max(back);
            if weights > MOST_WEIGHTS {
                let (from, to) = (bands.input, bands.output());
                return Err(Problem::new(format!("a {axis} of {from} can't become {to}: that takes a table of {weights} weights, and {MOST_WEIGHTS} fit; choose a size nearer to the input's")));
            }
        }
        Ok(vec![TensorType::batched([channels, self.rows.output(), self.columns.output()])])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], _: Batch) -> Vec<Tensor> {
        let x = inputs[0];
        let [height, width] = [self.rows.input, self.columns.input];
        let [out_height, out_width] = [self.rows.output(), self.columns.output()];
        let mut dims = x.dims.clone();
        dims[2..].copy_from_slice(&[out_height, out_width]);
        vec![Tensor::from_fn(dims, |at| {
            let (plane, row, column) = (at / (out_height * out_width), at / out_width % out_height, at % out_width);
            let (row, column) = (&self.rows.bands[row], &self.columns.bands[column]);
            let mut sum = 0.0;
            for (a, vertical) in row.weights.iter().enumerate() {
                for (b, horizontal) in column.weights.iter().enumerate() {
                    let place = (plane * height + row.first + a) * width + column.first + b;
                    sum += vertical * horizontal * x.data[place];
                }
            }
            sum
        })]
    }

    // Linear: its transpose, along each axis.
    fn derivative(&self, graph: &mut Graph, _: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let Some(g) = arriving[0] else { return Ok(vec![None]) };
        let back = Self { rows: self.rows.transposed(), columns: self.columns.transposed() };
        Ok(vec![Some(graph.apply1(back, &[g])?)])
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let channels = lowering.graph.ty(node.inputs[0]).dims[0];
        let kernel = kernels::Resample { channels, rows: self.rows.clone(), columns: self.columns.clone() };
        lowering.node(kernel, node);
    }
}

pub(super) fn examples(generator: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for _ in 0..generator.examples {
        let [channels, height, width] = [3, 9, 9].map(|largest| generator.between(1, largest));
        let mut sides = |most: usize| [generator.between(0, most), generator.between(0, most)];
        let (vertical, horizontal) = (sides(height - 1), sides(width - 1));
        let [more_rows, more_columns] = [sides(12)[0] + 1, sides(12)[1] + 1];
        let all = [
            (Bands::nearest(height, more_rows), Bands::nearest(width, more_columns)),
            (Bands::linear(height, more_rows), Bands::linear(width, more_columns)),
            (Bands::adaptive_average(height, more_rows), Bands::adaptive_average(width, more_columns)),
            (Bands::zeros(height, vertical), Bands::zeros(width, horizontal)),
            (Bands::reflect(height, vertical), Bands::reflect(width, horizontal)),
            (Bands::replicate(height, vertical), Bands::replicate(width, horizontal)),
        ];
        let ty = TensorType::batched([channels, height, width]);
        examples.extend(all.map(|(rows, columns)| Example::of_numbers(Resample { rows, columns }, [ty.clone()])));
    }
    examples
}
