//! The CPU engine: Convoke's kernels on all of the processor's cores, with its SIMD instructions.
//!
//! Results depend on the instructions in use, never on the number of threads.

mod context;
mod direct;
pub mod kernels;
mod pointwise;
mod sheets;
#[cfg(test)]
mod tests;
mod tile;

pub use context::Context;
