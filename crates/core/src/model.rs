//! Models as data: a named, directed graph of layers, written in TOML or in Rust.

use std::collections::HashMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::graph::{Graph, ValueId};
use crate::layers::{Builder, Layer};
use crate::nearest::{did_you_mean, with_nearest};
use crate::presets;
use crate::shape::TensorType;

/// The name by which layers refer to the model's input.
pub const INPUT: &str = "input";

/// A layer of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// Its name; its parameters are named after it.
    pub name: String,
    /// The layers, or [`INPUT`], whose outputs it takes; the layer before it where empty.
    pub from: Vec<String>,
    /// What it does.
    pub layer: Layer,
}

/// A model's description.
///
/// ```
/// use convoke_core::layers::{Conv2d, Features, Flatten, Linear, MaxPool2d, Relu};
/// use convoke_core::model::ModelSpec;
///
/// let model = ModelSpec::new("small", [1, 8, 8], 10)
///     .layer("conv", Conv2d::new(4, 3).padding(1))
///     .then(Relu {})
///     .then(MaxPool2d::new(2))
///     .then(Flatten {})
///     .layer("fc", Linear::new(Features::Classes));
/// assert_eq!(model, ModelSpec::from_toml(&model.to_toml()).unwrap());
/// assert_eq!(model.build().unwrap().parameter_count(), 4 * 9 + 4 + 64 * 10 + 10);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// What the model is called.
    pub name: String,
    /// Channels, height and width of the pictures.
    pub input: [usize; 3],
    /// The number of classes, which data of another number replaces.
    pub classes: usize,
    /// The layers. The last one's output is the model's.
    pub layers: Vec<LayerSpec>,
}

/// A model's description as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "unnamed")]
    name: String,
    input: [usize; 3],
    #[serde(default = "ten")]
    classes: usize,
    layers: Vec<toml::Table>,
    /// How to train the model: for those who do.
    #[serde(default, skip_serializing, rename = "train")]
    _train: IgnoredAny,
    #[serde(default, skip_serializing, rename = "optimizer")]
    _optimizer: IgnoredAny,
    #[serde(default, skip_serializing, rename = "schedule")]
    _schedule: IgnoredAny,
    #[serde(default, skip_serializing, rename = "loss")]
    _loss: IgnoredAny,
    #[serde(default, skip_serializing, rename = "augment")]
    _augment: IgnoredAny,
}

fn unnamed() -> String {
    "model".into()
}

fn ten() -> usize {
    10
}

impl ModelSpec {
    /// A model without layers, for pictures of `[channels, height, width]`.
    pub fn new(name: impl Into<String>, input: [usize; 3], classes: usize) -> Self {
        Self { name: name.into(), input, classes, layers: Vec::new() }
    }

    /// The preset of that name for ten classes and pictures of the size that it was published for, or `None`.
    pub fn preset(name: &str) -> Option<Self> {
        presets::preset(name, None)
    }

    /// The preset of that name for ten classes and pictures of `[channels, height, width]`, or `None`.
    pub fn preset_for(name: &str, input: [usize; 3]) -> Option<Self> {
        presets::preset(name, Some(input))
    }

    /// The names of all presets.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        presets::names()
    }

    /// Adds a layer behind the last one.
    #[must_use]
    pub fn layer(self, name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        self.layer_from(name, Vec::<String>::new(), layer)
    }

    /// Adds a layer behind the last one, named after its type and its position.
    #[must_use]
    pub fn then(self, layer: impl Into<Layer>) -> Self {
        let layer = layer.into();
        let name = default_name(layer.type_name(), self.layers.len());
        self.layer(name, layer)
    }

    /// Adds a layer behind others, by their names; [`INPUT`] is the model's input.
    #[must_use]
    pub fn layer_from(
        mut self,
        name: impl Into<String>,
        from: impl IntoIterator<Item = impl Into<String>>,
        layer: impl Into<Layer>,
    ) -> Self {
        let from = from.into_iter().map(Into::into).collect();
        self.layers.push(LayerSpec { name: name.into(), from, layer: layer.into() });
        self
    }

    /// The same model for data of so many classes.
    #[must_use]
    pub fn with_classes(mut self, classes: usize) -> Self {
        self.classes = classes;
        self
    }

    /// Reads a description:
    ///
    /// ```toml
    /// name = "small"             # optional
    /// input = [3, 28, 28]        # channels, height, width
    /// classes = 10               # optional; the data decides when training
    ///
    /// [[layers]]
    /// type = "conv2d"            # one of `Layer::TYPES`, with that layer's settings
    /// name = "conv1"             # optional: conv2d_0, relu_1, … by position
    /// from = ["input"]           # optional: the layer before
    /// out_channels = 16
    /// kernel_size = 3
    /// ```
    ///
    /// The tables `[train]`, `[optimizer]`, `[schedule]`, `[loss]` and `[augment]` say how to train it, and are left to those who do.
    ///
    /// # Errors
    /// [`Error::Model`] with the layer, and what is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self> {
        let problem = |problem: String| Error::Model { model: "TOML".into(), layer: None, problem };
        let written: Written = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            problem(format!("line {line}: {}", with_nearest(&e.explanation())))
        })?;
        Self::read(written)
    }

    fn read(written: Written) -> Result<Self> {
        let layers = written.layers.into_iter().enumerate();
        let layers = layers.map(|(i, table)| read_layer(&written.name, i, table)).collect::<Result<_>>()?;
        Ok(Self { name: written.name, input: written.input, classes: written.classes, layers })
    }

    /// Writes the description, as [`ModelSpec::from_toml`] reads it.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.written()).expect("a description is plain data")
    }

    /// Reads a description from an object of the same structure, whatever the format that it is written in.
    ///
    /// # Errors
    /// The format's, where the object's structure is another; within, [`Error::Model`] with the layer and what is wrong with it.
    pub fn from_object<'de, D: Deserializer<'de>>(object: D) -> std::result::Result<Result<Self>, D::Error> {
        Written::deserialize(object).map(Self::read)
    }

    /// Writes the description as an object, as [`ModelSpec::from_object`] reads it.
    ///
    /// # Errors
    /// The format's.
    pub fn to_object<S: Serializer>(&self, format: S) -> std::result::Result<S::Ok, S::Error> {
        self.written().serialize(format)
    }

    fn written(&self) -> Written {
        let layers = self.layers.iter().map(write_layer).collect();
        Written {
            name: self.name.clone(),
            input: self.input,
            classes: self.classes,
            layers,
            _train: IgnoredAny,
            _optimizer: IgnoredAny,
            _schedule: IgnoredAny,
            _loss: IgnoredAny,
            _augment: IgnoredAny,
        }
    }

    /// Builds the model's graph and checks every shape.
    ///
    /// # Errors
    /// [`Error::Shape`] with the first layer that doesn't fit and the reason; [`Error::Model`] where names collide, are
    /// unknown, or the output is not one row of `classes` a sample.
    pub fn build(&self) -> Result<Network> {
        let Outline { graph, outputs, problem } = self.outline();
        if let Some(problem) = problem {
            return Err(problem);
        }
        let mut training = Pass { graph: Graph::default(), input: INPUT_VALUE, output: INPUT_VALUE };
        let mut built = Vec::new();
        self.build_layers(&mut training.graph, &mut built, true)?;
        training.output = built.last().copied().unwrap_or(INPUT_VALUE);
        let output = outputs.last().copied().unwrap_or(INPUT_VALUE);
        Ok(Network { spec: self.clone(), graph, input: INPUT_VALUE, outputs, output, training })
    }

    /// Builds as many of the model's layers as fit, and says what is wrong behind them, as [`build`](Self::build) would: for those who
    /// show a model while it is written.
    pub fn outline(&self) -> Outline {
        let mut outline = Outline { graph: Graph::default(), outputs: Vec::new(), problem: None };
        outline.problem = self.build_layers(&mut outline.graph, &mut outline.outputs, false).err();
        outline
    }

    fn build_layers(&self, graph: &mut Graph, built: &mut Vec<ValueId>, training: bool) -> Result<()> {
        self.check_sizes()?;
        let input = graph.input(TensorType::batched(self.input))?;
        let mut outputs: HashMap<&str, ValueId> = HashMap::from([(INPUT, input)]);
        let mut last = input;
        for (position, spec) in self.layers.iter().enumerate() {
            self.check_name(position, &spec.name)?;
            let inputs = match spec.from.as_slice() {
                [] => vec![last],
                names => names.iter().map(|name| self.find(&outputs, spec, name)).collect::<Result<_>>()?,
            };
            graph.enter(spec.name.clone());
            let mut builder = Builder { graph, name: &spec.name, classes: self.classes, training };
            last = spec.layer.build(&mut builder, &inputs)?;
            if outputs.insert(&spec.name, last).is_some() {
                let problem = format!("two layers are called `{}`; give one another name", spec.name);
                return Err(self.problem(Some(&spec.name), problem));
            }
            built.push(last);
        }
        let output = graph.ty(last);
        if *output != TensorType::batched([self.classes]) {
            let wanted = format!("[N, {}]", self.classes);
            let problem = format!(
                "the last layer gives {output}, and {} classes want {wanted}; end with a linear layer of out_features = \"classes\"",
                self.classes
            );
            return Err(self.problem(self.layers.last().map(|layer| layer.name.as_str()), problem));
        }
        Ok(())
    }

    fn problem(&self, layer: Option<&str>, problem: String) -> Error {
        Error::Model { model: self.name.clone(), layer: layer.map(str::to_string), problem }
    }

    fn check_sizes(&self) -> Result<()> {
        let [channels, height, width] = self.input;
        if channels.min(height).min(width) == 0 || channels > 1024 || height.max(width) > 1 << 14 {
            let input = self.input;
            let problem = format!(
                "input = {input:?} has to be [channels, height, width], each above 0, with 1024 channels and 16384 rows and columns at most"
            );
            return Err(self.problem(None, problem));
        }
        if self.classes == 0 || self.classes > 1 << 20 {
            return Err(self.problem(None, format!("classes = {} has to be from 1 to {}", self.classes, 1 << 20)));
        }
        Ok(())
    }

    fn check_name(&self, position: usize, name: &str) -> Result<()> {
        if name.starts_with("optimizer.") || name.chars().any(char::is_control) {
            let problem = format!(
                "a layer can't be called {name:?}: checkpoints use names that begin with `optimizer.`, and control characters have no place in one"
            );
            return Err(self.problem(Some(name), problem));
        }
        if name.is_empty() {
            let problem = format!("layer {position} has an empty name; leave `name` out for one by position");
            return Err(self.problem(Some(name), problem));
        }
        Ok(())
    }

    fn find(&self, outputs: &HashMap<&str, ValueId>, spec: &LayerSpec, name: &str) -> Result<ValueId> {
        outputs.get(name).copied().ok_or_else(|| {
            let mut known: Vec<&str> = outputs.keys().copied().collect();
            known.sort_unstable();
            let problem = format!(
                "layer `{}` takes its input from `{name}`{}, and no layer before it has that name; there are {}",
                spec.name,
                did_you_mean(name, known.iter().copied()),
                known.join(", ")
            );
            self.problem(Some(&spec.name), problem)
        })
    }
}

fn default_name(type_name: &str, position: usize) -> String {
    format!("{type_name}_{position}")
}

fn read_layer(model: &str, position: usize, mut table: toml::Table) -> Result<LayerSpec> {
    let problem = |layer: Option<&str>, problem: String| Error::Model {
        model: model.into(),
        layer: layer.map(str::to_string),
        problem,
    };
    let mut text = |key: &str| match table.remove(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(problem(None, format!("layer {position}: `{key}` has to be a string, and is {other}"))),
    };
    let type_name = text("type")?.ok_or_else(|| problem(None, format!("layer {position} has no `type`")))?;
    let name = text("name")?.unwrap_or_else(|| default_name(&type_name, position));
    let from = match table.remove("from") {
        None => Vec::new(),
        Some(from) => from.try_into().map_err(|_| {
            let found = format!("layer `{name}`: `from` has to be a list of names, such as [\"conv1\"]");
            problem(Some(&name), found)
        })?,
    };
    let layer = Layer::from_table(&type_name, table)
        .map_err(|p| problem(Some(&name), format!("layer `{name}` ({type_name}): {}", p.0)))?;
    Ok(LayerSpec { name, from, layer })
}

fn write_layer(spec: &LayerSpec) -> toml::Table {
    let mut table = toml::Table::new();
    table.insert("type".into(), spec.layer.type_name().into());
    table.insert("name".into(), spec.name.clone().into());
    if !spec.from.is_empty() {
        table.insert("from".into(), spec.from.clone().into());
    }
    table.extend(spec.layer.to_table());
    table
}

/// A model whose shapes have been checked: its graph and the values at its ends.
#[derive(Clone, Debug)]
pub struct Network {
    /// The description that it was built from.
    pub spec: ModelSpec,
    /// The forward pass of evaluation and prediction.
    pub graph: Graph,
    /// The pictures, `[N, channels, height, width]`.
    pub input: ValueId,
    /// The output of each layer, in the description's order.
    pub outputs: Vec<ValueId>,
    /// The logits, `[N, classes]`.
    pub output: ValueId,
    /// The forward pass of training, with the same parameters in the same order: norms over the batch, dropout.
    pub training: Pass,
}

/// A forward pass.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The graph.
    pub graph: Graph,
    /// The pictures, `[N, channels, height, width]`.
    pub input: ValueId,
    /// The logits, `[N, classes]`.
    pub output: ValueId,
}

/// The pictures are the first value of every pass.
const INPUT_VALUE: ValueId = ValueId(0);

/// As much of a model as could be built.
#[derive(Debug)]
pub struct Outline {
    /// The forward pass of prediction, as far as it goes; the pictures are its first value.
    pub graph: Graph,
    /// The outputs of the layers that fit, from the first one on.
    pub outputs: Vec<ValueId>,
    /// What is wrong behind them.
    pub problem: Option<Error>,
}

impl Network {
    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.spec.classes
    }

    /// The number of learned numbers.
    pub fn parameter_count(&self) -> usize {
        let learned = self.graph.parameters().filter(|(id, ..)| self.graph.is_learned(*id));
        learned.map(|(id, ..)| self.graph.ty(id).inner()).sum()
    }
}
