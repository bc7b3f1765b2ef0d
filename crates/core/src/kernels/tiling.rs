//! How large a tile each thread holds in registers: chosen by counting what it loads and what it multiplies.
//!
//! The larger a tile, the more often each loaded value is used, until the registers are full. The counts below are measured on a
//! driver that computes on the CPU, in cycles of a vector unit; on graphics processors the same order holds, with fewer registers.

use super::Target;

/// Cycles in which a thread finds out where its tile lies, and stores it.
const THREAD: usize = 200;
/// Runs over which a shader's compilation should pay: the faster tile often takes longer to compile.
const RUNS: u64 = 200;

/// What a thread may hold and how much of it is written out.
#[derive(Clone, Copy, Debug)]
struct Budget {
    /// Sums kept in registers.
    sums: usize,
    /// Multiply-adds written out in a row.
    products: usize,
    /// Threads that should run at least, so that all of the device has work.
    threads: usize,
    /// Threads whose turns take their cycles together.
    abreast: usize,
    /// Cycles for a load, whatever its width.
    load: usize,
    /// Cycles for each lane of a load.
    lane: usize,
    /// Cycles for each sum and turn: where registers spill, a loop copies what it carries.
    carry: usize,
    /// Cycles to compile each sum.
    compile_sum: u64,
    /// Cycles to compile each multiply-add.
    compile_product: u64,
}

impl Budget {
    fn of(target: Target) -> Self {
        // Eight lanes on each of two cores. Beyond some 700 multiply-adds the code of a turn no longer fits into the instruction cache.
        let cpu = Self {
            sums: 224,
            products: 700,
            threads: 128,
            abreast: 16,
            load: 20,
            lane: 5,
            carry: 2,
            compile_sum: 3_600_000,
            compile_product: 800_000,
        };
        match target {
            // A graphics processor's compiler takes milliseconds whatever the tile.
            Target::Gpu => Self {
                sums: 32,
                products: 256,
                threads: 8192,
                abreast: 8192,
                compile_sum: 0,
                compile_product: 0,
                ..cpu
            },
            Target::Cpu => cpu,
            // Half the lanes.
            Target::NarrowCpuLater => Self { threads: 64, abreast: 8, load: 5, lane: 20, carry: 6, ..cpu },
            // Such drivers are a browser's, where someone waits for the first step: compilation is dear.
            Target::NarrowCpu => {
                Self { compile_sum: 12_600_000, compile_product: 2_800_000, ..Self::of(Target::NarrowCpuLater) }
            }
        }
    }
}

/// A candidate tile.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Sums that it holds.
    pub sums: usize,
    /// Multiply-adds of one turn of the inner loop.
    pub products: usize,
    /// Loads of one turn.
    pub loads: usize,
    /// Lanes of these loads.
    pub lanes: usize,
    /// Threads that compute the whole of a typical batch.
    pub threads: usize,
    /// Turns of the inner loop that each thread takes.
    pub turns: usize,
}

impl Cost {
    /// Adds `count` loads of `lanes` lanes.
    pub(super) fn load(mut self, count: usize, lanes: usize) -> Self {
        self.loads += count;
        self.lanes += count * lanes;
        self
    }

    /// Cycles of compilation and a good many runs; `None` where the tile does not fit.
    fn total(&self, budget: Budget) -> Option<u64> {
        let fits = self.sums <= budget.sums && self.products <= budget.products;
        let turn = self.loads * budget.load + self.lanes * budget.lane + self.products + self.sums * budget.carry;
        let compile = self.sums as u64 * budget.compile_sum + self.products as u64 * budget.compile_product;
        let run = (turn * self.turns + THREAD) as u64 * self.threads.max(budget.threads) as u64 / budget.abreast as u64;
        fits.then_some(compile + run * RUNS)
    }
}

/// The cheapest of the candidates, or the first where none fits.
pub(super) fn cheapest<T: Copy>(target: Target, candidates: &[T], cost: impl Fn(T) -> Cost) -> T {
    let budget = Budget::of(target);
    let priced = candidates.iter().filter_map(|&c| Some((cost(c).total(budget)?, c)));
    priced.min_by_key(|(price, _)| *price).map_or(candidates[0], |(_, c)| c)
}

/// The triples of tile edges up to those given, smallest first.
pub(super) fn edges(most: [usize; 3]) -> Vec<[usize; 3]> {
    let planes = (1..=most[0]).flat_map(|i| (1..=most[1]).map(move |j| (i, j)));
    planes.flat_map(|(i, j)| (1..=most[2]).map(move |k| [i, j, k])).collect()
}

/// The largest divisor of `length` that is at most `limit`.
pub(super) fn divisor(length: usize, limit: usize) -> usize {
    (1..=limit.min(length)).rev().find(|&d| length.is_multiple_of(d)).unwrap_or(1)
}

/// Samples that a batch is taken to hold where the tile is chosen; results never depend on it.
pub(super) const TYPICAL_SAMPLES: usize = 64;
