//! Convoke's core: models, graphs, ops with their derivatives, and the planner that turns them into plain lists of kernels.

pub mod engine;
pub mod expr;
pub mod kernels;
pub mod plan;
pub mod random;
pub mod shape;
pub mod step;
