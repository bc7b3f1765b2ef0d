//! The gradient of a normalisation.

use super::norm::{Over, Term, channel_sum, check, inverse_deviation, shapes, sides};
use super::{Example, Generator, Op, floats, not_differentiable};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{BatchMean, Map};
use crate::lower::{Lowering, TensorId};
use crate::reference::Batch;
use crate::shape::TensorType;
use crate::tensor::Tensor;

/// The gradients of [`Norm`](super::Norm)'s inputs. Inputs: `g` (what arrives at `y`), `x`, `weight [C]`, mean, variance, and with
/// `statistics` what arrives at mean and variance. Outputs: the gradients of `x`, `weight` and `bias`.
///
/// With `r = 1 / √(variance + eps)`, `x̂ = (x − mean) · r`, `h = g · weight`, and means over the elements that share a statistic:
/// `dx = r · (h − mean(h) − x̂ · mean(h · x̂))`, `dweight = Σ g · x̂`, `dbias = Σ g` (Ioffe and Szegedy, 2015, section 3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormGrad {
    /// What is normalised together.
    pub over: Over,
    /// Added to the variance.
    pub eps: f32,
    /// Whether something arrives at mean and variance too.
    pub statistics: bool,
}

impl Op for NormGrad {
    fn name(&self) -> &'static str {
        match self.over {
            Over::Batch => "batch_norm_grad",
            Over::Groups(_) => "group_norm_grad",
            Over::Channels => "layer_norm_grad",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let wanted = if self.statistics { 7 } else { 5 };
        if inputs.len() != wanted {
            return Err(Problem::new(format!("takes {wanted} inputs and was given {}", inputs.len())));
        }
        let (g, x, weight) = (&inputs[0], &inputs[1], &inputs[2]);
        check(x, &[weight])?;
        floats(g, "gradient")?;
        let statistics = self.over.statistics(x);
        if g != x || inputs[3..].iter().any(|ty| *ty != statistics) {
            return Err(Problem::new(format!("wants a gradient of {x} and statistics of {statistics}, and was given {g} and {}", inputs[3])));
        }
        Ok(vec![x.clone(), weight.clone(), weight.clone()])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let [g, x, weight, mean, variance] = [0, 1, 2, 3, 4].map(|i| inputs[i]);
        let ty = TensorType::batched(&x.dims[1..]);
        let (at, [channels, inner]) = (self.over.broadcast(&ty), sides(&ty));
        let count = self.over.elements(&ty, batch);
        let inverse = |s: usize| 1.0 / (variance.data[s] + f64::from(self.eps)).sqrt();
        let normal = |i: usize| (x.data[i] - mean.data[at.index(i)]) * inverse(at.index(i));
        let mut sums = [Tensor::zeros(mean.dims.clone()), Tensor::zeros(mean.dims.clone())];
        let mut parameters = [Tensor::zeros([channels]), Tensor::zeros([channels])];
        for (i, g) in g.data.iter().enumerate() {
            let (c, s) = (i / inner % channels, at.index(i));
            sums[0].data[s] += g * weight.data[c] / count;
            sums[1].data[s] += g * weight.data[c] * normal(i) / count;
            parameters[0].data[c] += g * normal(i);
            parameters[1].data[c] += g;
        }
        let dx = Tensor::from_fn(x.dims.clone(), |i| {
            let (c, s) = (i / inner % channels, at.index(i));
            let of_y = inverse(s) * (g.data[i] * weight.data[c] - sums[0].data[s] - normal(i) * sums[1].data[s]);
            match self.statistics {
                true => of_y + (inputs[5].data[s] + 2.0 * (x.data[i] - mean.data[s]) * inputs[6].data[s]) / count,
                false => of_y,
            }
        });
        let [dweight, dbias] = parameters;
        vec![dx, dweight, dbias]
    }

    fn derivative(&self, _: &mut Graph, node: &Node, _: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        Err(not_differentiable(self, node))
    }

    // dx = g · weight · r − (x − mean) · slope − offset, with slope and offset of each statistic.
    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[1]).clone();
        let [g, input, weight, mean, variance]: [TensorId; 5] = [0, 1, 2, 3, 4].map(|i| node.inputs[i].into());
        let [dx, dweight, dbias]: [TensorId; 3] = [0, 1, 2].map(|i| node.outputs[i].into());
        let (along, [channels, inner]) = (self.over.broadcast(&x), sides(&x));
        let channel = Broadcast::Channel { channels, inner };
        let (element, extent) = (Broadcast::Element, self.over.statistics(&x).extent());
        let (mul, sub) = (Binary::Mul, Binary::Sub);
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| move || Expr::Input(k));

        let inverse = lowering.temporary(extent);
        let deviation = inverse_deviation(a(), self.eps);
        lowering.step(Map { len: extent, expr: deviation, operands: vec![element] }, [variance], [inverse]);
        // g · x̂: of g, x, mean, 1/deviation.
        let product = || a().binary(mul, b().binary(sub, c()).binary(mul, d()));
        let (operands, reads) = (vec![element, element, along, along], vec![g, input, mean, inverse]);
        let weighted = Term { expr: product(), operands: operands.clone(), reads: reads.clone() };
        channel_sum(lowering, &x, weighted, 1.0, BatchMean::None, dweight);
        let plain = Term { expr: a(), operands: vec![element], reads: vec![g] };
        channel_sum(lowering, &x, plain, 1.0, BatchMean::None, dbias);

        // The means of h · x̂ and of h; over the batch they follow from the sums at hand.
        let [of_product, of_gradient] = [(dweight, 0), (dbias, 1)].map(|(sum, which)| {
            let to = lowering.temporary(extent);
            if self.over == Over::Batch {
                let scale = Expr::Const(1.0 / self.over.count(&x) as f32).binary(mul, Expr::InverseHeld);
                let expr = a().binary(mul, b()).binary(mul, scale);
                lowering.step(Map { len: extent, expr, operands: vec![element; 2] }, [sum, weight], [to]);
                lowering.exchange(to);
            } else {
                let (mut operands, mut reads) = if which == 0 { (operands.clone(), reads.clone()) } else { (vec![element], vec![g]) };
                let (value, last) = (if which == 0 { product() } else { a() }, Expr::Input(operands.len()));
                operands.push(channel);
                reads.push(weight);
                self.over.mean(lowering, &x, Term { expr: value.binary(mul, last), operands, reads }, to);
            }
            to
        });
        // slope = r² · mean(h · x̂) − 2 · dvariance / n; offset = r · mean(h) − dmean / n.
        let mut coefficient = |of: TensorId, squared: bool, arriving: usize, factor: f32| {
            let scaled = if squared { a().binary(mul, b()).binary(mul, b()) } else { a().binary(mul, b()) };
            let (mut expr, mut reads) = (scaled, vec![of, inverse]);
            if self.statistics {
                let share = Expr::Const(factor / self.over.count(&x) as f32);
                let share = if self.over == Over::Batch { share.binary(mul, Expr::InverseHeld) } else { share };
                expr = expr.binary(sub, c().binary(mul, share));
                reads.push(node.inputs[arriving].into());
            }
            let to = lowering.temporary(extent);
            lowering.step(Map { len: extent, expr, operands: vec![element; reads.len()] }, reads, [to]);
            to
        };
        let slope = coefficient(of_product, true, 6, 2.0);
        let offset = coefficient(of_gradient, false, 5, 1.0);
        let expr = a()
            .binary(mul, Expr::Input(4))
            .binary(mul, Expr::Input(5))
            .binary(sub, b().binary(sub, c()).binary(mul, d()))
            .binary(sub, Expr::Input(6));
        let operands = vec![element, element, along, along, channel, along, along];
        lowering.step(Map { len: x.extent(), expr, operands }, [g, input, mean, slope, weight, inverse, offset], [dx]);
    }
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let mut examples = Vec::new();
    for (over, dims) in shapes() {
        for statistics in [false, true] {
            let (x, channel) = (TensorType::batched(dims.clone()), TensorType::fixed([dims[0]]));
            let of = over.statistics(&x);
            let mut inputs = vec![x.clone(), x, channel, of.clone(), of.clone()];
            inputs.extend(statistics.then_some([of.clone(), of]).into_iter().flatten());
            // The examples' variances are any numbers above −1.
            examples.push(Example::of_numbers(NormGrad { over, eps: 1.5, statistics }, inputs));
        }
    }
    examples
}
