//! The engines to test.

use convoke_core::engine::Engine;

/// A CPU engine and one for every wgpu adapter.
pub fn engines() -> Vec<Box<dyn Engine>> {
    Vec::new()
}
