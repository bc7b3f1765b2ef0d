//! The engine on wgpu: Vulkan, Metal and DX12 natively, WebGPU in a browser. The only crate that names wgpu.

mod adapter;
mod ahead;
mod ceilings;
mod device;
mod engine;
mod pipelines;
mod readback;
#[cfg(test)]
mod tests;

pub use adapter::{Adapter, adapters};
pub use engine::GpuEngine;
