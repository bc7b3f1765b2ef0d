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
//! # A run by hand
//!
//! [`Trainer::run`](prelude::Trainer::run) is [`begin`](prelude::Trainer::begin), [`advance`](prelude::Trainer::advance) and
//! [`keep`](prelude::Trainer::keep) in one. Whoever wants to look, decide or draw in between calls these. What happens meanwhile, each step, each epoch,
//! each checkpoint, is told to a function of yours:
//!
//! ```
//! use std::cell::{Cell, RefCell};
//! use std::rc::Rc;
//! use std::time::Instant;
//!
//! use convoke::device::{self, DeviceRequest};
//! use convoke::prelude::*;
//! use convoke::train::{Schedule, ScheduleKind, Span};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = Rc::new(convoke::data::embedded(&Options { size: Some([7, 7]), ..Options::default() })?);
//! let network = ModelSpec::preset_for("mlp", [1, 7, 7]).expect("a preset").build()?;
//! let statistics = Normalization::Dataset.resolve(&data, 1)?;
//!
//! // A warm-up and a cosine, pictures that are changed at random, an average of the weights, and pictures to choose the best epoch by.
//! let settings = Settings {
//!     epochs: 2,
//!     batch_size: 100,
//!     optimizer: Optimizer::adamw(0.002, 0.01),
//!     schedule: Schedule {
//!         kind: ScheduleKind::Cosine,
//!         warmup: Some(Span::Steps(10)),
//!         ..Schedule::default()
//!     },
//!     augment: "crop=1,flip".parse()?,
//!     ema: Some(0.99),
//!     validation: 0.1,
//!     ..Settings::default()
//! };
//!
//! // Where checkpoints, log and model go: memory, a folder by `FolderStore::create("runs/mine")`, or what you implement `Store` for.
//! let store = MemoryStore::default();
//! let start = Instant::now();
//! let clock = || start.elapsed();
//! let (losses, enough) = (RefCell::new(Vec::new()), Cell::new(false));
//! let mut watch = |event: &Event| match event {
//!     Event::Record(Record::Step { loss, .. }) => losses.borrow_mut().push(*loss),
//!     Event::Record(Record::Epoch { epoch, validation_accuracy, .. }) => {
//!         println!("epoch {epoch}: {validation_accuracy:?}");
//!         // A callback may end the run; here it never does.
//!         enough.set(validation_accuracy.is_some_and(|accuracy| accuracy > 0.999));
//!     }
//!     Event::Saved { name, step } => println!("step {step} is kept as {name}"),
//!     _ => {}
//! };
//! let stop = || enough.get();
//! let mut host = Host { store: &store, clock: &clock, stop: &stop, events: &mut watch };
//! let model = convoke::block_on(async {
//!     let engine = device::open(&DeviceRequest::Cpu, None).await?;
//!     let mut quiet = |_, _| {};
//!     let mut trainer =
//!         Trainer::new(engine, network, data.clone(), statistics, settings, None, String::new(), &mut quiet).await?;
//!     trainer.begin(&mut host).await?;
//!     // Ten steps at a time.
//!     for step in [10, 20, 30] {
//!         assert_eq!(trainer.advance(&mut host, Some(step)).await?, Outcome::Stopped);
//!         println!("after step {step}: rate {}, accuracy {}", trainer.rate(step), trainer.evaluate().await?.accuracy);
//!     }
//!     trainer.keep(&mut host).await?;
//!     drop(trainer);
//!
//!     // Another day: the run goes on as if it had never stopped.
//!     let checkpoint = Checkpoint::newest(&store, "memory").await?;
//!     let engine = device::open(&DeviceRequest::Cpu, None).await?;
//!     let mut trainer = Trainer::resume(engine, data, checkpoint, &mut quiet).await?;
//!     assert_eq!(trainer.progress().step, 30);
//!     assert_eq!(trainer.run(&mut host).await?, Outcome::Finished);
//!     // What `FolderStore` would have as model.safetensors, for `Predictor` and for PyTorch.
//!     Ok::<_, Box<dyn std::error::Error>>(trainer.model().await?)
//! })?;
//! assert_eq!(losses.borrow().len(), 2 * 54);
//! assert_eq!(model.classes.len(), 10);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! - `embedded` (default): the dataset fashion-mnist-mini, 2.8 MB, in the program.
//! - `native` (default, without effect in a browser): [`FolderStore`], [`FolderFiles`], [`Threaded`], [`Trace`] and [`block_on`].

pub mod device;

pub use convoke_core::{
    engine, error, graph, kernels, layers, loss, model, nearest, optim, order, plan, random, shape, step, summary,
};
pub use {
    convoke_cpu as cpu, convoke_data as data, convoke_formats as formats, convoke_gpu as gpu, convoke_train as train,
};

#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod answer;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod block_on;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod cached;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod folder_files;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod folder_store;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod spill;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod threaded;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod trace;

#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub use {
    block_on::block_on,
    cached::open_folder,
    folder_files::{FolderFiles, read_file},
    folder_store::FolderStore,
    threaded::Threaded,
    trace::{Trace, TrainerRow},
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
