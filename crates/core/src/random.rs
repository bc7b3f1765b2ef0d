//! Random numbers: one counter-based integer generator, the same on every engine.
//!
//! Philox 4×32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a
//! counter and a key into four words, without a state. The key is the seed; the counter says what the numbers are for:
//! which stream, which step, which sample of the global batch. So a run that was resumed, or that is split over several
//! devices, draws what an uninterrupted run on one device draws.

/// Multipliers of the two halves of the counter.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What is added to the key after each round: the golden ratio and √3 − 1, as 32-bit fractions.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Four random words for `counter` under `key`: Philox 4×32 with ten rounds.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut c, mut k) = (counter, key);
    for _ in 0..ROUNDS {
        let (high0, low0) = wide_product(MULTIPLIERS[0], c[0]);
        let (high1, low1) = wide_product(MULTIPLIERS[1], c[2]);
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    c
}

/// The high and low words of a product.
fn wide_product(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a) * u64::from(b);
    ((product >> 32) as u32, product as u32)
}

/// What random numbers are for. Each purpose has a stream of its own, so that more draws for one change nothing for
/// the others. The numbers are part of what a seed means: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum StreamId {
    /// Initial parameters; `step` is the parameter's position in the model.
    Init = 0,
    /// The order of the training samples; `step` is the epoch.
    Shuffle = 1,
    /// Which files of a dataset are for testing; `step` and `sample` are the words of a hash of the file's path.
    Split = 2,
    /// Shapes and values that tests try.
    Test = 3,
    /// Which training pictures are set aside to validate with; `step` is the class.
    Validation = 4,
    /// What layers drop while training; `step` and `sample` are those of training, and the layer's number stands above the lowest byte
    /// ([`uniform_at`]).
    Dropout = 5,
    /// How a picture is changed at random while training; `step` is the step's number, `sample` the position in the global batch.
    Augment = 6,
    /// How two pictures are mixed; `step` and `sample` as above.
    Mix = 7,
}

/// A number in 0 ≤ x < 1, a multiple of 2⁻²⁴, for element `element` of sample `sample` of the global batch: what kernels draw, in numbers that
/// depend on nothing but this. `stream` is a [`StreamId`] with what tells several uses apart above the lowest byte.
pub fn uniform_at(seed: u64, stream: u32, step: u32, sample: u32, element: u32) -> f32 {
    let block = philox4x32([element / 4, sample, step, stream], [seed as u32, (seed >> 32) as u32]);
    unit(block[(element % 4) as usize])
}

/// The upper 24 bits as a fraction.
fn unit(word: u32) -> f32 {
    const UNIT: f32 = 1.0 / (1 << 24) as f32;
    (word >> 8) as f32 * UNIT
}

/// A sequence of random numbers: up to 2³⁴ words, after which it repeats.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    /// The next block's counter: block, sample, step, stream.
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The numbers of `seed` for one purpose, step and sample; 0 where the purpose has no steps or no samples.
    pub fn new(seed: u64, id: StreamId, step: u32, sample: u32) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], counter: [0, sample, step, id as u32], block: [0; 4], used: 4 }
    }

    /// The next word: uniform over all of `u32`.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == self.block.len() {
            self.block = philox4x32(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// The next number, a multiple of 2⁻²⁴ in 0 ≤ x < 1.
    pub fn next_f32(&mut self) -> f32 {
        unit(self.next_u32())
    }

    /// The next number in `low ≤ x < high`.
    ///
    /// # Panics
    /// Unless `low < high` and both are finite.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        assert!(low < high && low.is_finite() && high.is_finite(), "no numbers lie in {low} ≤ x < {high}");
        let span = f64::from(high) - f64::from(low);
        // Rounding to f32 may reach `high`, which is outside.
        ((f64::from(low) + span * f64::from(self.next_f32())) as f32).min(high.next_down())
    }

    /// The next integer in `0 ≤ x < bound`, each as likely as the others: Lemire, "Fast random integer generation in
    /// an interval", ACM TOMACS 29 (2019).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "no integers lie below 0");
        // The first 2³² mod bound low words would favour some results.
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let (high, low) = wide_product(self.next_u32(), bound);
            if low >= unfair {
                return high;
            }
        }
    }

    /// The numbers `0 … count − 1` in random order, every order as likely (Fisher and Yates).
    pub fn permutation(&mut self, count: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last as usize, self.below(last + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that come with Random123 1.14, `tests/kat_vectors`.
    #[test]
    fn philox_gives_the_published_vectors() {
        let cases = [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox4x32(counter, key), expected, "counter {counter:x?}, key {key:x?}");
        }
    }

    /// A shader that draws the same numbers relies on where seed, stream, step and sample lie.
    #[test]
    fn a_stream_is_keyed_by_seed_stream_step_and_sample() {
        let mut stream = Stream::new(0x0123_4567_89ab_cdef, StreamId::Shuffle, 7, 9);
        let drawn: Vec<u32> = (0..8).map(|_| stream.next_u32()).collect();
        let key = [0x89ab_cdef, 0x0123_4567];
        assert_eq!(drawn[..4], philox4x32([0, 9, 7, 1], key));
        assert_eq!(drawn[4..], philox4x32([1, 9, 7, 1], key));
    }

    #[test]
    fn uniform_numbers_stay_inside_and_spread() {
        let mut stream = Stream::new(1, StreamId::Init, 0, 0);
        let drawn: Vec<f32> = (0..10_000).map(|_| stream.uniform(-2.0, 4.0)).collect();
        assert!(drawn.iter().all(|x| (-2.0..4.0).contains(x)));
        // Mean 1 with a standard error of √3 / 100; variance 3.
        let mean = drawn.iter().sum::<f32>() / 1e4;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 1e4;
        assert!((mean - 1.0).abs() < 0.07, "mean {mean}");
        assert!((variance - 3.0).abs() < 0.12, "variance {variance}");
        // Half of all sums would round to the upper end.
        let narrow = 1.0f32.next_up();
        assert!((0..100).all(|_| stream.uniform(1.0, narrow) == 1.0));
    }

    #[test]
    fn bounded_integers_are_fair() {
        let mut stream = Stream::new(2, StreamId::Init, 0, 0);
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|count: &i32| (count - 10_000).abs() < 450), "{counts:?}");
        // Without rejection, half of all results would be multiples of three instead of a third.
        let thirds = (0..30_000).filter(|_| stream.below(3 << 30).is_multiple_of(3)).count();
        assert!((9_600..10_400).contains(&thirds), "{thirds}");
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn a_permutation_holds_each_number_once_in_a_fair_order() {
        let mut orders = std::collections::BTreeMap::new();
        for epoch in 0..12_000 {
            let order = Stream::new(3, StreamId::Shuffle, epoch, 0).permutation(3);
            *orders.entry(order).or_insert(0i32) += 1;
        }
        assert_eq!(orders.len(), 6);
        assert!(orders.values().all(|count| (count - 2_000).abs() < 210), "{orders:?}");
        for count in [0, 1, 1000] {
            let mut order = Stream::new(4, StreamId::Shuffle, 0, 0).permutation(count);
            order.sort_unstable();
            assert_eq!(order, (0..count).collect::<Vec<u32>>());
        }
    }
}
