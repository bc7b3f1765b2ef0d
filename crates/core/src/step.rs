//! The step block: what changes from one run of a plan to the next. The shaders define it; Rust reads it out of them.

pub use convoke_shaders::Step;
