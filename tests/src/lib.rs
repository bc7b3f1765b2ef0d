//! The harness that the cases in `tests/` share: engines to test, graphs and programs run on them, what PyTorch said.

pub mod agreement;
#[cfg(not(target_family = "wasm"))]
mod block_on;
pub mod derivative;
pub mod device_loss;
mod engines;
pub mod fixtures;
mod graph_run;
pub mod laws;
mod loaded_network;
mod loss_graph;
pub mod models;
mod narrow;
mod op_graph;
pub mod pytorch;
#[cfg(not(target_family = "wasm"))]
mod subjects;
pub mod values;

#[cfg(not(target_family = "wasm"))]
pub use block_on::block_on;
pub use engines::{TARGETS, cpu, gpu};
pub use graph_run::{LoadedGraph, run_graph, step_of};
pub use loaded_network::{Figures, LoadedNetwork, Pictures, Setup};
pub use loss_graph::{Answer, LossGraph};
pub use narrow::Narrow;
pub use op_graph::{OpGraph, feeds};
#[cfg(not(target_family = "wasm"))]
pub use subjects::{Subject, engines, engines_with_all_shaders};
