//! Convoke's WGSL kernels as templates.
//!
//! One file `<stem>.wgsl` per kernel, common parts under `shared/`. The build resolves `#import` lines, checks each template
//! with naga, and generates for each a module with its source, its parameters as a struct, and its bindings; see
//! [`template`] for what a template may contain. The core crate fills the templates; this crate knows no kernel's meaning.

mod evaluate;
pub mod template;

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));
include!(concat!(env!("OUT_DIR"), "/step.rs"));

/// How a shader uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer that is written, or read and written.
    ReadWrite,
    /// A uniform buffer.
    Uniform,
}

/// One binding of a template, in group 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The binding's index.
    pub index: u32,
    /// The variable's name.
    pub name: &'static str,
    /// How it is used.
    pub access: Access,
    /// The element type with the default slots.
    pub element: &'static str,
}

/// Fills the template `stem`; its parameters come from a generated struct, so only slots and loops can be wrong.
fn filled(stem: &str, source: &str, values: &[(&str, String)], slots: &[(&str, &str)]) -> String {
    template::fill(source, values, slots).unwrap_or_else(|problem| panic!("{stem}.wgsl: {problem}"))
}
