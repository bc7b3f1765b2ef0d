//! Engines by themselves, natively and in a browser.

use std::num::NonZeroUsize;

use convoke_core::engine::Engine;
use convoke_core::kernels::Target;
use convoke_cpu::CpuEngine;

/// What shaders are written for: one adapter shows of all of them that they are right.
pub const TARGETS: [Target; 3] = [Target::Gpu, Target::Cpu, Target::NarrowCpu];

/// A CPU engine with so many threads, or one for each processor.
///
/// # Panics
/// Where the operating system refuses the threads.
pub fn cpu(threads: Option<NonZeroUsize>) -> Box<dyn Engine> {
    Box::new(CpuEngine::new(threads).unwrap_or_else(|e| panic!("{e}")))
}

/// An engine on the first graphics adapter, with the shaders that it would be given, or those for another target.
///
/// # Panics
/// Where there is no adapter, or it gives no device: a test of the GPU never passes because there was none.
pub async fn gpu(target: Option<Target>) -> Box<dyn Engine> {
    let adapters = convoke_gpu::adapters().await;
    let adapter = adapters.first().expect("there is a graphics adapter: the browser has WebGPU, and it is switched on");
    let opened = match target {
        None => adapter.open().await,
        Some(target) => adapter.open_for(target).await,
    };
    Box::new(opened.unwrap_or_else(|e| panic!("{e}")))
}
