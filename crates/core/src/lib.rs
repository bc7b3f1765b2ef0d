//! Convoke's core: models, graphs, ops with their derivatives, and the planner that turns them into plain lists of kernels.

#![cfg_attr(
    feature = "lean",
    allow(unused_imports, dead_code, reason = "what only the definitions use is left out with them")
)]
pub mod autodiff;
pub mod engine;
pub mod error;
pub mod exact;
pub mod expr;
pub mod functions;
pub mod graph;
pub mod kernels;
pub mod layers;
pub mod loss;
pub mod lower;
pub mod model;
pub mod nearest;
pub mod ops;
pub mod optim;
pub mod order;
pub mod plan;
mod presets;
pub mod random;
pub mod reference;
pub mod shape;
pub mod step;
pub mod summary;
pub mod tensor;
