//! What a model costs, layer by layer, without a device.

use serde::Serialize;

use crate::engine::Limits;
use crate::error::Result;
use crate::graph::{Graph, Source, ValueId};
use crate::kernels::Gather;
use crate::loss::Loss;
use crate::lower::{Lowering, TensorId};
use crate::model::{LayerSpec, Network};
use crate::optim::Optimizer;
use crate::plan::{CompileOptions, Flops, PlanKind, Program, Role, compile};

/// Bytes of an element.
const ELEMENT: usize = 4;

/// What one layer is and costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerSummary {
    /// Its name.
    pub name: String,
    /// Its type, as a description names it: `conv2d`.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// The shape of its output for one sample: the batch is left out.
    pub output: Vec<usize>,
    /// How many numbers it learns.
    pub parameters: usize,
    /// Floating-point operations of its forward pass for one sample; a multiply-add counts as two.
    pub forward_flops: u64,
    /// Bytes of its output for one sample; 0 where it is only another view of its input, as flatten's is.
    pub activation_bytes: usize,
}

/// The bytes that training takes on a device, without the dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrainingMemory {
    /// Parameters, with the padding between them.
    pub parameters: usize,
    /// Gradients, laid out as the parameters.
    pub gradients: usize,
    /// What SGD with momentum keeps; Adam keeps twice as much, SGD without momentum nothing.
    pub optimizer_state: usize,
    /// What forward and backward pass keep of a batch, after memory was given to several tensors in turn.
    pub activations: usize,
    /// One batch of pictures with labels, indices and figures.
    pub batch: usize,
    /// All of these.
    pub total: usize,
}

/// What a model costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The model's name.
    pub model: String,
    /// Channels, height and width of the pictures.
    pub input: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// The layers, in the model's order.
    pub layers: Vec<LayerSummary>,
    /// How many numbers are learned.
    pub parameters: usize,
    /// Floating-point operations of the forward pass for one sample.
    pub forward_flops: u64,
    /// Floating-point operations of a training step for one sample: forward pass, loss and backward pass.
    pub training_flops: u64,
    /// Floating-point operations of a training step that don't depend on the batch: checking and applying gradients.
    pub update_flops: u64,
    /// Samples of a step in `training_bytes`.
    pub batch_size: usize,
    /// What training with that batch takes.
    pub training_bytes: TrainingMemory,
}

/// Adds up what a network costs, and what training it with SGD and momentum in batches of `batch_size` (from 1) takes.
/// Operations are those of the plans that engines run, after fusion; those of single layers are counted before it.
///
/// # Errors
/// [`Error::NotDifferentiable`](crate::error::Error::NotDifferentiable) where the network can't be trained.
pub fn summary(network: &Network, batch_size: usize) -> Result<Summary> {
    let layers = layers(&network.graph, &network.spec.layers, &network.outputs);
    let program = program(network, batch_size)?;
    let training = flops(&program, PlanKind::Gradients);
    let update = flops(&program, PlanKind::Update);
    Ok(Summary {
        model: network.spec.name.clone(),
        input: network.spec.input,
        classes: network.classes(),
        parameters: network.parameter_count(),
        forward_flops: layers.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.forward_flops)),
        layers,
        training_flops: training.per_sample,
        update_flops: training.per_run.saturating_add(update.per_run),
        batch_size,
        training_bytes: memory(&program),
    })
}

/// The operations of all steps of a plan.
fn flops(program: &Program, kind: PlanKind) -> Flops {
    let steps = program.plan(kind).steps.iter().map(|step| step.kernel.flops());
    steps.fold(Flops::default(), |sum, flops| Flops {
        per_sample: sum.per_sample.saturating_add(flops.per_sample),
        per_run: sum.per_run.saturating_add(flops.per_run),
    })
}

/// What training takes on a device that binds buffers of any size, the dataset being one batch of pictures.
fn program(network: &Network, batch_size: usize) -> Result<Program> {
    let [channels, height, width] = network.spec.input;
    let gather = Gather {
        source_channels: channels,
        channels,
        plane: height * width,
        mean: vec![0.0; channels],
        inverse_std: vec![1.0; channels],
    };
    let most = isize::MAX as usize;
    let limits = Limits { max_binding_bytes: most, max_buffer_bytes: most, ..Limits::WEBGPU };
    let training = Some(Optimizer::default().rule().into());
    compile(
        network,
        &CompileOptions {
            capacity: batch_size,
            slots: 1,
            pictures: batch_size,
            gather,
            augment: None,
            loss: Loss::default(),
            training,
            limits,
        },
    )
}

/// What the layers of a graph are and cost, as many as have `outputs`: all of a [`Network`]'s, or those of a model that is not
/// whole yet ([`Outline`](crate::model::Outline)).
pub fn layers(graph: &Graph, layers: &[LayerSpec], outputs: &[ValueId]) -> Vec<LayerSummary> {
    let mut lowering = Lowering::new(graph);
    lowering.lower(outputs);
    let summarize = |(spec, &output): (&LayerSpec, &ValueId)| {
        let steps = lowering.steps.iter().filter(|step| step.label == spec.name);
        let forward_flops = steps.fold(0, |sum: u64, step| sum.saturating_add(step.kernel.flops().per_sample));
        let nodes = || graph.nodes.iter().filter(|node| node.layer == spec.name);
        let inner: Vec<ValueId> = nodes().flat_map(|node| node.outputs.iter().copied()).collect();
        let own = matches!(lowering.resolve(output.into()), TensorId::Value(value) if inner.contains(&value));
        LayerSummary {
            name: spec.name.clone(),
            type_name: spec.layer.type_name(),
            output: graph.ty(output).dims.clone(),
            parameters: nodes().flat_map(|node| &node.inputs).map(|&value| parameters(graph, value)).sum(),
            forward_flops,
            activation_bytes: if own { graph.ty(output).inner() * ELEMENT } else { 0 },
        }
    };
    layers.iter().zip(outputs).map(summarize).collect()
}

/// The number of elements of a value that is a parameter, else 0.
fn parameters(graph: &Graph, value: ValueId) -> usize {
    match graph.values[value.0].source {
        Source::Parameter { learned: true, .. } => graph.ty(value).inner(),
        _ => 0,
    }
}

fn memory(program: &Program) -> TrainingMemory {
    let mut memory = TrainingMemory { total: program.bytes(), ..TrainingMemory::default() };
    for buffer in &program.buffers {
        let part = match buffer.role {
            Role::Parameters => &mut memory.parameters,
            Role::Gradients | Role::SummedGradients => &mut memory.gradients,
            Role::OptimizerState => &mut memory.optimizer_state,
            Role::Activations => &mut memory.activations,
            Role::Pixels
            | Role::Labels
            | Role::Indices
            | Role::ClassWeights
            | Role::Metrics
            | Role::Flag
            | Role::Norm => &mut memory.batch,
        };
        *part += buffer.bytes;
    }
    memory
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Add, Conv2d, Features, Flatten, Linear, Relu};
    use crate::model::ModelSpec;

    fn reference_cnn() -> Summary {
        let network = ModelSpec::preset("reference-cnn").unwrap().build().unwrap();
        summary(&network, 64).unwrap()
    }

    #[test]
    fn the_reference_cnn_is_counted_as_by_hand() {
        let summary = reference_cnn();
        let of = |name: &str| summary.layers.iter().find(|layer| layer.name == name).unwrap();
        // 16 filters of 3·3·3 weights and a bias, on 28·28 places.
        let conv1 = of("conv1");
        assert_eq!((conv1.type_name, conv1.output.as_slice()), ("conv2d", &[16, 28, 28][..]));
        assert_eq!(conv1.parameters, 16 * 27 + 16);
        assert_eq!(conv1.forward_flops, 16 * 784 * (2 * 27 + 1));
        assert_eq!(conv1.activation_bytes, 16 * 784 * 4);
        let conv2 = of("conv2");
        assert_eq!(conv2.parameters, 32 * 144 + 32);
        assert_eq!(conv2.forward_flops, 32 * 196 * (2 * 144 + 1));
        let fc1 = of("fc1");
        assert_eq!((fc1.parameters, fc1.output.as_slice()), (1568 * 128 + 128, &[128][..]));
        assert_eq!(fc1.forward_flops, 128 * (2 * 1568 + 1));
        let flatten = of("flatten");
        assert_eq!((flatten.output.as_slice(), flatten.activation_bytes), (&[1568][..], 0));
        assert_eq!(summary.parameters, 448 + 4640 + 200_832 + 1290);
        assert_eq!(summary.parameters, summary.layers.iter().map(|layer| layer.parameters).sum());
    }

    /// Three times the forward pass, less the gradient of the pictures; activations, pools and the loss add a little.
    #[test]
    fn the_reference_cnn_trains_at_8_mflop_a_sample() {
        let summary = reference_cnn();
        let products: u64 = 2 * (16 * 784 * 27 + 32 * 196 * 144 + 128 * 1568 + 10 * 128);
        let trained = 3 * products - 2 * 16 * 784 * 27;
        assert_eq!((products, trained), (2_887_680, 7_985_664));
        assert!((products..products + products / 30).contains(&summary.forward_flops), "{}", summary.forward_flops);
        assert!((trained..trained + trained / 30).contains(&summary.training_flops), "{}", summary.training_flops);
    }

    #[test]
    fn memory_is_split_without_a_rest() {
        let bytes = reference_cnn().training_bytes;
        let parts = [bytes.parameters, bytes.gradients, bytes.optimizer_state, bytes.activations, bytes.batch];
        assert_eq!(bytes.total, parts.iter().sum());
        assert!((207_210 * 4..210_000 * 4).contains(&bytes.parameters), "{}", bytes.parameters);
        assert_eq!((bytes.gradients, bytes.optimizer_state), (bytes.parameters, bytes.parameters));
        assert!(bytes.batch >= 64 * 3 * 784);
    }

    #[test]
    fn branches_are_counted_once_each() {
        let spec = ModelSpec::new("residual", [3, 8, 8], 10)
            .layer("a", Conv2d::new(3, 3).padding(1))
            .layer("b", Relu {})
            .layer_from("sum", ["input", "b"], Add {})
            .then(Flatten {})
            .layer("fc", Linear::new(Features::Classes));
        let summary = summary(&spec.build().unwrap(), 1).unwrap();
        let sum = &summary.layers[2];
        assert_eq!((sum.type_name, sum.forward_flops, sum.parameters), ("add", 192, 0));
        assert_eq!(summary.parameters, 84 + 1930);
    }
}
