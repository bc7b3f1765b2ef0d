//! The command `convoke`.
fn main() {}
