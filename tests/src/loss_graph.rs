//! A network with its loss and its gradients as a graph: what the reference interpreter says of it.

use std::collections::HashMap;

use convoke_core::autodiff::differentiate;
use convoke_core::error::Result;
use convoke_core::graph::{Graph, Source, ValueId};
use convoke_core::model::{Network, Pass};
use convoke_core::ops::{Constant, CrossEntropy, Keep, Reduce};
use convoke_core::reference::{self, Batch};
use convoke_core::shape::{DType, TensorType};
use convoke_core::tensor::Tensor;

/// A network's graph in training, its loss and its gradients.
pub struct LossGraph {
    /// The graph.
    pub graph: Graph,
    /// The pictures.
    pub pictures: ValueId,
    /// The labels.
    pub labels: ValueId,
    /// The logits.
    pub logits: ValueId,
    /// The mean loss over the global batch.
    pub loss: ValueId,
    /// The parameters' names and values.
    pub parameters: Vec<(String, ValueId)>,
    /// For each parameter its gradient, where it has one, or the statistic of the step that it follows.
    pub gradients: Vec<Option<ValueId>>,
    /// What decides where gradients go: the outputs of ReLUs and the positions of maxima.
    pub decisions: Vec<ValueId>,
}

impl LossGraph {
    /// The loss behind a network, differentiated.
    ///
    /// # Errors
    /// Where the network's output is not one row of classes a sample, or an op has no derivative.
    pub fn new(network: &Network) -> Result<Self> {
        let Pass { mut graph, input: pictures, output: logits } = network.training.clone();
        graph.enter("loss");
        let labels = graph.input(TensorType::batched([]).with_dtype(DType::U32))?;
        let losses = graph.apply1(CrossEntropy, &[logits, labels])?;
        let loss = graph.apply1(Reduce { keep: Keep::Nothing, mean: true }, &[losses])?;
        let decisions = graph.nodes.iter().filter_map(|node| match node.op.name() {
            "relu" | "leaky_relu" => Some(node.outputs[0]),
            "max_pool2d" => Some(node.outputs[1]),
            _ => None,
        });
        let decisions = decisions.collect();
        let parameters: Vec<(String, ValueId)> = graph.parameters().map(|(id, name, _)| (name.into(), id)).collect();
        let learned: Vec<ValueId> = parameters.iter().map(|(_, id)| *id).filter(|&id| graph.is_learned(id)).collect();
        let one = graph.apply1(Constant { value: 1.0, ty: TensorType::fixed([]) }, &[])?;
        let found = differentiate(&mut graph, &[(loss, one)], &learned)?;
        let follows =
            |id| graph.running.iter().find(|running| running.parameter == id).map(|running| running.statistic);
        let of = |id| learned.iter().position(|&other| other == id).map_or_else(|| follows(id), |place| found[place]);
        let gradients = parameters.iter().map(|(_, id)| of(*id)).collect();
        Ok(Self { graph, pictures, labels, logits, loss, parameters, gradients, decisions })
    }

    /// What the graph is fed: pictures, labels and parameters by name.
    pub fn feeds(
        &self,
        pictures: Tensor,
        labels: &[u32],
        parameters: &HashMap<String, Tensor>,
    ) -> HashMap<ValueId, Tensor> {
        let labels = Tensor::new([labels.len()], labels.iter().map(|&label| f64::from(label)).collect());
        let parameters = self.parameters.iter().map(|(name, id)| (*id, parameters[name].clone()));
        parameters.chain([(self.pictures, pictures), (self.labels, labels)]).collect()
    }

    /// Every value that nodes make, in the forward pass and behind it.
    pub fn all_values(&self) -> Vec<ValueId> {
        let made = |id: &usize| matches!(self.graph.values[*id].source, Source::Node(_));
        (0..self.graph.values.len()).filter(made).map(ValueId).collect()
    }

    /// The definition's answer: the loss, the logits, and each parameter's gradient (zeros where the loss doesn't depend on it).
    pub fn reference(&self, feeds: &HashMap<ValueId, Tensor>, batch: Batch) -> Answer {
        let mut wanted = vec![self.loss, self.logits];
        wanted.extend(self.gradients.iter().flatten());
        wanted.extend(&self.decisions);
        let mut results = reference::run(&self.graph, feeds, batch, &wanted).into_iter();
        let mut next = || results.next().expect("every wanted value has a result");
        let (loss, logits) = (next().data[0], next());
        let gradients = self.parameters.iter().zip(&self.gradients).map(|((name, id), gradient)| match gradient {
            Some(_) => (name.clone(), next()),
            None => (name.clone(), Tensor::zeros(self.graph.ty(*id).dims.clone())),
        });
        let gradients = gradients.collect();
        Answer { loss, logits, gradients, decisions: results.collect() }
    }

    /// How many decisions fall differently in two lists of [`LossGraph::decisions`]' values.
    pub fn flips(&self, a: &[Tensor], b: &[Tensor]) -> usize {
        let differ = |value: &ValueId, a: &Tensor, b: &Tensor| {
            let positions = self.graph.ty(*value).dtype == DType::U32;
            let differs = |(a, b): (&f64, &f64)| if positions { a != b } else { (*a > 0.0) != (*b > 0.0) };
            a.data.iter().zip(&b.data).filter(|pair| differs(*pair)).count()
        };
        self.decisions.iter().zip(a.iter().zip(b)).map(|(value, (a, b))| differ(value, a, b)).sum()
    }
}

/// What is computed of a network on a batch.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The sum of the run's losses over the samples of the global batch.
    pub loss: f64,
    /// `[N, classes]`.
    pub logits: Tensor,
    /// Each parameter's gradient, in the parameters' order.
    pub gradients: Vec<(String, Tensor)>,
    /// See [`LossGraph::decisions`].
    pub decisions: Vec<Tensor>,
}
