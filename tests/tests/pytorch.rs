//! What PyTorch says of whole runs: see `fixtures/README.md`.

use std::collections::HashMap;

use convoke_core::engine::Engine;
use convoke_core::graph::{Graph, Init};
use convoke_core::kernels::Gather;
use convoke_core::model::{ModelSpec, Network};
use convoke_core::ops::MatMul;
use convoke_core::optim::Optimizer;
use convoke_core::plan::PlanKind;
use convoke_core::reference::Batch;
use convoke_core::shape::TensorType;
use convoke_core::tensor::Tensor;
use convoke_tests::agreement::{Errors, within};
use convoke_tests::fixtures::Fixture;
use convoke_tests::values::{norm, relative_error};
use convoke_tests::{LoadedNetwork, LossGraph, Pictures, Setup, Subject, engines, run_graph};

/// Samples of a batch.
const BATCH: usize = 64;
/// The steps of `trajectory.safetensors`.
const STEPS: [usize; 5] = [0, 10, 25, 50, 99];
/// Of this weight's gradient every eighth row is kept.
const THINNED: (&str, usize) = ("fc1.weight", 8);

fn reference_cnn() -> Network {
    ModelSpec::preset("reference-cnn").expect("it is a preset").build().expect("presets build")
}

/// The parameters of the reference CNN from a fixture, where their names begin with `prefix`.
fn weights(fixture: &Fixture, prefix: &str) -> HashMap<String, Tensor> {
    let network = reference_cnn();
    let names = network.graph.parameters().map(|(_, name, _)| name.to_string());
    names.map(|name| (name.clone(), fixture.tensor(&format!("{prefix}/{name}")))).collect()
}

/// What the trajectory says of one step.
struct Recorded {
    weights: HashMap<String, Tensor>,
    loss: f64,
    correct: f64,
    /// By name: the gradient, thinned, and the norm of all of it.
    gradients: Vec<(String, Tensor, f64)>,
}

impl Recorded {
    fn read(fixture: &Fixture, step: usize) -> Self {
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
fn thin(name: &str, gradient: &Tensor) -> Vec<f64> {
    let every = if name == THINNED.0 { THINNED.1 } else { 1 };
    let row = gradient.data.len() / gradient.dims[0];
    gradient.data.chunks(row).step_by(every).flatten().copied().collect()
}

#[test]
fn the_definition_gives_pytorchs_losses_and_gradients() {
    let (fixture, pictures, network) = (Fixture::open("trajectory"), Pictures::embedded(), reference_cnn());
    let graph = LossGraph::new(&network).unwrap();
    for step in STEPS {
        let recorded = Recorded::read(&fixture, step);
        let indices = pictures.in_order(step, BATCH);
        let batch = pictures.batch(&indices, &pictures.plain_gather(3), &network.spec.input);
        let feeds = graph.feeds(batch, &pictures.labels(&indices), &recorded.weights);
        let answer = graph.reference(&feeds, Batch::whole(indices.len()));
        assert!(within((answer.loss / recorded.loss - 1.0).abs(), 1e-12), "step {step}: {}", answer.loss);
        let gradients: HashMap<String, Tensor> = answer.gradients.into_iter().collect();
        for (name, wanted, size) in &recorded.gradients {
            // The recorded gradients are rounded to f32, their norms are not.
            let error = relative_error(&thin(name, &gradients[name]), &wanted.data);
            assert!(within(error, 6e-8), "step {step}, {name} is off by {error:.1e}");
            let error = (norm(&gradients[name].data) / size - 1.0).abs();
            assert!(within(error, 1e-12), "step {step}, the norm of {name} is off by {error:.1e}");
        }
    }
}

/// Decisions that an engine takes in another way than the definition.
fn flips(
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
    let found = run_graph(engine, &graph.graph, &feeds, &graph.decisions, batch, BATCH)?;
    let flips = graph.flips(&found, &graph.reference(&feeds, batch).decisions);
    println!("    {flips} of {} decisions flipped", found.iter().map(|tensor| tensor.data.len()).sum::<usize>());
    Ok(flips)
}

/// The reference CNN in an engine, with the embedded pictures.
fn load<'e>(engine: &'e mut dyn Engine, optimizer: Optimizer, pictures: &Pictures) -> LoadedNetwork<'e> {
    let setup = Setup::new(optimizer, BATCH);
    LoadedNetwork::new(engine, &reference_cnn(), setup, pictures.plain_gather(3), pictures).unwrap()
}

#[test]
fn engines_give_pytorchs_losses_and_gradients() {
    let (fixture, pictures) = (Fixture::open("trajectory"), Pictures::embedded());
    let mut failures = Vec::new();
    for Subject { name: device, mut engine, .. } in engines() {
        for step in STEPS {
            let (recorded, indices) = (Recorded::read(&fixture, step), pictures.in_order(step, BATCH));
            let mut loaded = load(engine.as_mut(), Optimizer::default(), &pictures);
            loaded.set_parameters(&recorded.weights).unwrap();
            let figures = loaded.run(PlanKind::Gradients, step % 8, &indices, indices.len()).unwrap();
            let gradients = loaded.gradients().unwrap();
            let errors = recorded.errors(figures.loss_sum / indices.len() as f64, &gradients);
            println!("{device}: step {step}: {errors:?}");
            if let Err(problem) = errors.check(|| flips(engine.as_mut(), &pictures, &indices, &recorded.weights)) {
                failures.push(format!("{device}: step {step}: {problem}"));
            }
            if f64::from(figures.correct) != recorded.correct {
                failures.push(format!("{device}: step {step}: {} right, not {}", figures.correct, recorded.correct));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The optimizers of `optimizers.safetensors`.
fn optimizers() -> [(&'static str, Optimizer); 5] {
    let nesterov = Optimizer::Sgd { lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 0.01 };
    let decay = Optimizer::Adam { lr: 1e-3, beta1: 0.8, beta2: 0.99, eps: 1e-6, weight_decay: 0.01 };
    [
        ("sgd", Optimizer::sgd(0.01, 0.0)),
        ("sgd_momentum", Optimizer::sgd(0.01, 0.9)),
        ("sgd_nesterov", nesterov),
        ("adam", Optimizer::adam(1e-3)),
        ("adam_decay", decay),
    ]
}

/// The tensors of `optimizers.safetensors`.
const TENSORS: [&str; 3] = ["a", "b", "c"];

/// The gradients of a step, from 1.
fn recorded_gradients(fixture: &Fixture, step: usize) -> HashMap<String, Tensor> {
    let gradient = |name: &str| {
        let all = fixture.tensor(&format!("gradients/{name}"));
        let dims = all.dims[1..].to_vec();
        let length: usize = dims.iter().product();
        Tensor::new(dims, all.data[(step - 1) * length..][..length].to_vec())
    };
    TENSORS.iter().map(|name| (name.to_string(), gradient(name))).collect()
}

#[test]
fn the_definition_updates_as_pytorch_does() {
    let fixture = Fixture::open("optimizers");
    for (config, optimizer) in optimizers() {
        for name in TENSORS {
            let mut parameters = fixture.tensor(&format!("start/{name}")).data;
            let mut states = vec![vec![0.0; parameters.len()]; optimizer.rule().states()];
            for step in 1..=50 {
                let gradients = &recorded_gradients(&fixture, step)[name].data;
                optimizer.reference(step as u64, &mut parameters, gradients, &mut states);
                if [1, 10, 50].contains(&step) {
                    let wanted = fixture.tensor(&format!("{config}/f64/step{step}/{name}"));
                    let error = relative_error(&parameters, &wanted.data);
                    assert!(within(error, 1e-13), "{config}, step {step}, {name} is off by {error:.1e}");
                }
            }
        }
    }
}

/// A network whose parameters are the recorded tensors; only `b` is of any use to it.
fn holder(fixture: &Fixture) -> Network {
    let mut graph = Graph::default();
    let input = graph.input(TensorType::batched([150])).unwrap();
    let parameters = TENSORS.map(|name| {
        let dims = fixture.tensor(&format!("start/{name}")).dims;
        graph.parameter(name, dims, Init::Uniform { bound: 1.0 }).unwrap()
    });
    let output = graph.apply1(MatMul { transpose_a: false, transpose_b: true }, &[input, parameters[1]]).unwrap();
    Network { spec: ModelSpec::new("recorded", [1, 10, 15], 10), graph, input, outputs: Vec::new(), output }
}

#[test]
fn engines_update_as_pytorch_does() {
    let fixture = Fixture::open("optimizers");
    let pictures = Pictures { channels: 1, plane: 150, pixels: vec![0; 150], labels: vec![0] };
    let gather: Gather = pictures.plain_gather(1);
    let network = holder(&fixture);
    let start = TENSORS.iter().map(|name| (name.to_string(), fixture.tensor(&format!("start/{name}")))).collect();
    let gradients: Vec<_> = (1..=50).map(|step| recorded_gradients(&fixture, step)).collect();
    let mut failures = Vec::new();
    for Subject { name: device, mut engine, .. } in engines() {
        for (config, optimizer) in optimizers() {
            let setup = Setup::new(optimizer, 1);
            let mut loaded = LoadedNetwork::new(engine.as_mut(), &network, setup, gather.clone(), &pictures).unwrap();
            loaded.set_parameters(&start).unwrap();
            let mut worst = 0.0;
            for (step, gradients) in (1..).zip(&gradients) {
                loaded.set_gradients(gradients).unwrap();
                loaded.update(step).unwrap();
                if [1, 10, 50].contains(&step) {
                    let parameters = loaded.parameters().unwrap();
                    for name in TENSORS {
                        let wanted = fixture.tensor(&format!("{config}/f64/step{step}/{name}"));
                        let error = relative_error(&parameters[name].data, &wanted.data);
                        worst = f64::max(worst, error);
                        if !within(error, 1e-6) {
                            failures.push(format!("{device}: {config}, step {step}: {name} is off by {error:.1e}"));
                        }
                    }
                }
            }
            println!("{device}: {config}: {worst:.1e}");
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The losses of so many steps of training, in the set's order, from the given weights.
fn losses(
    loaded: &mut LoadedNetwork<'_>,
    pictures: &Pictures,
    weights: &HashMap<String, Tensor>,
    steps: usize,
) -> Vec<f64> {
    loaded.begin(weights).unwrap();
    let batches: Vec<Vec<u32>> = (0..steps).map(|step| pictures.in_order(step, BATCH)).collect();
    let figures = loaded.train(&batches, 4).unwrap();
    figures.iter().map(|figures| figures.loss_sum / f64::from(figures.samples)).collect()
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

#[test]
fn twenty_free_steps_stay_with_pytorch() {
    let (trajectory, free) = (Fixture::open("trajectory"), Fixture::open("free_run"));
    let (pictures, start) = (Pictures::embedded(), weights(&trajectory, "step0/weights"));
    let mut failures = Vec::new();
    for Subject { name: device, mut engine, .. } in engines() {
        for (name, optimizer, bound) in [("sgd", Optimizer::default(), 1e-5), ("adam", Optimizer::adam(1e-3), 1e-4)] {
            let mut loaded = load(engine.as_mut(), optimizer, &pictures);
            let found = losses(&mut loaded, &pictures, &start, 20);
            let error = largest(&deviations(&found, &free.tensor(&format!("{name}/f64")).data));
            println!("{device}: {name}: {error:.1e}");
            if !within(error, bound) {
                failures.push(format!("{device}: {name} is off by {error:.1e}, more than {bound:e}"));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn a_hundred_free_steps_stay_as_near_as_pytorch_does_to_itself() {
    let (fixture, pictures) = (Fixture::open("spread"), Pictures::embedded());
    let seeds = 1..=5;
    let spread: Vec<Vec<f64>> = seeds.clone().map(|seed| fixture.tensor(&format!("seed{seed}/spread")).data).collect();
    let bound = 3.0 * largest(&spread.concat());
    for Subject { name: device, mut engine, .. } in engines() {
        let mut loaded = load(engine.as_mut(), Optimizer::default(), &pictures);
        let mut all = Vec::new();
        for seed in seeds.clone() {
            let found = losses(&mut loaded, &pictures, &weights(&fixture, &format!("seed{seed}/weights")), 100);
            let off = deviations(&found, &fixture.tensor(&format!("seed{seed}/losses/f64")).data);
            let by = |off: &[f64]| [20, 50, 100].map(|steps| format!("{:.1e}", largest(&off[..steps]))).join(", ");
            println!("{device}: seed {seed}: {} (PyTorch: {})", by(&off), by(&spread[seed - 1]));
            all.extend(off);
        }
        let worst = largest(&all);
        assert!(within(worst, bound), "{device}: {worst:.1e} is more than {bound:.1e}");
    }
}
