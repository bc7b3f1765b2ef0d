//! The invariants that ARCHITECTURE.md names. Each check reports every violation at once, with its file and line and
//! with what to do, and each is itself tested on something that violates it.

mod code_map;
mod dependencies;
mod kernels;
mod purity;
mod scan;
mod text;
mod workspace;
