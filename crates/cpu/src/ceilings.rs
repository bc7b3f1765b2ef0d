//! What the processor reaches at best, on all threads.

use std::hint::black_box;
use std::time::Instant;

use bytemuck::Zeroable;
use convoke_core::engine::Ceilings;
use pulp::{Simd, WithSimd};

use crate::context::{Context, Line};

/// Times that each measurement is repeated; the best counts.
const REPEATS: usize = 6;

/// Rounds of the multiply-add loop: some tens of milliseconds with vectors of any width.
const ROUNDS: usize = 10 << 20;

/// Independent sums: as many as hide the latency of two units, and as registers hold everywhere.
const SUMS: usize = 12;

/// Bytes of each of the two buffers that are copied between: larger than the caches of most processors.
const COPY_BYTES: usize = 64 << 20;

/// Measures multiply-adds and copies.
pub(crate) fn measure(context: &Context) -> Ceilings {
    Ceilings { flops_per_second: multiply_adds(context), copy_bytes_per_second: copies(context) }
}

/// A loop of independent multiply-adds in registers; returns the number of operations.
struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let [factor, summand] = [0.999, 1e-3].map(|x| simd.splat_f32s(black_box(x)));
        let mut sums = [summand; SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, summand);
            }
        }
        black_box(sums.map(|sum| simd.reduce_sum_f32s(sum)));
        2 * ROUNDS * SUMS * S::F32_LANES
    }
}

/// The best of several measurements of what `f` returns, per second.
fn best(mut f: impl FnMut() -> f64) -> f64 {
    let once = |_| {
        let start = Instant::now();
        let amount = f();
        amount / start.elapsed().as_secs_f64()
    };
    (0..REPEATS).map(once).fold(0.0, f64::max)
}

fn multiply_adds(context: &Context) -> f64 {
    let tasks = context.threads();
    best(|| {
        let done = std::sync::atomic::AtomicUsize::new(0);
        context.tasks(0..tasks, |_, _| {
            done.fetch_add(context.arch.dispatch(MultiplyAdds), std::sync::atomic::Ordering::Relaxed);
        });
        done.into_inner() as f64
    })
}

fn copies(context: &Context) -> f64 {
    let lines = COPY_BYTES / size_of::<Line>();
    let (from, mut to) = (vec![Line([1; Line::WORDS]); lines], vec![Line::zeroed(); lines]);
    let piece = lines.div_ceil(4 * context.threads());
    best(|| {
        context.tasks(to.chunks_mut(piece).zip(from.chunks(piece)), |_, (to, from)| to.copy_from_slice(from));
        black_box(&to);
        2.0 * COPY_BYTES as f64
    })
}
