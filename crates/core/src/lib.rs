//! Convoke's core: models, graphs, ops with their derivatives, and the planner that turns them into plain lists of kernels.

pub mod expr;
pub mod kernels;
pub mod shape;
pub mod step;
