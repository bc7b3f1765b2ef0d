//! Models that between them use every layer, every setting of it, and every way in which layers join.

use std::collections::HashMap;

use convoke_core::graph::Init;
use convoke_core::model::{ModelSpec, Network};
use convoke_core::random::{Stream, StreamId};
use convoke_core::tensor::Tensor;

use crate::Pictures;

/// Names and descriptions.
const DESCRIPTIONS: &[(&str, &str)] = &[
    (
        "residual",
        r#"
        input = [3, 12, 12]
        layers = [
            { type = "conv2d", name = "a", out_channels = 8, kernel_size = 3, padding = 1 },
            { type = "relu", name = "b" },
            { type = "conv2d", name = "c", out_channels = 8, kernel_size = 3, padding = 1 },
            { type = "relu", name = "d" },
            { type = "conv2d", name = "e", out_channels = 8, kernel_size = 3, padding = 1, bias = false },
            { type = "add", name = "f", from = ["b", "e"] },
            { type = "relu", name = "g" },
            { type = "add", name = "h", from = ["g", "d", "b"] },
            { type = "global_avg_pool" },
            { type = "flatten" },
            { type = "linear", out_features = "classes" },
        ]"#,
    ),
    (
        "grouped and strided",
        r#"
        input = [4, 17, 14]
        classes = 5
        layers = [
            { type = "conv2d", out_channels = 6, kernel_size = [3, 5], stride = 2, padding = [1, 2], groups = 2 },
            { type = "relu" },
            { type = "conv2d", out_channels = 6, kernel_size = 3, dilation = 2, padding = 2, groups = 6, bias = false },
            { type = "relu" },
            { type = "conv2d", out_channels = 12, kernel_size = 1, stride = [1, 2] },
            { type = "max_pool2d", kernel_size = 3, stride = 2, padding = 1, dilation = [2, 1] },
            { type = "flatten" },
            { type = "linear", out_features = 33 },
            { type = "relu" },
            { type = "linear", out_features = "classes", bias = false },
        ]"#,
    ),
    (
        "odd pictures",
        r#"
        input = [1, 9, 13]
        classes = 3
        layers = [
            { type = "conv2d", out_channels = 5, kernel_size = 2 },
            { type = "max_pool2d", kernel_size = [2, 3] },
            { type = "relu" },
            { type = "avg_pool2d", kernel_size = 3, stride = 1, padding = 1 },
            { type = "flatten" },
            { type = "linear", out_features = "classes" },
        ]"#,
    ),
    (
        "two classes of one pixel",
        r#"
        input = [3, 1, 1]
        classes = 2
        layers = [{ type = "conv2d", out_channels = "classes", kernel_size = 1 }, { type = "flatten" }]"#,
    ),
    (
        "rows that join",
        r#"
        input = [1, 9, 13]
        classes = 7
        layers = [
            { type = "flatten", name = "flat" },
            { type = "linear", name = "left", out_features = 11 },
            { type = "relu", name = "left_on" },
            { type = "linear", name = "right", from = ["flat"], out_features = 11 },
            { type = "linear", name = "unused", from = ["flat"], out_features = 4 },
            { type = "add", name = "sum", from = ["left_on", "right"] },
            { type = "add", name = "twice", from = ["sum", "sum"] },
            { type = "linear", name = "out", out_features = "classes" },
        ]"#,
    ),
    (
        "from the input twice",
        r#"
        input = [2, 8, 6]
        classes = 4
        layers = [
            { type = "conv2d", name = "a", out_channels = 2, kernel_size = 3, padding = 1 },
            { type = "add", name = "b", from = ["input", "a"] },
            { type = "avg_pool2d", name = "c", kernel_size = 2 },
            { type = "avg_pool2d", name = "d", from = ["input"], kernel_size = 2 },
            { type = "add", name = "e", from = ["c", "d"] },
            { type = "relu", name = "f" },
            { type = "flatten", name = "g" },
            { type = "linear", name = "h", out_features = "classes" },
        ]"#,
    ),
    (
        "side by side",
        r#"
        input = [3, 10, 7]
        classes = 6
        layers = [
            { type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, padding = 1 },
            { type = "leaky_relu", name = "b", negative_slope = 0.25 },
            { type = "conv2d", name = "c", from = ["input"], out_channels = 5, kernel_size = 1 },
            { type = "concat", name = "d", from = ["b", "c", "input"] },
            { type = "relu", name = "e" },
            { type = "conv2d", name = "f", out_channels = 8, kernel_size = 3, stride = 2, groups = 4 },
            { type = "concat", name = "g", from = ["f", "f"] },
            { type = "flatten", name = "h" },
            { type = "linear", name = "i", out_features = 5 },
            { type = "leaky_relu", name = "j" },
            { type = "concat", name = "k", from = ["j", "h"] },
            { type = "linear", name = "l", out_features = "classes" },
        ]"#,
    ),
    (
        "logits from two heads",
        r#"
        input = [1, 5, 5]
        classes = 5
        layers = [
            { type = "flatten", name = "a" },
            { type = "linear", name = "b", out_features = 2 },
            { type = "linear", name = "c", from = ["a"], out_features = 3 },
            { type = "concat", name = "d", from = ["b", "c"] },
        ]"#,
    ),
    (
        "normalised",
        r#"
        input = [3, 10, 9]
        classes = 4
        layers = [
            { type = "conv2d", name = "conv1", out_channels = 8, kernel_size = 3, padding = 1, bias = false },
            { type = "batch_norm", name = "bn1" },
            { type = "relu", name = "on1" },
            { type = "conv2d", name = "conv2", out_channels = 8, kernel_size = 3, padding = 1, bias = false },
            { type = "batch_norm", name = "bn2", momentum = 0.25, eps = 0.001 },
            { type = "add", name = "sum", from = ["on1", "bn2"] },
            { type = "relu", name = "on2" },
            { type = "group_norm", name = "gn", groups = 4 },
            { type = "conv2d", name = "conv3", out_channels = 6, kernel_size = 1 },
            { type = "layer_norm", name = "ln" },
            { type = "relu", name = "on_ln" },
            { type = "flatten", name = "flat" },
            { type = "linear", name = "hidden", out_features = 12, bias = false },
            { type = "batch_norm", name = "bn3" },
            { type = "relu", name = "on3" },
            { type = "linear", name = "narrow", out_features = 7 },
            { type = "layer_norm", name = "ln2" },
            { type = "linear", name = "out", out_features = "classes" },
        ]"#,
    ),
    (
        "excited, scaled and dropped",
        r#"
        input = [3, 9, 8]
        classes = 4
        layers = [
            { type = "conv2d", name = "conv1", out_channels = 8, kernel_size = 3, padding = 1 },
            { type = "dropout", name = "drop1", p = 0.25 },
            { type = "relu", name = "on1" },
            { type = "global_avg_pool", name = "mean" },
            { type = "conv2d", name = "fc1", out_channels = 4, kernel_size = 1 },
            { type = "silu", name = "on2" },
            { type = "conv2d", name = "fc2", out_channels = 8, kernel_size = 1 },
            { type = "sigmoid", name = "gate" },
            { type = "multiply", name = "excited", from = ["on1", "gate"] },
            { type = "layer_scale", name = "scaled", init = 0.5 },
            { type = "squeeze_excite", name = "se", squeeze_channels = 3 },
            { type = "add", name = "sum", from = ["on1", "se"] },
            { type = "gelu", name = "on3" },
            { type = "multiply", name = "square", from = ["on3", "sum"] },
            { type = "flatten", name = "flat" },
            { type = "dropout", name = "drop2" },
            { type = "linear", name = "out", out_features = "classes" },
        ]"#,
    ),
    (
        "nothing to learn",
        r#"
        input = [6, 2, 2]
        classes = 6
        layers = [{ type = "global_avg_pool" }, { type = "flatten" }]"#,
    ),
];

/// The reference CNN and all descriptions above.
///
/// # Panics
/// Where one doesn't build.
pub fn models() -> Vec<(String, Network)> {
    let preset = ("reference-cnn", ModelSpec::preset("reference-cnn").expect("it is a preset"));
    let others = DESCRIPTIONS.iter().map(|(name, text)| {
        let spec = ModelSpec::from_toml(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        (*name, spec)
    });
    let build = |(name, spec): (&str, ModelSpec)| {
        let network = spec.build().unwrap_or_else(|e| panic!("{name}: {e}"));
        (name.to_string(), network)
    };
    std::iter::once(preset).chain(others).map(build).collect()
}

/// Parameters as training begins with them.
pub fn parameters(network: &Network, seed: u64) -> HashMap<String, Tensor> {
    let parameter = |(position, (id, name, init)): (usize, (convoke_core::graph::ValueId, &str, Init))| {
        let mut stream = Stream::new(seed, StreamId::Init, position as u32, 0);
        let dims = network.graph.ty(id).dims.clone();
        let mut draw = || match init {
            Init::Uniform { bound } => stream.uniform(-bound, bound),
            Init::Constant(number) => number,
        };
        (name.to_string(), Tensor::from_fn(dims, |_| f64::from(draw())))
    };
    network.graph.parameters().enumerate().map(parameter).collect()
}

/// Random pictures for a model, grey or in as many channels as it takes.
pub fn pictures(network: &Network, channels: usize, count: usize, seed: u64) -> Pictures {
    let [_, height, width] = network.spec.input;
    let mut stream = Stream::new(seed, StreamId::Test, 0, 1);
    let pixels = (0..count * channels * height * width).map(|_| stream.below(256) as u8).collect();
    let labels = (0..count).map(|_| stream.below(network.classes() as u32)).collect();
    Pictures { channels, plane: height * width, pixels, labels }
}
