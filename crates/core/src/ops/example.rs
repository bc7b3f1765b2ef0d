//! Examples of ops: generated shapes with the kind of values that each input takes.

use std::sync::Arc;

use super::Op;
use crate::kernels::Window;
use crate::random::{Stream, StreamId};
use crate::shape::TensorType;

/// What an example's input is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Numbers in about −1 … 1, pairwise apart and away from 0, so that no ReLU or maximum is near a kink or a tie.
    Numbers,
    /// Numbers in 0 … 1 that are data: targets, shares. No derivative is asked for them.
    Shares,
    /// Integers below this: labels.
    Labels(usize),
    /// For each window, the position of one of its taps that is not in the padding.
    Taps(Window),
}

/// An op with the inputs to try it on.
#[derive(Clone, Debug)]
pub struct Example {
    /// The op.
    pub op: Arc<dyn Op>,
    /// The inputs' types and values.
    pub inputs: Vec<(TensorType, Fill)>,
}

impl Example {
    /// An op on inputs that are all numbers.
    pub fn of_numbers(op: impl Op + 'static, inputs: impl IntoIterator<Item = TensorType>) -> Self {
        Self { op: Arc::new(op), inputs: inputs.into_iter().map(|ty| (ty, Fill::Numbers)).collect() }
    }
}

/// Draws the shapes of examples.
#[derive(Debug)]
pub struct Generator {
    stream: Stream,
    /// How many examples an op that generates its shapes should give.
    pub examples: usize,
}

impl Generator {
    /// A generator whose draws depend on the seed alone.
    pub fn new(seed: u64, examples: usize) -> Self {
        Self { stream: Stream::new(seed, StreamId::Test, 0, 0), examples }
    }

    /// A number in `low ..= high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.stream.below((high - low + 1) as u32) as usize
    }

    /// A window with at least one output on an image of at most `largest` a side.
    pub fn window(&mut self, largest: usize) -> Window {
        loop {
            let mut pair = |low, high| [self.between(low, high), self.between(low, high)];
            let window = Window {
                input: pair(1, largest),
                kernel: pair(1, 4),
                stride: pair(1, 3),
                padding: pair(0, 2),
                dilation: pair(1, 2),
            };
            if window.output_len() > 0 {
                return window;
            }
        }
    }

    /// A window as pools allow it: padding at most half the kernel, and no window wholly in the padding.
    pub fn pool_window(&mut self, largest: usize) -> Window {
        loop {
            let mut window = self.window(largest);
            window.padding = [0, 1].map(|d| window.padding[d].min(window.kernel[d] / 2));
            if window.output_len() > 0 && window.every_output_has_a_source() {
                return window;
            }
        }
    }
}
