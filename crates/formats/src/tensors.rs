//! Named tensors in a safetensors file.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// A tensor of 32-bit floats with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// The name: `conv1.weight`.
    pub name: String,
    /// The lengths, outermost first.
    pub dims: Vec<usize>,
    /// The elements, row-major.
    pub data: Vec<f32>,
}

/// What a safetensors file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    /// The tensors, by name where they were read from a file.
    pub tensors: Vec<NamedTensor>,
    /// The header's metadata.
    pub metadata: BTreeMap<String, String>,
}

/// What can be wrong with a file of tensors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is not a safetensors file, or a broken one.
    #[error("{file} is not a sound safetensors file ({reason}); save it again, or choose another")]
    Broken {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A tensor's elements are not floats.
    #[error("the tensor {tensor} in {file} holds {found}; convert it to F32, F16, BF16 or F64")]
    ElementType {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its element type.
        found: String,
    },
}

impl TensorFile {
    /// Reads a file's bytes. Halves and doubles are converted to single precision. PyTorch's `num_batches_tracked`, in which its batch norms
    /// count their steps, are passed over: they are no weights.
    ///
    /// # Errors
    /// [`FormatError`], with `file` as the file's name. Nothing is allocated beyond the file's own size, doubled at most.
    pub fn decode(file: &str, bytes: &[u8]) -> Result<Self, FormatError> {
        let broken = |e: safetensors::SafeTensorError| FormatError::Broken { file: file.into(), reason: reason(&e) };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let views = SafeTensors::deserialize(bytes).map_err(broken)?;
        let mut tensors = Vec::new();
        let mut names = views.names();
        names.sort_unstable();
        for name in names {
            let view = views.tensor(name).map_err(broken)?;
            if is_counter(name, &view) {
                continue;
            }
            let data = floats(&view).ok_or_else(|| FormatError::ElementType {
                file: file.into(),
                tensor: name.into(),
                found: format!("{:?}", view.dtype()),
            })?;
            tensors.push(NamedTensor { name: name.into(), dims: view.shape().to_vec(), data });
        }
        Ok(Self { tensors, metadata })
    }

    /// The bytes of a file that holds these tensors, in single precision.
    ///
    /// # Panics
    /// Where a tensor's elements are not as many as its lengths say: the caller's defect.
    pub fn encode(&self) -> Vec<u8> {
        let views = self.tensors.iter().map(|t| {
            let view = TensorView::new(Dtype::F32, t.dims.clone(), bytemuck::cast_slice(&t.data));
            (t.name.as_str(), view.expect("a tensor has as many elements as its lengths say"))
        });
        let metadata: HashMap<String, String> = self.metadata.clone().into_iter().collect();
        safetensors::serialize(views, Some(metadata)).expect("names are text and sizes fit")
    }
}

/// The library's words on a broken file, without those of a nested parser's position.
fn reason(error: &safetensors::SafeTensorError) -> String {
    error.to_string().replace('\n', " ")
}

/// Whether it is the number of steps that one of PyTorch's batch norms has seen.
fn is_counter(name: &str, view: &TensorView<'_>) -> bool {
    let counter = name.rsplit('.').next() == Some("num_batches_tracked");
    counter && view.dtype() == Dtype::I64 && view.shape().is_empty()
}

/// The elements in single precision; `None` where they are not floats. Files are little-endian.
fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    let data = match view.dtype() {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::F16 => bytes.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => bytes.as_chunks::<2>().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect(),
        _ => return None,
    };
    Some(data)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file() -> TensorFile {
        let tensor = |name: &str, dims: &[usize]| NamedTensor {
            name: name.into(),
            dims: dims.to_vec(),
            data: (0..dims.iter().product()).map(|i| i as f32 / 3.0).collect(),
        };
        let metadata = BTreeMap::from([("model".into(), "name = \"é\"\n".into())]);
        TensorFile {
            tensors: vec![tensor("a.bias", &[3]), tensor("a.weight", &[3, 1, 2]), tensor("scalar", &[])],
            metadata,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(TensorFile::decode("x", &file().encode()), Ok(file()));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = file().encode();
        for length in 0..bytes.len() {
            let error = TensorFile::decode("cut.safetensors", &bytes[..length]).unwrap_err().to_string();
            assert!(error.contains("cut.safetensors is not a sound safetensors file"), "{error}");
        }
    }

    #[test]
    fn a_lying_header_is_an_error() {
        let mut bytes = file().encode();
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(TensorFile::decode("x", &bytes), Err(FormatError::Broken { .. })));
        let header = br#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#;
        let mut lying = (header.len() as u64).to_le_bytes().to_vec();
        lying.extend(header);
        lying.extend([0; 4]);
        assert!(matches!(TensorFile::decode("x", &lying), Err(FormatError::Broken { .. })));
    }

    #[test]
    fn integers_are_refused_by_name() {
        let view = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
        let bytes = safetensors::serialize([("labels", view)], None).unwrap();
        let error = TensorFile::decode("x.safetensors", &bytes).unwrap_err().to_string();
        assert_eq!(error, "the tensor labels in x.safetensors holds I64; convert it to F32, F16, BF16 or F64");
    }

    #[test]
    fn counters_of_batch_norms_are_passed_over() {
        let counter = TensorView::new(Dtype::I64, vec![], &[0; 8]).unwrap();
        let row = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
        let weight = TensorView::new(Dtype::F32, vec![2], &[0; 8]).unwrap();
        let named = |name: &'static str, view: &TensorView<'static>| (name, view.clone());
        let bytes =
            safetensors::serialize([named("bn.num_batches_tracked", &counter), named("bn.weight", &weight)], None);
        let file = TensorFile::decode("x", &bytes.unwrap()).unwrap();
        assert_eq!(file.tensors.iter().map(|tensor| tensor.name.as_str()).collect::<Vec<_>>(), ["bn.weight"]);
        for (name, view) in [("bn.num_batches_tracked", &row), ("batches", &counter)] {
            let bytes = safetensors::serialize([named(name, view)], None).unwrap();
            assert!(matches!(TensorFile::decode("x", &bytes), Err(FormatError::ElementType { .. })), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            _ = TensorFile::decode("x", &bytes);
        }
    }
}
