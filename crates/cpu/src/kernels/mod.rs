//! One file for each kernel of [`convoke_core::kernels`], of the same stem, each with a function `run`.

use convoke_core::kernels::Kernel;
use convoke_core::step::Step;

use crate::context::Context;

macro_rules! declare {
    ($($stem:ident $kernel:ident,)*) => {
        $(pub mod $stem;)*

        /// Runs a kernel on its slices, in the order that its description lists them, as 32-bit words. They may be longer
        /// than what the run's samples take: the rest is left as it is.
        ///
        /// # Panics
        /// Where a slice is too short: a defect of the plan.
        pub fn run(kernel: &Kernel, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
            match kernel {
                $(Kernel::$kernel(kernel) => $stem::run(kernel, step, reads, writes, context),)*
            }
        }
    };
}
convoke_core::for_each_kernel!(declare);

/// Elements of a pointwise task: large enough that starting it is cheap beside it, small enough to stay in the cache.
const TASK_LEN: usize = 16 << 10;
