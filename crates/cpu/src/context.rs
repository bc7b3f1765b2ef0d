//! What a kernel computes with: threads, the processor's SIMD instructions, and memory to scribble on.

use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use bytemuck::{Pod, Zeroable};

/// A cache line of words: what buffers are made of, so that they begin at multiples of 64 bytes.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [u32; Line::WORDS]);

impl Line {
    /// Words in a line.
    pub const WORDS: usize = 16;
}

/// Threads, SIMD instructions and scratch memory, shared by the kernels of an engine.
///
/// No result depends on the number of threads: work is cut into tasks by shapes alone, and a task's sums have a fixed order.
pub(crate) struct Context {
    /// The widest instructions that the processor has.
    pub(crate) arch: pulp::Arch,
    threads: usize,
    #[cfg(not(target_family = "wasm"))]
    pool: rayon::ThreadPool,
    /// Scratch that is not in use.
    free: Mutex<Vec<Vec<Line>>>,
}

impl Context {
    /// A context with that many threads, or one for each processor that the process may run on. In a browser's WebAssembly
    /// there is one thread, whatever is asked for.
    ///
    /// # Errors
    /// The operating system's words where it refuses the threads.
    pub fn new(threads: Option<NonZeroUsize>) -> Result<Self, String> {
        Self::on(pulp::Arch::new(), threads)
    }

    /// A context that uses the given instructions, which the processor must have.
    pub(crate) fn on(arch: pulp::Arch, threads: Option<NonZeroUsize>) -> Result<Self, String> {
        let threads = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let threads = threads.min(if cfg!(target_family = "wasm") { 1 } else { 1024 });
        Ok(Self {
            arch,
            threads,
            #[cfg(not(target_family = "wasm"))]
            pool: rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|i| format!("convoke-cpu-{i}"))
                .build()
                .map_err(|error| error.to_string())?,
            free: Mutex::new(Vec::new()),
        })
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The instructions in use, as people call them.
    pub fn instructions(&self) -> &'static str {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        match self.arch {
            pulp::Arch::V4(_) => return "AVX-512",
            pulp::Arch::V3(_) => return "AVX2",
            _ => {}
        }
        #[cfg(target_arch = "aarch64")]
        if matches!(self.arch, pulp::Arch::Neon(_)) {
            return "NEON";
        }
        #[cfg(target_family = "wasm")]
        if matches!(self.arch, pulp::Arch::Simd128(_)) {
            return "SIMD128";
        }
        "scalar"
    }

    /// Runs `f` on one of the threads, so that the tasks inside start without waking anyone for the caller.
    pub(crate) fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        #[cfg(not(target_family = "wasm"))]
        return self.pool.install(f);
        #[cfg(target_family = "wasm")]
        f()
    }

    /// Calls `f`, compiled for the instructions in use: loops in it become vector code. It and what it calls must be marked
    /// `#[inline(always)]`, or it stays outside.
    #[inline(always)]
    pub(crate) fn vectorized<R>(&self, f: impl FnMut() -> R) -> R {
        self.arch.dispatch(Body(f))
    }

    /// Calls `f(i, item)` for each item, on all threads. Items are what tasks own: disjoint pieces of an output, mostly.
    pub(crate) fn tasks<T: Send>(&self, items: impl IntoIterator<Item = T>, f: impl Fn(usize, T) + Sync) {
        let items = items.into_iter().enumerate();
        #[cfg(not(target_family = "wasm"))]
        {
            use rayon::prelude::*;
            let items: Vec<(usize, T)> = items.collect();
            if self.threads > 1 && items.len() > 1 {
                self.install(|| items.into_par_iter().with_max_len(1).for_each(|(i, item)| f(i, item)));
            } else {
                items.into_iter().for_each(|(i, item)| f(i, item));
            }
        }
        #[cfg(target_family = "wasm")]
        items.for_each(|(i, item)| f(i, item));
    }

    /// Memory for `len` words, of unspecified content, until it is dropped.
    pub(crate) fn scratch(&self, len: usize) -> Scratch<'_> {
        let lines = len.div_ceil(Line::WORDS);
        let mut free = self.lock();
        // The smallest that is large enough, or the largest, to grow it.
        let fits = free.iter().enumerate().filter(|(_, b)| b.len() >= lines).min_by_key(|(_, b)| b.len());
        let best = fits.or_else(|| free.iter().enumerate().max_by_key(|(_, b)| b.len())).map(|(i, _)| i);
        let mut buffer = best.map_or_else(Vec::new, |i| free.swap_remove(i));
        drop(free);
        if buffer.len() < lines {
            buffer.clear();
            buffer.resize(lines, Line::zeroed());
        }
        Scratch { context: self, buffer, len }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Line>>> {
        self.free.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Borrowed scratch memory, as floats.
pub(crate) struct Scratch<'a> {
    context: &'a Context,
    buffer: Vec<Line>,
    len: usize,
}

impl Deref for Scratch<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.buffer)[..self.len]
    }
}

impl DerefMut for Scratch<'_> {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.buffer)[..self.len]
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        self.context.lock().push(buffer);
    }
}

/// A loop to vectorise. (The library takes closures too, but by value, through a shim of the compiler's that is not inlined.)
struct Body<F>(F);

impl<R, F: FnMut() -> R> pulp::WithSimd for Body<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
