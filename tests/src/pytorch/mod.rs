//! What PyTorch said, and how far an engine is from it: see `fixtures/README.md`.

pub mod cases;
pub mod network;
pub mod optimizers;
