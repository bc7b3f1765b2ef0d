//! Layers: what a model's description names, and the ops that each becomes. A new one adds its file and one line to the
//! list below.

mod norm;
mod pair;
pub use pair::{Features, Pair, Sides};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};
use crate::graph::{Graph, Init, ValueId};
use crate::kernels::Bands;
use crate::nearest::{did_you_mean, with_nearest};
use crate::ops;

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

    /// Channels, height and width of a value.
    ///
    /// # Errors
    /// Where it is no batch of images.
    pub fn images(&self, op: &str, x: ValueId) -> Result<[usize; 3]> {
        let ty = self.graph.ty(x);
        match (ty.batched, ty.dims.as_slice()) {
            (true, &[channels, height, width]) => Ok([channels, height, width]),
            _ => Err(self.problem(op, format!("wants images, [N, channels, height, width], and was given {ty}"))),
        }
    }

    /// A setting whose numbers have to be in 1 … 16384.
    fn sizes(&self, op: &str, setting: &str, Pair([vertical, horizontal]): Pair) -> Result<[usize; 2]> {
        let largest = ops::LARGEST;
        if vertical.min(horizontal) >= 1 && vertical.max(horizontal) <= largest {
            return Ok([vertical, horizontal]);
        }
        let problem = format!("wants a {setting} in 1 … {largest}, and was given [{vertical}, {horizontal}]");
        Err(self.problem(op, problem))
    }

    /// Images resampled to a size, which is looked at before the bands along height and width are made.
    fn resample(
        &mut self,
        op: &str,
        x: ValueId,
        [height, width]: [usize; 2],
        bands: impl FnOnce() -> (Bands, Bands),
    ) -> Result<ValueId> {
        if height.max(width) > ops::LARGEST {
            let largest = ops::LARGEST;
            let problem = format!("makes images of {height}×{width}, and {largest} is the most on a side; choose less");
            return Err(self.problem(op, problem));
        }
        let (rows, columns) = bands();
        self.graph.apply1(ops::Resample { rows, columns }, &[x])
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
                    other => {
                        let hint = did_you_mean(other, Self::TYPES.iter().copied());
                        Err(Problem::new(format!("there is no layer type `{other}`{hint}; there are {}", Self::TYPES.join(", "))))
                    }
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
    adaptive_avg_pool2d AdaptiveAvgPool2d "Means over so many windows.",
    add Add "Sum of its inputs: a residual connection.",
    avg_pool2d AvgPool2d "Mean of each window.",
    batch_norm BatchNorm "Normalisation over the batch.",
    concat Concat "Channels side by side.",
    conv2d Conv2d "Convolution.",
    conv_transpose2d ConvTranspose2d "Transposed convolution.",
    dropout Dropout "Random zeros while training.",
    flatten Flatten "One row a sample.",
    gelu Gelu "Gaussian error linear unit.",
    global_avg_pool GlobalAvgPool "Mean of each channel.",
    global_max_pool GlobalMaxPool "Largest element of each channel.",
    group_norm GroupNorm "Normalisation over groups of channels.",
    layer_norm LayerNorm "Normalisation over the channels of each place.",
    layer_scale LayerScale "A learned factor for each channel.",
    leaky_relu LeakyRelu "Leaky rectified linear unit.",
    linear Linear "Fully connected.",
    max_pool2d MaxPool2d "Maximum of each window.",
    multiply Multiply "Product of two inputs: an excitation.",
    pad Pad "Rows and columns around images.",
    relu Relu "Rectified linear unit.",
    relu6 Relu6 "Rectified linear unit with a ceiling of 6.",
    sigmoid Sigmoid "Logistic function.",
    silu Silu "Sigmoid linear unit.",
    softmax Softmax "Softmax over channels.",
    squeeze_excite SqueezeExcite "Channels weighed by what all of them show.",
    tanh Tanh "Hyperbolic tangent.",
    upsample Upsample "Larger images.",
}

fn settings<T: for<'de> Deserialize<'de>>(table: toml::Table) -> std::result::Result<T, Problem> {
    T::deserialize(toml::Value::Table(table)).map_err(|error| Problem::new(with_nearest(&error.explanation())))
}

fn table<T: Serialize>(layer: &T) -> toml::Table {
    toml::Table::try_from(layer).expect("a layer's settings are a table")
}
