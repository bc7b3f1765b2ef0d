//! The CPU engine: Convoke's kernels on all of the processor's cores, with its SIMD instructions.
//!
//! Results depend on the instructions in use, never on the number of threads.

#[cfg(not(target_family = "wasm"))]
mod ceilings;
mod context;
mod depthwise;
mod direct;
mod dots;
mod engine;
mod kernels;
mod pointwise;
mod rows;
mod sheets;
#[cfg(test)]
mod tests;

pub use engine::CpuEngine;
