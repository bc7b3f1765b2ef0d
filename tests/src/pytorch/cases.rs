//! What PyTorch says of single operations and their gradients: see `fixtures/README.md`.

use std::collections::HashMap;

use convoke_core::autodiff::differentiate;
use convoke_core::engine::Engine;
use convoke_core::error::Result;
use convoke_core::graph::{Graph, ValueId};
use convoke_core::layers::{self, Layer};
use convoke_core::loss::{Labels, Loss, LossKind};
use convoke_core::ops::{AvgPool2d, Bias, Constant, Conv2d, CrossEntropy, Keep, MatMul, MaxPool2d, Pointwise, Reduce};
use convoke_core::reference::{self, Batch};
use convoke_core::shape::{DType, TensorType};
use convoke_core::tensor::Tensor;
use serde::Deserialize;

use crate::agreement::{Findings, KERNEL};
use crate::fixtures::Fixture;
use crate::run_graph;
use crate::values::{distance, magnitudes, norm};

/// An entry of `cases.json` or `layers.json`.
#[derive(Deserialize)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// Which operation it is of.
    pub kind: String,
    #[serde(default)]
    params: Params,
    /// The layer in TOML, its type included, of a case of the kind `layer`.
    #[serde(default)]
    layer: String,
    tensors: HashMap<String, String>,
    #[serde(default)]
    scales: HashMap<String, f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Params {
    kernel_size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
    loss: String,
    label_smoothing: f32,
    delta: f32,
}

/// A case as a graph: what it is fed, and its results by role.
struct Built {
    graph: Graph,
    feeds: HashMap<ValueId, Tensor>,
    results: Vec<(String, ValueId)>,
    samples: usize,
}

/// A case under construction.
struct Builder<'a> {
    case: &'a Case,
    fixture: &'a Fixture,
    graph: Graph,
    feeds: HashMap<ValueId, Tensor>,
}

impl Builder<'_> {
    fn tensor(&self, role: &str) -> Tensor {
        self.fixture.tensor(&self.case.tensors[role])
    }

    /// An input with a sample for each of the tensor's first dimension.
    fn batched(&mut self, role: &str, dtype: DType) -> Result<ValueId> {
        let tensor = self.tensor(role);
        self.feed(TensorType::batched(&tensor.dims[1..]).with_dtype(dtype), tensor)
    }

    fn fixed(&mut self, role: &str) -> Result<ValueId> {
        let tensor = self.tensor(role);
        self.feed(TensorType::fixed(tensor.dims.clone()), tensor)
    }

    fn feed(&mut self, ty: TensorType, tensor: Tensor) -> Result<ValueId> {
        let value = self.graph.input(ty)?;
        self.feeds.insert(value, tensor);
        Ok(value)
    }

    /// The mean loss of a batch.
    fn loss(&mut self, logits: ValueId) -> Result<ValueId> {
        let Params { label_smoothing, delta, .. } = self.case.params;
        let kind = match self.case.params.loss.as_str() {
            "cross_entropy" => LossKind::CrossEntropy,
            "mse_loss" => LossKind::Pointwise(Pointwise::Squared),
            "l1_loss" => LossKind::Pointwise(Pointwise::Absolute),
            "binary_cross_entropy_with_logits" => LossKind::Pointwise(Pointwise::BinaryCrossEntropy),
            "huber_loss" => LossKind::Pointwise(Pointwise::Huber { delta }),
            other => panic!("{}: there is no loss {other}", self.case.name),
        };
        let first = self.batched("labels", DType::U32)?;
        let has = |role: &str| self.case.tensors.contains_key(role);
        let (mixed, weighted) = (has("second"), has("class_weights"));
        let second = match mixed {
            true => Some([self.batched("second", DType::U32)?, self.batched("first_share", DType::F32)?]),
            false => None,
        };
        let class_weights = if weighted { Some(self.fixed("class_weights")?) } else { None };
        let labels = Labels { first, second, class_weights };
        let losses = Loss { kind, label_smoothing, weighted }.apply(&mut self.graph, logits, &labels)?;
        self.graph.apply1(Reduce { keep: Keep::Nothing, mean: true }, &[losses])
    }

    /// A layer as a model's description has it, whose parameters are the case's tensors.
    fn layer(&mut self, input: ValueId, wrt: &mut Vec<(&str, ValueId)>) -> Result<ValueId> {
        let name = &self.case.name;
        let mut table: toml::Table = self.case.layer.parse().unwrap_or_else(|e| panic!("{name}: {e}"));
        let kind = table.remove("type").and_then(|kind| Some(kind.as_str()?.to_string())).unwrap_or_default();
        let layer = Layer::from_table(&kind, table).unwrap_or_else(|e| panic!("{name}: {}", e.0));
        let mut builder = layers::Builder { graph: &mut self.graph, name: "it", classes: 10, training: true };
        let output = layer.build(&mut builder, &[input])?;
        let roles = [("it.weight", "weight", "grad_weight"), ("it.bias", "bias", "grad_bias")];
        let parameters: Vec<(ValueId, String)> =
            self.graph.parameters().map(|(value, name, _)| (value, name.to_string())).collect();
        for (value, name) in parameters {
            let (_, role, gradient) = roles.iter().find(|(known, ..)| *known == name).expect("a weight or a bias");
            self.feeds.insert(value, self.tensor(role));
            wrt.push((gradient, value));
        }
        Ok(output)
    }

    /// `op(input)` or `op(input, weight) + bias`, with the gradients of all inputs for `grad_output`.
    fn build(mut self) -> Result<Built> {
        self.graph.enter(self.case.name.clone());
        let input = self.batched("input", DType::F32)?;
        let samples = self.feeds[&input].dims[0];
        let mut wrt = vec![("grad_input", input)];
        let mut results = Vec::new();
        let Params { kernel_size: kernel, stride, padding, dilation, groups, .. } = self.case.params;
        let output = match self.case.kind.as_str() {
            "conv2d" | "linear" => {
                let weight = self.fixed("weight")?;
                wrt.push(("grad_weight", weight));
                let product = if self.case.kind == "linear" {
                    self.graph.apply1(MatMul { transpose_a: false, transpose_b: true }, &[input, weight])?
                } else {
                    self.graph.apply1(Conv2d { stride, padding, dilation, groups }, &[input, weight])?
                };
                if self.case.tensors.contains_key("bias") {
                    let bias = self.fixed("bias")?;
                    wrt.push(("grad_bias", bias));
                    self.graph.apply1(Bias, &[product, bias])?
                } else {
                    product
                }
            }
            "max_pool2d" => {
                let outputs = self.graph.apply(MaxPool2d { kernel, stride, padding, dilation }, &[input])?;
                results.push(("indices", outputs[1]));
                outputs[0]
            }
            "average_pool2d" => self.graph.apply1(AvgPool2d { kernel, stride, padding }, &[input])?,
            "global_average_pool2d" => {
                let whole: [usize; 2] = self.feeds[&input].dims[2..].try_into().expect("images");
                self.graph.apply1(AvgPool2d { kernel: whole, stride: whole, padding: [0, 0] }, &[input])?
            }
            "cross_entropy" => {
                let labels = self.batched("labels", DType::U32)?;
                let losses = self.graph.apply1(CrossEntropy, &[input, labels])?;
                results.push(("losses", losses));
                self.graph.apply1(Reduce { keep: Keep::Nothing, mean: true }, &[losses])?
            }
            "loss" => self.loss(input)?,
            "layer" => self.layer(input, &mut wrt)?,
            other => panic!("{}: there is no kind {other}", self.case.name),
        };
        let seed = if ["cross_entropy", "loss"].contains(&self.case.kind.as_str()) {
            results.push(("loss", output));
            self.graph.apply1(Constant { value: 1.0, ty: TensorType::fixed([]) }, &[])?
        } else {
            results.push(("output", output));
            self.batched("grad_output", DType::F32)?
        };
        let inputs: Vec<ValueId> = wrt.iter().map(|(_, value)| *value).collect();
        let gradients = differentiate(&mut self.graph, &[(output, seed)], &inputs)?;
        let gradients = wrt.iter().zip(gradients).map(|((role, _), value)| (*role, value.expect("all have one")));
        let results = results.into_iter().chain(gradients).map(|(role, value)| (role.to_string(), value)).collect();
        Ok(Built { graph: self.graph, feeds: self.feeds, results, samples })
    }
}

/// The cases of a list.
///
/// # Panics
/// Where the list is none.
pub fn cases(list: &str) -> Vec<Case> {
    serde_json::from_str(list).unwrap_or_else(|e| panic!("cases.json: {e}"))
}

fn build(case: &Case, fixture: &Fixture) -> Built {
    let builder = Builder { case, fixture, graph: Graph::default(), feeds: HashMap::new() };
    builder.build().unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

/// The error of each result in terms of its size: the sum of absolute values where the fixture has it, else the definition's
/// result for absolute inputs. Integers count as far off where one differs.
fn errors(case: &Case, fixture: &Fixture, built: &Built, found: &[Tensor]) -> Vec<(String, f64)> {
    let wanted: Vec<ValueId> = built.results.iter().map(|(_, value)| *value).collect();
    let absolute = built.feeds.iter().map(|(&value, tensor)| (value, magnitudes(tensor))).collect();
    let sizes = reference::run(&built.graph, &absolute, Batch::whole(built.samples), &wanted);
    let error = |(((role, value), found), size): (((&String, &ValueId), &Tensor), &Tensor)| {
        let pytorch = fixture.tensor(&case.tensors[role]);
        assert_eq!(found.data.len(), pytorch.data.len(), "{}, {role}", case.name);
        let size = case.scales.get(role).copied().unwrap_or_else(|| norm(&size.data));
        let size = if built.graph.ty(*value).dtype == DType::U32 { f64::MIN_POSITIVE } else { size };
        match distance(&found.data, &pytorch.data) {
            0.0 => (role.clone(), 0.0),
            error => (role.clone(), error / size),
        }
    };
    built.results.iter().map(|(role, value)| (role, value)).zip(found).zip(&sizes).map(error).collect()
}

/// The errors of the definition's results, by role.
pub fn definition(case: &Case, fixture: &Fixture) -> Vec<(String, f64)> {
    let built = build(case, fixture);
    let wanted: Vec<ValueId> = built.results.iter().map(|(_, value)| *value).collect();
    let found = reference::run(&built.graph, &built.feeds, Batch::whole(built.samples), &wanted);
    errors(case, fixture, &built, &found)
}

/// Tries an engine on a case.
pub async fn check(engine: &mut dyn Engine, case: &Case, fixture: &Fixture, findings: &mut Findings) {
    let built = build(case, fixture);
    let wanted: Vec<ValueId> = built.results.iter().map(|(_, value)| *value).collect();
    let (batch, capacity) = (Batch::whole(built.samples), built.samples + 2);
    match run_graph(engine, &built.graph, &built.feeds, &wanted, batch, capacity).await {
        Err(problem) => findings.failures.push(format!("{}: {problem}", case.name)),
        Ok(found) => {
            for (role, error) in errors(case, fixture, &built, &found) {
                findings.add("single operations", error, KERNEL, &format!("{}, {role}", case.name));
            }
        }
    }
}
