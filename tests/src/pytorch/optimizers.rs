//! What PyTorch's optimizers make of recorded gradients: see `fixtures/README.md`.

use std::collections::HashMap;

use convoke_core::engine::Engine;
use convoke_core::graph::{Graph, Init};
use convoke_core::model::{ModelSpec, Network, Pass};
use convoke_core::ops::MatMul;
use convoke_core::optim::Optimizer;
use convoke_core::shape::TensorType;
use convoke_core::tensor::Tensor;

use crate::agreement::Findings;
use crate::fixtures::Fixture;
use crate::values::relative_error;
use crate::{LoadedNetwork, Pictures, Setup};

/// The largest relative error of parameters after recorded gradients.
const PARAMETERS: f64 = 1e-6;

/// The optimizers of `optimizers.safetensors`.
pub fn optimizers() -> [(&'static str, Optimizer); 12] {
    let nesterov = Optimizer::Sgd { lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 0.01 };
    let decay = Optimizer::Adam { lr: 1e-3, beta1: 0.8, beta2: 0.99, eps: 1e-6, weight_decay: 0.01 };
    let rmsprop =
        Optimizer::RmsProp { lr: 1e-3, alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false, weight_decay: 0.0 };
    let centered =
        Optimizer::RmsProp { lr: 1e-3, alpha: 0.9, eps: 1e-4, momentum: 0.9, centered: true, weight_decay: 0.01 };
    let adagrad = |lr_decay, initial_accumulator_value, weight_decay| {
        let eps = 1e-10;
        Optimizer::Adagrad { lr: 0.01, lr_decay, eps, initial_accumulator_value, weight_decay }
    };
    [
        ("sgd", Optimizer::sgd(0.01, 0.0)),
        ("sgd_momentum", Optimizer::sgd(0.01, 0.9)),
        ("sgd_nesterov", nesterov),
        ("adam", Optimizer::adam(1e-3)),
        ("adam_decay", decay),
        ("adamw", Optimizer::adamw(1e-3, 0.01)),
        ("rmsprop", rmsprop),
        ("rmsprop_centered", centered),
        ("adagrad", adagrad(0.0, 0.0, 0.0)),
        ("adagrad_decay", adagrad(0.01, 0.1, 0.01)),
        ("lion", Optimizer::Lion { lr: 1e-4, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }),
        ("lion_decay", Optimizer::Lion { lr: 1e-3, beta1: 0.95, beta2: 0.98, weight_decay: 0.1 }),
    ]
}

/// The tensors of `optimizers.safetensors`.
pub const TENSORS: [&str; 3] = ["a", "b", "c"];

/// The gradients of a step, from 1.
pub fn recorded_gradients(fixture: &Fixture, step: usize) -> HashMap<String, Tensor> {
    let gradient = |name: &str| {
        let all = fixture.tensor(&format!("gradients/{name}"));
        let dims = all.dims[1..].to_vec();
        let length: usize = dims.iter().product();
        Tensor::new(dims, all.data[(step - 1) * length..][..length].to_vec())
    };
    TENSORS.iter().map(|name| (name.to_string(), gradient(name))).collect()
}

/// A network whose parameters are the recorded tensors; only `b` is of any use to it.
fn holder(fixture: &Fixture) -> convoke_core::error::Result<Network> {
    let mut graph = Graph::default();
    let input = graph.input(TensorType::batched([150]))?;
    let mut parameters = Vec::new();
    for name in TENSORS {
        let dims = fixture.tensor(&format!("start/{name}")).dims;
        parameters.push(graph.parameter(name, dims, Init::Uniform { bound: 1.0 })?);
    }
    let output = graph.apply1(MatMul { transpose_a: false, transpose_b: true }, &[input, parameters[1]])?;
    let (spec, training) = (ModelSpec::new("recorded", [1, 10, 15], 10), Pass { graph: graph.clone(), input, output });
    Ok(Network { spec, graph, input, outputs: Vec::new(), output, training })
}

/// An engine's updates by the recorded gradients.
///
/// # Errors
/// What the engine refuses.
pub async fn check(engine: &mut dyn Engine, fixture: &Fixture) -> Result<Findings, String> {
    let pictures = Pictures { channels: 1, plane: 150, pixels: vec![0; 150], labels: vec![0] };
    let network = holder(fixture).map_err(|e| e.to_string())?;
    let start = TENSORS.iter().map(|name| (name.to_string(), fixture.tensor(&format!("start/{name}")))).collect();
    let gradients: Vec<_> = (1..=50).map(|step| recorded_gradients(fixture, step)).collect();
    let mut findings = Findings::default();
    for (config, optimizer) in optimizers() {
        let (setup, gather) = (Setup::new(optimizer, 1), pictures.plain_gather(1));
        let mut loaded = LoadedNetwork::new(engine, &network, setup, gather, &pictures).await?;
        loaded.set_parameters(&start)?;
        for (step, gradients) in (1..).zip(&gradients) {
            loaded.set_gradients(gradients)?;
            loaded.update(step)?;
            if [1, 10, 50].contains(&step) {
                let parameters = loaded.parameters().await?;
                for name in TENSORS {
                    let wanted = fixture.tensor(&format!("{config}/f64/step{step}/{name}"));
                    let error = relative_error(&parameters[name].data, &wanted.data);
                    findings.add("50 recorded updates", error, PARAMETERS, &format!("{config}, step {step}: {name}"));
                }
            }
        }
    }
    Ok(findings)
}
