//! Train convolutional neural networks in Rust: on any GPU through Vulkan, Metal, DX12 or WebGPU, or on the CPU.
//!
//! A [`ModelSpec`](prelude::ModelSpec) says what the network is, a [`Dataset`](prelude::Dataset) holds pictures, an
//! [`Engine`](engine::Engine) computes, and a [`Trainer`](prelude::Trainer) brings them together:
//!
//! ```
//! use std::rc::Rc;
//! use std::time::Instant;
//!
//! use convoke::device::{self, DeviceRequest};
//! use convoke::layers::{Conv2d, Features, Flatten, Linear, MaxPool2d, Relu};
//! use convoke::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The pictures that come with the crate: 28×28, grey, ten kinds of clothes; here at half the size.
//! let data = convoke::data::embedded(&Options { size: Some([14, 14]), ..Options::default() })?;
//! let statistics = Normalization::Dataset.resolve(&data, 1)?;
//!
//! let network = ModelSpec::new("small", [1, 14, 14], data.classes.len())
//!     .layer("conv", Conv2d::new(8, 3).padding(1))
//!     .then(Relu {})
//!     .then(MaxPool2d::new(2))
//!     .then(Flatten {})
//!     .layer("fc", Linear::new(Features::Classes))
//!     .build()?;
//!
//! let settings = Settings { optimizer: Optimizer::sgd(0.05, 0.9), ..Settings::default() };
//! let start = Instant::now();
//! let probabilities = convoke::block_on(async {
//!     let engine = device::open(&DeviceRequest::Auto, None).await?;
//!     let (weights, note) = (None, String::new());
//!     let data = Rc::new(data);
//!     let mut trainer =
//!         Trainer::new(engine, network, data, statistics, settings, weights, note, &mut |_, _| {}).await?;
//!     let losses = trainer.steps(50, &|| start.elapsed()).await?;
//!     assert!(losses[49] < losses[0] / 2.0, "it learns: {losses:?}");
//!     // The probability of each class for each of the test pictures.
//!     trainer.session().predict(&mut |_, _| {}).await
//! })?;
//! let probability: f64 = probabilities[0].iter().sum();
//! assert!((probability - 1.0).abs() < 1e-9);
//! # Ok(())
//! # }
//! ```
//!
//! [`Trainer::run`](prelude::Trainer::run) trains for epochs, tests after each, and keeps checkpoints, a log and the trained
//! model in a [`Store`](prelude::Store): a folder with [`FolderStore`], memory, or whatever you implement it for. A run that
//! is resumed goes on bit for bit as if it had never stopped.
//!
//! # Features
//! - `embedded` (default): the dataset fashion-mnist-mini, 2.8 MB, in the program.
//! - `native` (default, without effect in a browser): [`FolderStore`], [`FolderFiles`] and [`block_on`].

pub mod device;

pub use convoke_core::{
    engine, error, graph, kernels, layers, model, nearest, optim, order, plan, random, shape, step, summary,
};
pub use {
    convoke_cpu as cpu, convoke_data as data, convoke_formats as formats, convoke_gpu as gpu, convoke_train as train,
};

#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod block_on;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod cached;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod folder_files;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod folder_store;

#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub use {
    block_on::block_on,
    cached::open_folder,
    folder_files::{FolderFiles, read_file},
    folder_store::FolderStore,
};

/// What most programs need.
pub mod prelude {
    pub use convoke_core::engine::Engine;
    pub use convoke_core::layers::{
        Add, AvgPool2d, Concat, Conv2d, Features, Flatten, GlobalAvgPool, LeakyRelu, Linear, MaxPool2d, Relu,
    };
    pub use convoke_core::model::{ModelSpec, Network};
    pub use convoke_core::optim::Optimizer;
    pub use convoke_data::{Dataset, Files, Normalization, Options, Samples, Statistics};
    pub use convoke_train::{
        Augment, Checkpoint, Confusion, Evaluation, Event, Host, Input, MemoryStore, ModelFile, Outcome, Predictor,
        Record, Session, Settings, Store, TrainError, Trainer,
    };

    pub use crate::device::DeviceRequest;
}

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
