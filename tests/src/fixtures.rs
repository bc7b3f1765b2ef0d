//! What PyTorch said: see `fixtures/README.md`.

use std::borrow::Cow;

use convoke_core::tensor::Tensor;
use safetensors::{Dtype, SafeTensors};

/// A file of tensors.
pub struct Fixture {
    name: String,
    bytes: Cow<'static, [u8]>,
}

impl Fixture {
    /// `fixtures/NAME.safetensors`, from its bytes: in a browser there are no files.
    pub fn new(name: &str, bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        Self { name: name.to_string(), bytes: bytes.into() }
    }

    /// Opens `fixtures/NAME.safetensors`.
    ///
    /// # Panics
    /// Where it can't be read.
    #[cfg(not(target_family = "wasm"))]
    pub fn open(name: &str) -> Self {
        let path = [env!("CARGO_MANIFEST_DIR"), "fixtures", &format!("{name}.safetensors")];
        let path: std::path::PathBuf = path.iter().collect();
        Self::new(name, std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
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

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.chunks_exact(N).map(|chunk| number(chunk.try_into().expect("chunks have this length"))).collect()
}
