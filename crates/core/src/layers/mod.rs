//! Layers: what a model's description names, and the ops that each becomes. A new one adds its file and one line to the
//! list below.

mod norm;
mod pair;
pub use pair::{Features, Pair};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};
use crate::graph::{Graph, Init, ValueId};

/// A layer's part in a graph under construction.
#[derive(Debug)]
pub struct Builder<'g> {
    /// The graph that grows.
    pub graph: &'g mut Graph,
    /// The layer's name: its parameters are named after it.
    pub name: &'g str,
    /// The number of classes that the data has.
    pub classes: usize,
    /// Whether the graph is that of training; if not, of evaluation and prediction. Both have the same parameters in the same order.
    pub training: bool,
}

impl Builder<'_> {
    /// A parameter of the layer.
    ///
    /// # Errors
    /// Where it would be too large.
    pub fn parameter(&mut self, role: &str, dims: impl Into<Vec<usize>>, init: Init) -> Result<ValueId> {
        self.graph.parameter(format!("{}.{role}", self.name), dims, init)
    }

    /// A parameter of the layer that is not learned, and may follow a statistic.
    ///
    /// # Errors
    /// Where it would be too large.
    pub fn statistic(&mut self, role: &str, dims: impl Into<Vec<usize>>, init: Init) -> Result<ValueId> {
        self.graph.statistic(format!("{}.{role}", self.name), dims, init)
    }

    /// The error of a layer whose inputs or settings don't fit.
    pub fn problem(&self, op: &str, problem: impl Into<String>) -> Error {
        Error::Shape { layer: self.name.to_string(), op: op.to_string(), problem: problem.into() }
    }

    /// The one input of a layer that takes one.
    ///
    /// # Errors
    /// Where it was given another number.
    pub fn one(&self, op: &str, inputs: &[ValueId]) -> Result<ValueId> {
        match inputs {
            &[input] => Ok(input),
            _ => Err(self.problem(op, format!("takes one input, and `from` names {}", inputs.len()))),
        }
    }
}

/// The bound of PyTorch's default initialisation: `kaiming_uniform_(a=√5)`, which is `1 / √fan_in`, for weights and biases alike.
fn kaiming(fan_in: usize) -> Init {
    Init::Uniform { bound: (1.0 / (fan_in as f64).sqrt()) as f32 }
}

macro_rules! layers {
    ($($file:ident $layer:ident $doc:literal,)*) => {
        $(mod $file; pub use $file::$layer;)*

        /// A layer with its settings.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Layer {
            $(#[doc = $doc] $layer($layer),)*
        }

        impl Layer {
            /// The types that a description may name.
            pub const TYPES: &[&str] = &[$(stringify!($file),)*];

            /// The layer's type, as a description names it.
            pub fn type_name(&self) -> &'static str {
                match self { $(Self::$layer(_) => stringify!($file),)* }
            }

            /// Reads a layer's settings.
            ///
            /// # Errors
            /// Where the type is unknown, or a setting is unknown, missing or out of range.
            pub fn from_table(type_name: &str, table: toml::Table) -> std::result::Result<Self, Problem> {
                match type_name {
                    $(stringify!($file) => Ok(Self::$layer(settings(table)?)),)*
                    other => Err(Problem::new(format!("there is no layer type `{other}`; there are {}", Self::TYPES.join(", ")))),
                }
            }

            /// The layer's settings, without its type.
            pub fn to_table(&self) -> toml::Table {
                match self { $(Self::$layer(layer) => table(layer),)* }
            }

            /// Adds the layer's ops to a graph and returns its output.
            ///
            /// # Errors
            /// [`Error::Shape`] where the inputs don't fit.
            pub fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
                match self { $(Self::$layer(layer) => layer.build(builder, inputs),)* }
            }
        }

        $(impl From<$layer> for Layer {
            fn from(layer: $layer) -> Self { Self::$layer(layer) }
        })*
    };
}

layers! {
    add Add "Sum of its inputs: a residual connection.",
    avg_pool2d AvgPool2d "Mean of each window.",
    batch_norm BatchNorm "Normalisation over the batch.",
    concat Concat "Channels side by side.",
    conv2d Conv2d "Convolution.",
    dropout Dropout "Random zeros while training.",
    flatten Flatten "One row a sample.",
    gelu Gelu "Gaussian error linear unit.",
    global_avg_pool GlobalAvgPool "Mean of each channel.",
    group_norm GroupNorm "Normalisation over groups of channels.",
    layer_norm LayerNorm "Normalisation over the channels of each place.",
    layer_scale LayerScale "A learned factor for each channel.",
    leaky_relu LeakyRelu "Leaky rectified linear unit.",
    linear Linear "Fully connected.",
    max_pool2d MaxPool2d "Maximum of each window.",
    multiply Multiply "Product of two inputs: an excitation.",
    relu Relu "Rectified linear unit.",
    relu6 Relu6 "Rectified linear unit with a ceiling of 6.",
    sigmoid Sigmoid "Logistic function.",
    silu Silu "Sigmoid linear unit.",
    tanh Tanh "Hyperbolic tangent.",
}

fn settings<T: for<'de> Deserialize<'de>>(table: toml::Table) -> std::result::Result<T, Problem> {
    T::deserialize(toml::Value::Table(table)).map_err(|error| Problem::new(error.message().trim().replace('\n', " ")))
}

fn table<T: Serialize>(layer: &T) -> toml::Table {
    toml::Table::try_from(layer).expect("a layer's settings are a table")
}
