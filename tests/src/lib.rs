//! The harness that the cases in `tests/` share: engines to test, graphs and programs run on them, what PyTorch said.

pub mod agreement;
mod block_on;
pub mod derivative;
mod engines;
pub mod fixtures;
mod graph_run;
mod loaded_network;
mod loss_graph;
pub mod models;
mod op_graph;
pub mod values;

pub use block_on::block_on;
pub use engines::{Subject, cpu, engines, engines_with_all_shaders};
pub use graph_run::{LoadedGraph, run_graph, step_of};
pub use loaded_network::{Figures, LoadedNetwork, Pictures, Setup};
pub use loss_graph::{Answer, LossGraph};
pub use op_graph::{OpGraph, feeds};
