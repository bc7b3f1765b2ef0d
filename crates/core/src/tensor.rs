//! Tensors of the reference interpreter: double precision, row-major, on the host.

/// A tensor on the host. Unsigned integers (labels, positions) are held as their values.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The lengths, outermost first; the batch is one of them.
    pub dims: Vec<usize>,
    /// The elements, row-major.
    pub data: Vec<f64>,
}

impl Tensor {
    /// A tensor of the given elements.
    ///
    /// # Panics
    /// Where their number is not the product of `dims`.
    pub fn new(dims: impl Into<Vec<usize>>, data: Vec<f64>) -> Self {
        let dims = dims.into();
        assert_eq!(dims.iter().product::<usize>(), data.len(), "{dims:?} does not hold {} elements", data.len());
        Self { dims, data }
    }

    /// A tensor whose element at linear position `i` is `f(i)`.
    pub fn from_fn(dims: impl Into<Vec<usize>>, f: impl FnMut(usize) -> f64) -> Self {
        let dims = dims.into();
        let data = (0..dims.iter().product()).map(f).collect();
        Self { dims, data }
    }

    /// A tensor of zeros.
    pub fn zeros(dims: impl Into<Vec<usize>>) -> Self {
        Self::from_fn(dims, |_| 0.0)
    }
}
