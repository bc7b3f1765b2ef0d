//! WGSL templates.
