//! Whole networks on every engine: their losses, logits and gradients are the definition's, within the bounds for f32.

use std::collections::HashMap;

use convoke_core::engine::Engine;
use convoke_core::graph::Graph;
use convoke_core::kernels::Gather;
use convoke_core::model::Network;
use convoke_core::ops::CrossEntropy;
use convoke_core::optim::Optimizer;
use convoke_core::plan::PlanKind;
use convoke_core::reference::{self, Batch, Draws};
use convoke_core::shape::{DType, TensorType};
use convoke_core::tensor::Tensor;
use convoke_tests::agreement::{Errors, KERNEL, LOSS, within};
use convoke_tests::models::{models, parameters, pictures};
use convoke_tests::values::relative_error;
use convoke_tests::{
    Answer, Figures, LoadedNetwork, LossGraph, Pictures, Setup, Subject, block_on, engines, engines_with_all_shaders,
    run_graph,
};

/// The most samples of a run: three chunks of a weight's gradient, the last one short.
const CAPACITY: usize = 9;
/// Each run's entry of the rings, and its batch: full, a part of a larger step, one sample.
const RUNS: [(usize, Batch); 3] =
    [(0, first_step(Batch::whole(9))), (3, first_step(Batch::part(7, 16))), (7, first_step(Batch::whole(1)))];

/// The run as part of a training's first step.
const fn first_step(batch: Batch) -> Batch {
    Batch { draws: Draws { seed: 0, step: 1, first_sample: 0 }, ..batch }
}

/// A network with all that it is tried on.
struct Case {
    network: Network,
    graph: LossGraph,
    parameters: HashMap<String, Tensor>,
    pictures: Pictures,
    gather: Gather,
}

impl Case {
    /// Pictures are grey and repeated for models of three channels, and each channel is normalised in its own way.
    fn new(network: Network) -> Self {
        let channels = network.spec.input[0];
        let source = if channels == 3 { 1 } else { channels };
        let pictures = pictures(&network, source, 40, 5);
        let mean = (0..channels).map(|c| 0.3 + 0.1 * c as f32).collect();
        let inverse_std = (0..channels).map(|c| 3.0 + c as f32).collect();
        let gather = Gather { mean, inverse_std, ..pictures.plain_gather(channels) };
        let (graph, parameters) = (LossGraph::new(&network).unwrap(), parameters(&network, 3));
        Self { network, graph, parameters, pictures, gather }
    }

    /// Which pictures a run takes: not those at the front, and not in order.
    fn indices(&self, slot: usize, samples: usize) -> Vec<u32> {
        (0..samples).map(|n| ((11 * slot + 17 * n + 3) % self.pictures.labels.len()) as u32).collect()
    }

    fn feeds(&self, indices: &[u32]) -> HashMap<convoke_core::graph::ValueId, Tensor> {
        let pictures = self.pictures.batch(indices, &self.gather, &self.network.spec.input);
        self.graph.feeds(pictures, &self.pictures.labels(indices), &self.parameters)
    }

    /// What the network says behind training: the sum of the losses, and the logits.
    fn inferred(&self, slot: usize, batch: Batch) -> (f64, Tensor) {
        let (network, indices) = (&self.network, self.indices(slot, batch.samples));
        let mut graph = network.graph.clone();
        let labels = graph.input(TensorType::batched([]).with_dtype(DType::U32)).unwrap();
        let losses = graph.apply1(CrossEntropy, &[network.output, labels]).unwrap();
        let parameters = graph.parameters().map(|(id, name, _)| (id, self.parameters[name].clone()));
        let pictures = self.pictures.batch(&indices, &self.gather, &network.spec.input);
        let numbers = self.pictures.labels(&indices).into_iter().map(f64::from).collect();
        let fed = [(network.input, pictures), (labels, Tensor::new([batch.samples], numbers))];
        let known = parameters.chain(fed).collect();
        let mut found = reference::run(&graph, &known, batch, &[losses, network.output]);
        (found[0].data.iter().sum(), found.remove(1))
    }

    fn answer(&self, slot: usize, batch: Batch) -> Answer {
        self.graph.reference(&self.feeds(&self.indices(slot, batch.samples)), batch)
    }

    /// How many decisions the engine takes in another way than the definition.
    async fn flips(
        &self,
        engine: &mut dyn Engine,
        slot: usize,
        batch: Batch,
        wanted: &Answer,
    ) -> Result<usize, String> {
        let feeds = self.feeds(&self.indices(slot, batch.samples));
        let found = run_graph(engine, &self.graph.graph, &feeds, &self.graph.decisions, batch, CAPACITY).await?;
        Ok(self.graph.flips(&found, &wanted.decisions))
    }
}

/// The gradients by name, found and wanted.
fn pairs<'a>(
    found: &'a HashMap<String, Tensor>,
    wanted: &'a Answer,
) -> impl Iterator<Item = (&'a str, [&'a [f64]; 2])> {
    wanted.gradients.iter().map(|(name, wanted)| (name.as_str(), [&found[name].data[..], &wanted.data]))
}

/// Samples whose first largest logit is their label's.
fn correct(logits: &Tensor, labels: &[u32]) -> u32 {
    let rows = logits.data.chunks(logits.dims[1]).zip(labels);
    let first_largest = |row: &[f64]| (0..row.len()).rev().max_by(|&a, &b| row[a].total_cmp(&row[b]));
    rows.filter(|(row, label)| first_largest(row) == Some(**label as usize)).count() as u32
}

/// Trains, evaluates and predicts once on each batch and returns the errors of losses and gradients.
async fn check_program(engine: &mut dyn Engine, case: &Case) -> Result<Vec<Errors>, String> {
    let setup = Setup::new(Optimizer::default(), CAPACITY);
    let mut loaded = LoadedNetwork::new(engine, &case.network, setup, case.gather.clone(), &case.pictures).await?;
    loaded.set_parameters(&case.parameters)?;
    let mut all = Vec::new();
    for (slot, batch) in RUNS {
        let (indices, wanted) = (case.indices(slot, batch.samples), case.answer(slot, batch));
        let figures = loaded.run(PlanKind::Gradients, slot, &indices, batch.global).await?;
        let right = correct(&wanted.logits, &case.pictures.labels(&indices));
        let told = Figures { loss_sum: figures.loss_sum, correct: right, samples: batch.samples as u32, broken: false };
        expect(figures == told, || format!("says {figures:?}, and {told:?} is right"))?;
        let loss = figures.loss_sum / batch.global as f64;
        let gradients = loaded.gradients().await?;
        all.push(Errors::of([loss, wanted.loss], pairs(&gradients, &wanted)));

        let evaluated = loaded.run(PlanKind::Evaluate, slot, &indices, batch.global).await?;
        let (sum, logits) = case.inferred(slot, batch);
        let ops = |graph: &Graph| graph.nodes.iter().map(|node| node.op.name()).collect::<Vec<_>>();
        if ops(&case.network.graph) == ops(&case.network.training.graph) {
            expect(evaluated == figures, || format!("{figures:?} when training, {evaluated:?} when evaluating"))?;
        }
        let right = correct(&logits, &case.pictures.labels(&indices));
        let off = relative_error(&[evaluated.loss_sum], &[sum]);
        expect(evaluated.correct == right && within(off, LOSS), || {
            format!("says {evaluated:?}; {right} and {sum} are right")
        })?;
        check_logits(&mut loaded, &logits).await?;
        // Something else in between, so that prediction finds none of its logits there.
        loaded.run(PlanKind::Evaluate, slot, &case.indices(slot + 1, batch.samples), batch.global).await?;
        loaded.run(PlanKind::Predict, slot, &indices, batch.global).await?;
        check_logits(&mut loaded, &logits).await?;
    }
    let trained = loaded.parameters().await?;
    expect(trained == rounded(&case.parameters), || "changed the parameters without an update".into())?;
    Ok(all)
}

async fn check_logits(loaded: &mut LoadedNetwork<'_>, wanted: &Tensor) -> Result<(), String> {
    let found = loaded.logits(wanted.dims[0]).await?;
    let error = relative_error(&found.data, &wanted.data);
    expect(within(error, KERNEL), || format!("the logits are off by {error:.1e}"))
}

fn rounded(parameters: &HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let round = |tensor: &Tensor| Tensor::from_fn(tensor.dims.clone(), |i| f64::from(tensor.data[i] as f32));
    parameters.iter().map(|(name, tensor)| (name.clone(), round(tensor))).collect()
}

fn expect(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}

#[test]
fn networks_agree_with_the_definition() {
    let cases: Vec<(String, Case)> = models().into_iter().map(|(name, network)| (name, Case::new(network))).collect();
    let mut failures = Vec::new();
    for Subject { name: device, mut engine, .. } in engines_with_all_shaders() {
        for (name, case) in &cases {
            let check = async {
                let all = check_program(engine.as_mut(), case).await?;
                for ((slot, batch), errors) in RUNS.into_iter().zip(&all) {
                    let flips = async || case.flips(engine.as_mut(), slot, batch, &case.answer(slot, batch)).await;
                    errors.check(flips).await.map_err(|problem| format!("{batch:?}: {problem}"))?;
                }
                Ok::<_, String>(all)
            };
            match block_on(check) {
                Ok(all) => println!("{device}: {name}: {}", worst(&all)),
                Err(problem) => failures.push(format!("{device}: {name}: {problem}")),
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn worst(all: &[Errors]) -> String {
    let worst = |of: fn(&Errors) -> f64| all.iter().map(of).fold(0.0, f64::max);
    format!("loss {:.1e}, gradients {:.1e}", worst(|e| e.loss), worst(|e| e.gradient))
}

/// Where every value is asked for, nothing can be fused, and nothing shares memory.
#[test]
fn networks_agree_without_fusion_too() {
    let mut failures = Vec::new();
    for Subject { name: device, mut engine, .. } in engines() {
        for (name, network) in models() {
            let case = Case::new(network);
            let (slot, batch) = RUNS[1];
            let (graph, feeds) = (&case.graph, case.feeds(&case.indices(slot, batch.samples)));
            let wanted = case.answer(slot, batch);
            let values = graph.all_values();
            let check = async {
                let found = run_graph(engine.as_mut(), &graph.graph, &feeds, &values, batch, CAPACITY).await?;
                let value = |id| &found[values.iter().position(|v| *v == id).expect("all are asked for")];
                let named = graph.parameters.iter().zip(&graph.gradients).zip(&wanted.gradients);
                let pairs = named.filter_map(|(((name, _), gradient), (_, wanted))| {
                    gradient.map(|id| (name.as_str(), [&value(id).data[..], &wanted.data]))
                });
                let errors = Errors::of([value(graph.loss).data[0], wanted.loss], pairs);
                let decisions: Vec<Tensor> = graph.decisions.iter().map(|&id| value(id).clone()).collect();
                let flips = async || Ok(graph.flips(&decisions, &wanted.decisions));
                errors.check(flips).await.map(|()| errors)
            };
            match block_on(check) {
                Ok(errors) => println!("{device}: {name}: {}", worst(&[errors])),
                Err(problem) => failures.push(format!("{device}: {name}: {problem}")),
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
