//! The presets against torchvision, timm and PyTorch: see `fixtures/README.md`, `networks.safetensors`.

use std::collections::HashMap;

use convoke_core::engine::Engine;
use convoke_core::graph::ValueId;
use convoke_core::model::{ModelSpec, Network};
use convoke_core::reference::Batch;
use convoke_core::tensor::Tensor;
use convoke_formats::TensorFile;
use convoke_tests::fixtures::Fixture;
use convoke_tests::values::{norm, relative_error};
use convoke_tests::{LoadedGraph, LossGraph, Pictures, block_on, engines, run_graph};
use convoke_train::{Transfer, initial_weights, transfer};
use safetensors::tensor::{Dtype, TensorView};

/// Engines may be as far off as this many times PyTorch's own single precision is from its double precision.
const TIMES: f64 = 3.0;
/// Numbers of each gradient that are kept.
const KEPT: usize = 64;
/// Samples of a batch.
const BATCH: usize = 32;
/// The steps of PyTorch's training at whose weights batches are tried, and how many.
const STEPS: [usize; 3] = [0, 10, 40];
const TRIED: usize = 6;

/// `count` numbers in −1 ≤ x < 1: as `networks.py` makes them.
fn hashed(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    (1..=count as u64).map(move |i| {
        let z = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// A parameter of that name.
fn value(name: &str, dims: &[usize]) -> Tensor {
    let scale = (4.5 / dims[1..].iter().product::<usize>() as f64).sqrt();
    let [offset, scale] = match name {
        name if name.ends_with("running_var") => [1.0, 0.3],
        name if name.ends_with("gamma") => [0.5, 0.3],
        name if dims.len() == 1 => [f64::from(u8::from(name.ends_with("weight"))), 0.2],
        _ => [0.0, scale],
    };
    let numbers = hashed(name, dims.iter().product()).map(|u| f64::from((offset + scale * u) as f32));
    Tensor::new(dims, numbers.collect())
}

fn parameters(network: &Network) -> HashMap<ValueId, Tensor> {
    let graph = &network.graph;
    graph.parameters().map(|(id, name, _)| (id, value(name, &graph.ty(id).dims))).collect()
}

/// The preset's logits on made-up pictures, and how far off they are, as a multiple of PyTorch's own error.
async fn check_logits(engine: &mut dyn Engine, fixture: &Fixture, name: &str) -> Result<f64, String> {
    let shape: Vec<usize> = fixture.tensor(&format!("{name}/shape")).data.iter().map(|&side| side as usize).collect();
    let input = [shape[1], shape[2], shape[3]];
    let network = ModelSpec::preset_for(name, input).unwrap().build().unwrap();
    let pictures = hashed("pictures", shape.iter().product()).map(|u| f64::from(u as f32)).collect();
    let mut feeds = parameters(&network);
    feeds.insert(network.input, Tensor::new(shape.clone(), pictures));
    let batch = Batch::whole(shape[0]);
    let limits = engine.limits();
    let mut loaded = LoadedGraph::within(engine, &network.graph, &[network.output], shape[0], &limits).await?;
    let found = loaded.run(&feeds, batch).await?;
    let wanted = fixture.tensor(&format!("{name}/logits"));
    let error = relative_error(&found[0].data, &wanted.data);
    let own = fixture.number(&format!("{name}/f32_error"));
    match error <= TIMES * own {
        true => Ok(error / own),
        false => Err(format!("the logits are off by {error:.1e}, and PyTorch's own by {own:.1e}")),
    }
}

#[test]
fn presets_say_what_torchvision_says() {
    let fixture = Fixture::open("networks");
    let mut failures = Vec::new();
    for (index, mut subject) in engines().into_iter().enumerate() {
        // VGG's first linear layer is more than a WebGPU device binds, and all of them take long to compile.
        let names = ["resnet20", "mobilenet-v2", "convnext-atto", "resnet18", "vgg11"];
        for name in &names[..if index == 0 { names.len() } else { 2 }] {
            match block_on(check_logits(subject.engine.as_mut(), &fixture, name)) {
                Ok(times) => println!("{}: {name}: {times:.2} times PyTorch's own error", subject.name),
                Err(problem) => failures.push(format!("{}: {name}: {problem}", subject.name)),
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// What a training step of ResNet-20 was off by, as a share.
#[derive(Clone, Copy, Debug)]
struct Errors {
    loss: f64,
    /// The largest of all parameters'.
    gradient: f64,
}

/// ResNet-20 at weights that PyTorch had.
struct Recorded<'f> {
    fixture: &'f Fixture,
    at: String,
    network: Network,
    graph: LossGraph,
    weights: HashMap<String, Tensor>,
    pictures: Pictures,
}

impl<'f> Recorded<'f> {
    fn new(fixture: &'f Fixture, step: usize) -> Self {
        let network = ModelSpec::preset_for("resnet20", [3, 28, 28]).unwrap().build().unwrap();
        let (graph, at) = (LossGraph::new(&network).unwrap(), format!("resnet20/step{step}"));
        let weight = |name: &str, id| match step {
            0 => value(name, &graph.graph.ty(id).dims),
            _ => fixture.tensor(&format!("{at}/weights/{name}")),
        };
        let weights = graph.parameters.iter().map(|(name, id)| (name.clone(), weight(name, *id))).collect();
        Self { fixture, at, network, graph, weights, pictures: Pictures::embedded() }
    }

    /// The errors of a loss and its gradients on some batch, this engine's and PyTorch's own.
    async fn check(&self, engine: &mut dyn Engine, first: usize, number: usize) -> Result<[Errors; 2], String> {
        let Self { fixture, graph, pictures, .. } = self;
        let at = |what: &str| format!("{}/batch{number}/{what}", self.at);
        let first = (first + number) * BATCH;
        let indices: Vec<u32> = (first..first + BATCH).map(|index| index as u32).collect();
        let batch = pictures.batch(&indices, &pictures.plain_gather(3), &self.network.spec.input);
        let feeds = graph.feeds(batch, &pictures.labels(&indices), &self.weights);
        let gradients = graph.gradients.iter().flatten().copied();
        let wanted: Vec<ValueId> = std::iter::once(graph.loss).chain(gradients).collect();
        let found = run_graph(engine, &graph.graph, &feeds, &wanted, Batch::whole(BATCH), BATCH).await?;
        let exact = fixture.number(&at("loss"));
        let mut errors = Errors { loss: ((found[0].data[0] - exact) / exact).abs(), gradient: 0.0 };
        for ((name, id), found) in graph.parameters.iter().zip(&found[1..]) {
            if !graph.graph.is_learned(*id) {
                check_statistic(fixture, &at(&format!("after/{name}")), &self.weights[name], found)?;
                continue;
            }
            let stride = found.data.len().div_ceil(KEPT);
            let kept: Vec<f64> = found.data.iter().step_by(stride).copied().collect();
            let error = relative_error(&kept, &fixture.tensor(&at(&format!("grad/{name}"))).data);
            let size = fixture.number(&at(&format!("grad_norm/{name}")));
            errors.gradient = errors.gradient.max(error).max((norm(&found.data) - size).abs() / size);
        }
        // A loss that PyTorch finds by luck closer than single precision goes is not asked of anyone.
        let loss = fixture.number(&at("f32_loss_error")).max(f64::from(f32::EPSILON));
        Ok([errors, Errors { loss, gradient: fixture.number(&at("f32_error")) }])
    }
}

/// Where a running average stands behind the step.
fn check_statistic(fixture: &Fixture, name: &str, before: &Tensor, contribution: &Tensor) -> Result<(), String> {
    let follow = |(before, statistic): (&f64, &f64)| before + 0.1 * (statistic - before);
    let after: Vec<f64> = before.data.iter().zip(&contribution.data).map(follow).collect();
    let error = relative_error(&after, &fixture.tensor(name).data);
    if error <= 1e-6 { Ok(()) } else { Err(format!("{name} is off by {error:.1e}")) }
}

/// Gradients of a deep network are off by 1e-6 on one batch and by 1e-3 on the next, where one ReLU of millions falls on its other
/// side; PyTorch's are too. So engines are held to PyTorch's geometric mean and to its worst over all batches.
#[test]
fn resnet20_trains_as_pytorch_trains_it() {
    let fixture = Fixture::open("networks");
    let recorded: Vec<(usize, Recorded)> = STEPS.iter().map(|&step| (step, Recorded::new(&fixture, step))).collect();
    let mut failures = Vec::new();
    for mut subject in engines() {
        let mut all = Vec::new();
        for (step, recorded) in &recorded {
            for number in 0..TRIED {
                match block_on(recorded.check(subject.engine.as_mut(), *step, number)) {
                    Ok(errors) => all.push(errors),
                    Err(problem) => failures.push(format!("{}: step {step}, batch {number}: {problem}", subject.name)),
                }
            }
        }
        for (what, of) in [("loss", (|e| e.loss) as fn(&Errors) -> f64), ("gradient", |e| e.gradient)] {
            let figures = [0, 1].map(|which| {
                let mut errors: Vec<f64> = all.iter().map(|pair| of(&pair[which])).collect();
                errors.sort_by(f64::total_cmp);
                let mean = errors.iter().map(|error| error.ln()).sum::<f64>() / errors.len() as f64;
                [mean.exp(), errors[errors.len() - 1]]
            });
            let [found, own] = figures;
            let [ours, theirs] = figures.map(|[mean, worst]| format!("{mean:.1e}, at worst {worst:.1e}"));
            let told = format!("{}: {what} off by {ours}; PyTorch's own by {theirs}", subject.name);
            println!("{told}");
            if (0..2).any(|i| found[i] > TIMES * own[i]) {
                failures.push(told);
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// What torchvision has in its state dicts: element types and lengths by name.
type Listing = HashMap<String, HashMap<String, (String, Vec<usize>)>>;

#[test]
fn torchvisions_state_dicts_of_1000_classes_fit_with_a_new_head() {
    let listing: Listing = serde_json::from_str(include_str!("../fixtures/torchvision.json")).unwrap();
    for (preset, network, head) in [
        ("resnet18", "resnet18", ["fc.weight", "fc.bias"]),
        ("mobilenet-v2", "mobilenet_v2", ["classifier.1.weight", "classifier.1.bias"]),
    ] {
        let filled = |(name, (dtype, dims)): (&String, &(String, Vec<usize>))| {
            let (dtype, bytes) = match dtype.as_str() {
                "torch.int64" => (Dtype::I64, vec![7; 8]),
                _ => {
                    let value = (hashed(name, 1).next().unwrap() as f32).to_le_bytes();
                    (Dtype::F32, value.repeat(dims.iter().product()))
                }
            };
            (name.clone(), (dtype, dims.clone(), bytes))
        };
        let tensors: HashMap<_, _> = listing[network].iter().map(filled).collect();
        assert!(tensors.values().any(|(dtype, ..)| *dtype == Dtype::I64));
        let views = tensors
            .iter()
            .map(|(name, (dtype, dims, bytes))| (name, TensorView::new(*dtype, dims.clone(), bytes).unwrap()));
        let file = TensorFile::decode(network, &safetensors::serialize(views, None).unwrap()).unwrap();

        let own = ModelSpec::preset_for(preset, [3, 32, 32]).unwrap().with_classes(3).build().unwrap();
        let Transfer { weights, left_out } = transfer(&own, network, file.clone(), 5).unwrap();
        let names: Vec<&str> = left_out.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, head, "{preset}");
        assert_eq!(left_out[1].1, [1000]);
        let initial = initial_weights(&own, 5);
        for (taken, initial) in weights.iter().zip(&initial) {
            assert_eq!((&taken.name, &taken.dims), (&initial.name, &initial.dims));
            let expected = match head.contains(&taken.name.as_str()) {
                true => initial.data[0],
                false => hashed(&taken.name, 1).next().unwrap() as f32,
            };
            assert_eq!(taken.data[0], expected, "{}", taken.name);
        }
        let whole = ModelSpec::preset_for(preset, [3, 32, 32]).unwrap().with_classes(1000).build().unwrap();
        assert_eq!(transfer(&whole, network, file, 5).unwrap().left_out, []);
    }
}
