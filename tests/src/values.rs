//! Values to try ops on, and how far results are apart.

use convoke_core::kernels::Window;
use convoke_core::ops::Fill;
use convoke_core::random::Stream;
use convoke_core::shape::{DType, TensorType};
use convoke_core::tensor::Tensor;

/// An example's input for a batch of `samples`, exact in single precision.
pub fn fill(stream: &mut Stream, ty: &TensorType, fill: Fill, samples: usize) -> Tensor {
    let dims = ty.resolve(samples);
    match fill {
        Fill::Numbers => numbers(stream, dims),
        Fill::Shares => Tensor::from_fn(dims, |_| f64::from(stream.uniform(0.0, 1.0))),
        Fill::Labels(classes) => Tensor::from_fn(dims, |_| f64::from(stream.below(classes as u32))),
        Fill::Taps(window) => {
            let outputs = window.output_len();
            Tensor::from_fn(dims, |i| a_tap(stream, &window, i % outputs) as f64)
        }
    }
}

/// Numbers in −1 … 1 in random order, each at least [`spacing`] from every other and half of that from 0.
pub fn numbers(stream: &mut Stream, dims: impl Into<Vec<usize>>) -> Tensor {
    let dims = dims.into();
    let count = dims.iter().product::<usize>();
    let order = stream.permutation(count as u32);
    // A grid without 0 whose points move by a tenth of their distance, so that sums of them are nothing special.
    let number = |place: u32| {
        let jitter = f64::from(stream.uniform(-0.1, 0.1));
        f64::from((2.0 * (f64::from(place) + 0.25 + jitter) / count as f64 - 1.0) as f32)
    };
    Tensor::new(dims, order.into_iter().map(number).collect())
}

/// How far apart any two of `count` [`numbers`] are at least.
pub fn spacing(count: usize) -> f64 {
    1.5 / count as f64
}

/// The position in the image of a random tap that is not in the padding.
fn a_tap(stream: &mut Stream, window: &Window, out: usize) -> usize {
    let columns = window.output()[1];
    let mut along = |axis: usize, out: usize| {
        let taps: Vec<usize> = (0..window.kernel[axis]).filter_map(|tap| window.source(axis, out, tap)).collect();
        taps[stream.below(taps.len() as u32) as usize]
    };
    along(0, out / columns) * window.input[1] + along(1, out % columns)
}

/// The tensor of absolute values; integers stay what they are.
pub fn magnitudes(tensor: &Tensor) -> Tensor {
    Tensor::new(tensor.dims.clone(), tensor.data.iter().map(|x| x.abs()).collect())
}

/// The Euclidean norm.
pub fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The Euclidean norm of the difference.
///
/// # Panics
/// Where the lengths differ.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "only values of one length have a distance");
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// `‖a − b‖ / ‖b‖`; 0 where both are all zero.
pub fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    match (distance(a, b), norm(b)) {
        (0.0, _) => 0.0,
        (error, size) => error / size,
    }
}

/// A tensor's elements as the words that engines hold.
pub fn words(dtype: DType, values: &[f64]) -> Vec<u32> {
    let word = |&x: &f64| match dtype {
        DType::F32 => (x as f32).to_bits(),
        DType::U32 => x as u32,
    };
    values.iter().map(word).collect()
}

/// Words that an engine holds as a tensor's elements.
pub fn elements(dtype: DType, words: &[u32]) -> Vec<f64> {
    let element = |&word: &u32| match dtype {
        DType::F32 => f64::from(f32::from_bits(word)),
        DType::U32 => f64::from(word),
    };
    words.iter().map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use convoke_core::random::StreamId;

    #[test]
    fn numbers_are_apart_from_each_other_and_from_zero() {
        for count in [1, 2, 3, 64, 999] {
            let tensor = numbers(&mut Stream::new(count as u64, StreamId::Test, 1, 0), [count]);
            let mut sorted = tensor.data.clone();
            sorted.sort_by(f64::total_cmp);
            assert!(sorted.iter().all(|x| x.abs() <= 1.0 && x.abs() >= spacing(count) / 8.0), "{count}: {sorted:?}");
            assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= spacing(count)), "{count}: {sorted:?}");
            assert!(sorted.iter().all(|&x| f64::from(x as f32) == x), "{count} is not exact in single precision");
        }
    }
}
