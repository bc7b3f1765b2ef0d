//! Normalisation: over the batch (batch norm), over groups of channels (group norm), over the channels of each place (layer norm).

use super::{Constant, Example, Generator, NormGrad, Op, arity, floats};
use crate::error::{Problem, Result};
use crate::expr::{Binary, Broadcast, Expr, Unary};
use crate::graph::{Graph, Node, ValueId};
use crate::kernels::{BatchMean, Map, Reduce};
use crate::lower::{Lowering, TensorId};
use crate::reference::Batch;
use crate::shape::{Extent, TensorType};
use crate::tensor::Tensor;

/// Which elements of `x [N, C, …]` are normalised together: those that share a mean and a variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// All of a channel, over the samples of the run at hand: statistics `[C]`. Batch norm
    /// ([Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167)).
    Batch,
    /// Those of one sample in so many groups of neighbouring channels: statistics `[N, groups]`. Group norm
    /// ([Wu and He, 2018](https://arxiv.org/abs/1803.08494)).
    Groups(usize),
    /// The channels of one place of one sample: statistics `[N, …]`. Layer norm ([Ba et al., 2016](https://arxiv.org/abs/1607.06450)).
    Channels,
}

/// Channels, and elements of a channel of one sample.
pub(super) fn sides(x: &TensorType) -> [usize; 2] {
    [x.dims[0], x.dims[1..].iter().product()]
}

impl Over {
    /// The type of the statistics of `x`.
    pub(super) fn statistics(self, x: &TensorType) -> TensorType {
        match self {
            Self::Batch => TensorType::fixed([x.dims[0]]),
            Self::Groups(groups) => TensorType::batched([groups]),
            Self::Channels => TensorType::batched(&x.dims[1..]),
        }
    }

    /// How statistics lie along `x`.
    pub(super) fn broadcast(self, x: &TensorType) -> Broadcast {
        let [channels, inner] = sides(x);
        match self {
            Self::Batch => Broadcast::Channel { channels, inner },
            Self::Groups(groups) => Broadcast::Sample { inner: channels / groups * inner },
            Self::Channels if inner == 1 => Broadcast::Sample { inner: channels },
            Self::Channels => Broadcast::Place { channels, inner },
        }
    }

    /// How many elements of one sample share a statistic.
    pub(super) fn count(self, x: &TensorType) -> usize {
        let [channels, inner] = sides(x);
        match self {
            Self::Batch => inner,
            Self::Groups(groups) => channels / groups * inner,
            Self::Channels => channels,
        }
    }

    /// How many elements share a statistic in a run.
    pub(super) fn elements(self, x: &TensorType, batch: Batch) -> f64 {
        (self.count(x) * if self == Self::Batch { batch.samples } else { 1 }) as f64
    }

    /// Adds the kernels that take the mean of `term` over the elements that share a statistic.
    pub(super) fn mean(self, lowering: &mut Lowering<'_>, x: &TensorType, term: Term, to: TensorId) {
        let scale = 1.0 / self.count(x) as f32;
        let [channels, inner] = sides(x);
        let (fixed, batch) = (Extent::Fixed, Extent::Batch);
        let [outer, reduce, inner] = match self {
            Self::Batch => {
                channel_sum(lowering, x, term, scale, BatchMean::Held, to);
                return lowering.exchange(to);
            }
            Self::Groups(groups) => [batch(groups), fixed(channels / groups * inner), fixed(1)],
            Self::Channels => [batch(1), fixed(channels), fixed(inner)],
        };
        let kernel = Reduce::new(outer, reduce, inner).scaled(scale).of(term.expr, term.operands);
        lowering.step(kernel, term.reads, [to]);
    }
}

/// An expression over the elements of `x`, and what it reads.
#[derive(Clone)]
pub(super) struct Term {
    pub expr: Expr,
    pub operands: Vec<Broadcast>,
    pub reads: Vec<TensorId>,
}

/// Adds the kernels that sum `term` over the samples and places of each channel of `x`: first within each sample, then over the batch.
pub(super) fn channel_sum(
    lowering: &mut Lowering<'_>,
    x: &TensorType,
    term: Term,
    scale: f32,
    mean: BatchMean,
    to: TensorId,
) {
    let [channels, inner] = sides(x);
    let over_batch = Reduce::new(Extent::Fixed(1), Extent::Batch(1), Extent::Fixed(channels)).mean(mean);
    if inner == 1 {
        return lowering.step(over_batch.scaled(scale).of(term.expr, term.operands), term.reads, [to]);
    }
    let partial = lowering.temporary(Extent::Batch(channels));
    let within = Reduce::new(Extent::Batch(channels), Extent::Fixed(inner), Extent::Fixed(1)).scaled(scale);
    lowering.step(within.of(term.expr, term.operands), term.reads, [partial]);
    lowering.step(over_batch, [partial], [to]);
}

/// `1 / √(variance + eps)`
pub(super) fn inverse_deviation(variance: Expr, eps: f32) -> Expr {
    variance.binary(Binary::Add, Expr::Const(eps)).unary(Unary::InverseSqrt)
}

/// Checks input and per-channel parameters.
pub(super) fn check(x: &TensorType, channels: &[&TensorType]) -> std::result::Result<(), Problem> {
    floats(x, "input")?;
    if !x.batched || x.dims.is_empty() {
        return Err(Problem::new(format!("wants a batch with channels, and was given {x}")));
    }
    match channels.iter().find(|ty| ***ty != TensorType::fixed([x.dims[0]])) {
        Some(ty) => Err(Problem::new(format!("wants one number a channel of {x}, and was given {ty}"))),
        None => Ok(()),
    }
}

/// `y = (x − mean) / √(variance + eps) · weight[c] + bias[c]`, with mean and variance of the elements that [`Over`] puts
/// together; the variance is the biased one. Inputs `x [N, C, …]`, `weight [C]`, `bias [C]`; outputs `y`, mean, variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// What is normalised together.
    pub over: Over,
    /// Added to the variance.
    pub eps: f32,
}

impl Op for Norm {
    fn name(&self) -> &'static str {
        match self.over {
            Over::Batch => "batch_norm",
            Over::Groups(_) => "group_norm",
            Over::Channels => "layer_norm",
        }
    }

    fn infer(&self, inputs: &[TensorType]) -> std::result::Result<Vec<TensorType>, Problem> {
        let [x, weight, bias] = arity(inputs)?;
        check(x, &[weight, bias])?;
        if let Over::Groups(groups) = self.over
            && (groups == 0 || x.dims[0] % groups != 0)
        {
            let channels = x.dims[0];
            return Err(Problem::new(format!("groups = {groups} has to divide the {channels} channels that come in")));
        }
        let statistics = self.over.statistics(x);
        Ok(vec![x.clone(), statistics.clone(), statistics])
    }

    #[cfg(not(feature = "lean"))]
    fn reference(&self, inputs: &[&Tensor], batch: Batch) -> Vec<Tensor> {
        let [x, weight, bias] = [inputs[0], inputs[1], inputs[2]];
        let ty = TensorType::batched(&x.dims[1..]);
        let (at, [channels, inner]) = (self.over.broadcast(&ty), sides(&ty));
        let count = self.over.elements(&ty, batch);
        let mut mean = Tensor::zeros(self.over.statistics(&ty).resolve(batch.samples));
        let mut variance = mean.clone();
        x.data.iter().enumerate().for_each(|(i, x)| mean.data[at.index(i)] += x / count);
        x.data.iter().enumerate().for_each(|(i, x)| variance.data[at.index(i)] += (x - mean.data[at.index(i)]).powi(2) / count);
        let y = Tensor::from_fn(x.dims.clone(), |i| {
            let (c, s) = (i / inner % channels, at.index(i));
            (x.data[i] - mean.data[s]) / (variance.data[s] + f64::from(self.eps)).sqrt() * weight.data[c] + bias.data[c]
        });
        vec![y, mean, variance]
    }

    // Of y: see [`NormGrad`]. Of the mean, 1/n reaches each element; of the variance, 2 (x − mean) / n.
    fn derivative(&self, graph: &mut Graph, node: &Node, arriving: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>> {
        let (x, weight) = (node.inputs[0], node.inputs[1]);
        let (mean, variance) = (node.outputs[1], node.outputs[2]);
        let grad = NormGrad { over: self.over, eps: self.eps, statistics: false };
        let mut inputs = match arriving[0] {
            Some(g) => vec![g, x, weight, mean, variance],
            None => {
                let ty = graph.ty(x).clone();
                vec![graph.apply1(Constant { value: 0.0, ty }, &[])?, x, weight, mean, variance]
            }
        };
        let statistics = arriving[1].is_some() || arriving[2].is_some();
        if statistics {
            for g in &arriving[1..] {
                let ty = graph.ty(mean).clone();
                inputs.push(match g {
                    Some(g) => *g,
                    None => graph.apply1(Constant { value: 0.0, ty }, &[])?,
                });
            }
        }
        let gradients = graph.apply(NormGrad { statistics, ..grad }, &inputs)?;
        Ok(gradients.into_iter().map(Some).collect())
    }

    fn lower(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let x = lowering.graph.ty(node.inputs[0]).clone();
        let [input, weight, bias]: [TensorId; 3] = [0, 1, 2].map(|i| node.inputs[i].into());
        let [y, mean, variance]: [TensorId; 3] = [0, 1, 2].map(|i| node.outputs[i].into());
        let (along, [channels, inner]) = (self.over.broadcast(&x), sides(&x));
        let channel = Broadcast::Channel { channels, inner };
        let of = |expr, operands, reads| Term { expr, operands, reads };
        self.over.mean(lowering, &x, of(Expr::Input(0), vec![Broadcast::Element], vec![input]), mean);
        let centred = || Expr::Input(0).binary(Binary::Sub, Expr::Input(1));
        let square = centred().binary(Binary::Mul, centred());
        let squares = of(square, vec![Broadcast::Element, along], vec![input, mean]);
        self.over.mean(lowering, &x, squares, variance);
        // What a statistic multiplies by is computed once for all that share it.
        let statistics = self.over.statistics(&x).extent();
        let inverse = lowering.temporary(statistics);
        let deviation = inverse_deviation(Expr::Input(0), self.eps);
        lowering.step(Map { len: statistics, expr: deviation, operands: vec![Broadcast::Element] }, [variance], [inverse]);
        let expr = centred()
            .binary(Binary::Mul, Expr::Input(2))
            .binary(Binary::Mul, Expr::Input(3))
            .binary(Binary::Add, Expr::Input(4));
        let operands = vec![Broadcast::Element, along, along, channel, channel];
        lowering.step(Map { len: x.extent(), expr, operands }, [input, mean, inverse, weight, bias], [y]);
    }
}

/// The inputs of a norm of `[C, …]`.
pub(super) fn shapes() -> Vec<(Over, Vec<usize>)> {
    vec![
        (Over::Batch, vec![3, 5, 7]),
        (Over::Batch, vec![8, 4, 4]),
        (Over::Batch, vec![6]),
        (Over::Groups(2), vec![6, 3, 4]),
        (Over::Groups(1), vec![4, 2, 2]),
        (Over::Channels, vec![5, 3, 3]),
        (Over::Channels, vec![8, 2, 2]),
        (Over::Channels, vec![7]),
    ]
}

pub(super) fn examples(_: &mut Generator) -> Vec<Example> {
    let example = |(over, dims): (Over, Vec<usize>)| {
        let channel = TensorType::fixed([dims[0]]);
        Example::of_numbers(Norm { over, eps: 0.1 }, [TensorType::batched(dims), channel.clone(), channel])
    };
    shapes().into_iter().map(example).collect()
}
