//! What PyTorch says of training the reference CNN: see `fixtures/README.md`.

use std::collections::HashMap;

use convoke_core::engine::Engine;
use convoke_core::model::{ModelSpec, Network};
use convoke_core::optim::Optimizer;
use convoke_core::plan::PlanKind;
use convoke_core::reference::Batch;
use convoke_core::tensor::Tensor;

use crate::agreement::{Errors, FLIPPED, Findings, GRADIENT, LOSS, within};
use crate::fixtures::Fixture;
use crate::values::norm;
use crate::{LoadedNetwork, LossGraph, Pictures, Setup, run_graph};

/// Samples of a batch.
pub const BATCH: usize = 64;
/// The steps of `trajectory.safetensors`.
pub const STEPS: [usize; 5] = [0, 10, 25, 50, 99];
/// Of this weight's gradient every eighth row is kept.
const THINNED: (&str, usize) = ("fc1.weight", 8);

/// The model of all of it.
///
/// # Panics
/// Never: it is a preset.
pub fn reference_cnn() -> Network {
    ModelSpec::preset("reference-cnn").expect("it is a preset").build().expect("presets build")
}

/// The parameters of the reference CNN from a fixture, where their names begin with `prefix`.
fn weights(fixture: &Fixture, prefix: &str) -> HashMap<String, Tensor> {
    let network = reference_cnn();
    let names = network.graph.parameters().map(|(_, name, _)| name.to_string());
    names.map(|name| (name.clone(), fixture.tensor(&format!("{prefix}/{name}")))).collect()
}

/// What the trajectory says of one step.
pub struct Recorded {
    /// The weights before the step.
    pub weights: HashMap<String, Tensor>,
    /// The loss of the step's batch.
    pub loss: f64,
    /// Right answers.
    pub correct: f64,
    /// By name: the gradient, thinned, and the norm of all of it.
    pub gradients: Vec<(String, Tensor, f64)>,
}

impl Recorded {
    /// Reads it.
    pub fn read(fixture: &Fixture, step: usize) -> Self {
        let weights = weights(fixture, &format!("step{step}/weights"));
        let gradient = |name: &String| {
            let (gradient, norm) = (format!("step{step}/grad/{name}"), format!("step{step}/grad_norm/{name}"));
            (name.clone(), fixture.tensor(&gradient), fixture.number(&norm))
        };
        let gradients = weights.keys().map(gradient).collect();
        let number = |what: &str| fixture.number(&format!("step{step}/{what}"));
        Self { loss: number("loss"), correct: number("correct"), gradients, weights }
    }

    /// The errors of a loss and of gradients.
    fn errors(&self, loss: f64, found: &HashMap<String, Tensor>) -> Errors {
        let thinned: Vec<(&str, Vec<f64>, &Tensor)> =
            self.gradients.iter().map(|(name, wanted, _)| (name.as_str(), thin(name, &found[name]), wanted)).collect();
        let parts = thinned.iter().map(|(name, found, wanted)| (*name, [&found[..], &wanted.data[..]]));
        let norms: Vec<(&str, [f64; 1], [f64; 1])> =
            self.gradients.iter().map(|(name, _, size)| (name.as_str(), [norm(&found[name].data)], [*size])).collect();
        let norms = norms.iter().map(|(name, found, wanted)| (*name, [&found[..], &wanted[..]]));
        Errors::of([loss, self.loss], parts.chain(norms))
    }
}

/// The rows of a gradient that are recorded.
pub fn thin(name: &str, gradient: &Tensor) -> Vec<f64> {
    let every = if name == THINNED.0 { THINNED.1 } else { 1 };
    let row = gradient.data.len() / gradient.dims[0];
    gradient.data.chunks(row).step_by(every).flatten().copied().collect()
}

/// Decisions that an engine takes in another way than the definition.
async fn flips(
    engine: &mut dyn Engine,
    pictures: &Pictures,
    indices: &[u32],
    weights: &HashMap<String, Tensor>,
) -> Result<usize, String> {
    let network = reference_cnn();
    let graph = LossGraph::new(&network).map_err(|e| e.to_string())?;
    let batch = pictures.batch(indices, &pictures.plain_gather(3), &network.spec.input);
    let feeds = graph.feeds(batch, &pictures.labels(indices), weights);
    let batch = Batch::whole(indices.len());
    let found = run_graph(engine, &graph.graph, &feeds, &graph.decisions, batch, BATCH).await?;
    let flips = graph.flips(&found, &graph.reference(&feeds, batch).decisions);
    println!("    {flips} of {} decisions flipped", found.iter().map(|tensor| tensor.data.len()).sum::<usize>());
    Ok(flips)
}

/// The reference CNN in an engine, with the embedded pictures.
async fn load<'e>(
    engine: &'e mut dyn Engine,
    optimizer: Optimizer,
    pictures: &Pictures,
) -> Result<LoadedNetwork<'e>, String> {
    let setup = Setup::new(optimizer, BATCH);
    LoadedNetwork::new(engine, &reference_cnn(), setup, pictures.plain_gather(3), pictures).await
}

/// An engine's losses and gradients at the weights of `trajectory.safetensors`.
///
/// # Errors
/// What the engine refuses.
pub async fn given_weights(engine: &mut dyn Engine, fixture: &Fixture) -> Result<Findings, String> {
    let (pictures, mut findings) = (Pictures::embedded(), Findings::default());
    for step in STEPS {
        let (recorded, indices) = (Recorded::read(fixture, step), pictures.in_order(step, BATCH));
        let mut loaded = load(engine, Optimizer::default(), &pictures).await?;
        loaded.set_parameters(&recorded.weights)?;
        let figures = loaded.run(PlanKind::Gradients, step % 8, &indices, indices.len()).await?;
        let gradients = loaded.gradients().await?;
        let errors = recorded.errors(figures.loss_sum / indices.len() as f64, &gradients);
        let what = format!("step {step}");
        findings.add("loss at given weights", errors.loss, LOSS, &what);
        let what = format!("{what}, {}", errors.of);
        let near = within(errors.gradient, GRADIENT);
        if near || flips(engine, &pictures, &indices, &recorded.weights).await? == 0 {
            findings.add("gradients at given weights", errors.gradient, GRADIENT, &what);
        } else {
            findings.add("gradients where a decision falls the other way", errors.gradient, FLIPPED, &what);
        }
        if f64::from(figures.correct) != recorded.correct {
            findings.failures.push(format!("step {step}: {} right, not {}", figures.correct, recorded.correct));
        }
    }
    Ok(findings)
}

/// The losses of so many steps of training, in the set's order, from the given weights.
async fn losses(
    loaded: &mut LoadedNetwork<'_>,
    pictures: &Pictures,
    weights: &HashMap<String, Tensor>,
    steps: usize,
) -> Result<Vec<f64>, String> {
    loaded.begin(weights)?;
    let batches: Vec<Vec<u32>> = (0..steps).map(|step| pictures.in_order(step, BATCH)).collect();
    let figures = loaded.train(&batches, 4).await?;
    Ok(figures.iter().map(|figures| figures.loss_sum / f64::from(figures.samples)).collect())
}

/// Per step, `|a / b − 1|`.
fn deviations(a: &[f64], b: &[f64]) -> Vec<f64> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a / b - 1.0).abs()).collect()
}

/// The largest, or what is not a number if there is such.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, &value| if within(value, largest) { largest } else { value })
}

/// Twenty free-running steps from the weights of `trajectory.safetensors`, against `free_run.safetensors`.
///
/// # Errors
/// What the engine refuses.
pub async fn twenty_steps(engine: &mut dyn Engine, trajectory: &Fixture, free: &Fixture) -> Result<Findings, String> {
    let (pictures, start) = (Pictures::embedded(), weights(trajectory, "step0/weights"));
    let mut findings = Findings::default();
    for (name, optimizer, bound) in [("sgd", Optimizer::default(), 1e-5), ("adam", Optimizer::adam(1e-3), 1e-4)] {
        let mut loaded = load(engine, optimizer, &pictures).await?;
        let found = losses(&mut loaded, &pictures, &start, 20).await?;
        let error = largest(&deviations(&found, &free.tensor(&format!("{name}/f64")).data));
        findings.add(&format!("20 free steps, {name}"), error, bound, "a loss");
    }
    Ok(findings)
}

/// A hundred free-running steps of five seeds against `spread.safetensors`: no further off than three times as far as
/// PyTorch gets from itself.
///
/// # Errors
/// What the engine refuses.
pub async fn a_hundred_steps(engine: &mut dyn Engine, fixture: &Fixture) -> Result<Findings, String> {
    let (pictures, seeds) = (Pictures::embedded(), 1..=5);
    let spread = seeds.clone().flat_map(|seed| fixture.tensor(&format!("seed{seed}/spread")).data);
    let bound = 3.0 * largest(&spread.collect::<Vec<f64>>());
    let mut findings = Findings::default();
    let mut loaded = load(engine, Optimizer::default(), &pictures).await?;
    for seed in seeds {
        let start = weights(fixture, &format!("seed{seed}/weights"));
        let found = losses(&mut loaded, &pictures, &start, 100).await?;
        let off = deviations(&found, &fixture.tensor(&format!("seed{seed}/losses/f64")).data);
        findings.add("100 free steps, five seeds", largest(&off), bound, &format!("seed {seed}"));
    }
    Ok(findings)
}
