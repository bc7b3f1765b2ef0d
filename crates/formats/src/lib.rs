//! Files that hold models.
//!
//! A model lies in a [safetensors](https://github.com/huggingface/safetensors) file: tensors by name, as PyTorch names and
//! shapes them, and in the header's metadata, as strings, whatever else it takes to use them.

mod tensors;

pub use tensors::{FormatError, NamedTensor, TensorFile};
