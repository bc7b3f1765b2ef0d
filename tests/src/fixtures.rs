//! What PyTorch said: see `fixtures/README.md`.

use std::path::PathBuf;

use convoke_core::tensor::Tensor;
use safetensors::{Dtype, SafeTensors};

/// A file of tensors.
pub struct Fixture {
    name: String,
    bytes: Vec<u8>,
}

impl Fixture {
    /// Opens `fixtures/NAME.safetensors`.
    ///
    /// # Panics
    /// Where it can't be read.
    pub fn open(name: &str) -> Self {
        let path = path(&format!("{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { name: name.to_string(), bytes }
    }

    /// The tensor of that name.
    ///
    /// # Panics
    /// Where there is none.
    pub fn tensor(&self, name: &str) -> Tensor {
        let file = SafeTensors::deserialize(&self.bytes).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{}, {name}: {e}", self.name));
        let bytes = view.data();
        let data = match view.dtype() {
            Dtype::F32 => numbers(bytes, |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F64 => numbers(bytes, f64::from_le_bytes),
            Dtype::I64 => numbers(bytes, |b| i64::from_le_bytes(b) as f64),
            Dtype::U32 => numbers(bytes, |b| f64::from(u32::from_le_bytes(b))),
            other => panic!("{}, {name}: {other:?} is none of the fixtures' types", self.name),
        };
        Tensor::new(view.shape(), data)
    }

    /// The number of that name, a tensor of one element.
    ///
    /// # Panics
    /// Where there is none, or it holds more.
    pub fn number(&self, name: &str) -> f64 {
        let tensor = self.tensor(name);
        assert_eq!(tensor.data.len(), 1, "{}, {name} is no single number", self.name);
        tensor.data[0]
    }
}

/// Reads a JSON fixture.
///
/// # Panics
/// Where it can't be read.
pub fn json<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = path(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", name].iter().collect()
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.chunks_exact(N).map(|chunk| number(chunk.try_into().expect("chunks have this length"))).collect()
}
