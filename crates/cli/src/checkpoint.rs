//! `--checkpoint`: a trained model.

use std::path::Path;

use convoke::formats::TensorFile;
use convoke::prelude::ModelFile;
use convoke::read_file;

use crate::failure::{Failure, Result};

/// The most bytes that a file of weights may take: more than any device holds.
const MOST_BYTES: u64 = 64 << 30;

/// Reads a file of weights.
pub fn read_tensors(path: &Path) -> Result<TensorFile> {
    let name = path.display().to_string();
    let bytes = read_file(path, MOST_BYTES).map_err(|error| {
        Failure::Run(format!("can't read {name}: {error}; give a file of weights, such as a run's model.safetensors"))
    })?;
    Ok(TensorFile::decode(&name, &bytes)?)
}

/// Reads a trained model, or a checkpoint as one.
pub fn read_model(path: &Path) -> Result<ModelFile> {
    Ok(ModelFile::from_tensor_file(&path.display().to_string(), read_tensors(path)?)?)
}
