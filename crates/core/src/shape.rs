//! Shapes: what a tensor holds, with the batch as the one length that is known only at run time.

use std::fmt;

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE-754 single precision.
    F32,
    /// Unsigned 32-bit integers: labels, indices, positions of maxima.
    U32,
}

/// A tensor's element type and shape.
///
/// `dims` leaves the batch out: a tensor with `batched` set has the shape `[N, dims…]`, where `N` is the number of
/// samples of the run at hand, from 1 to the plan's capacity. Every other length is fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// Whether a leading dimension of `N` samples stands before `dims`.
    pub batched: bool,
    /// The lengths after the batch, outermost first.
    pub dims: Vec<usize>,
}

impl TensorType {
    /// An `f32` tensor of `[N, dims…]`.
    pub fn batched(dims: impl Into<Vec<usize>>) -> Self {
        Self { dtype: DType::F32, batched: true, dims: dims.into() }
    }

    /// An `f32` tensor of `[dims…]`, the same for every batch: a weight, say.
    pub fn fixed(dims: impl Into<Vec<usize>>) -> Self {
        Self { dtype: DType::F32, batched: false, dims: dims.into() }
    }

    /// The same shape with another element type.
    pub fn with_dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// The number of elements that `dims` holds: those of one sample where the tensor is batched.
    pub fn inner(&self) -> usize {
        self.dims.iter().product()
    }

    /// The number of elements as a function of the batch.
    pub fn extent(&self) -> Extent {
        if self.batched { Extent::Batch(self.inner()) } else { Extent::Fixed(self.inner()) }
    }

    /// The whole shape for a batch of `samples`.
    pub fn resolve(&self, samples: usize) -> Vec<usize> {
        self.batched.then_some(samples).into_iter().chain(self.dims.iter().copied()).collect()
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batch = self.batched.then(|| "N".to_string());
        let dims: Vec<String> = batch.into_iter().chain(self.dims.iter().map(usize::to_string)).collect();
        write!(f, "[{}]", dims.join(", "))
    }
}

/// A length that may depend on the number of samples `N` of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// The same for every run.
    Fixed(usize),
    /// `N` times this many.
    Batch(usize),
    /// `ceil(N / samples) · times`: as many as there are chunks of `samples` samples.
    Chunks {
        /// Samples in a chunk; the last chunk may hold fewer.
        samples: usize,
        /// How many for each chunk.
        times: usize,
    },
}

impl Extent {
    /// The length for a run of `samples` samples; the largest number there is where it would be larger still.
    pub fn at(self, samples: usize) -> usize {
        match self {
            Self::Fixed(count) => count,
            Self::Batch(times) => samples.saturating_mul(times),
            Self::Chunks { samples: chunk, times } => samples.div_ceil(chunk).saturating_mul(times),
        }
    }

    /// This length `factor` times.
    pub fn times(self, factor: usize) -> Self {
        match self {
            Self::Fixed(count) => Self::Fixed(count * factor),
            Self::Batch(times) => Self::Batch(times * factor),
            Self::Chunks { samples, times } => Self::Chunks { samples, times: times * factor },
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(count) => write!(f, "{count}"),
            Self::Batch(1) => write!(f, "N"),
            Self::Batch(times) => write!(f, "N·{times}"),
            Self::Chunks { samples, times } => write!(f, "⌈N/{samples}⌉·{times}"),
        }
    }
}
