//! Long runs are submitted in pieces: a stop is answered before they end, other programs have their turn of the device, and no watchdog wakes.
//!
//! A run of gradients or of evaluation that is broken off between two pieces has changed nothing that counts: parameters, the optimizer's state and
//! running statistics are written by the update alone, sums of gradients begin anew with a step's first run.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use convoke_core::engine::Run;
use convoke_core::plan::{PlanKind, Program};
use convoke_core::step::Step;

use crate::error::Result;
use crate::session::{Figures, Part, Session, collect};

/// How long a submission should keep the device busy, whether it holds several steps or a piece of one: long enough that submitting costs nothing, short
/// enough that a stop is answered soon and no watchdog wakes.
pub(crate) const SUBMISSION: Duration = Duration::from_millis(50);

/// Submissions under way at once: one that runs, and one that waits so that the device need not.
pub(crate) const IN_FLIGHT: usize = 2;

/// So many steps make the first pieces, of which nothing is known yet.
const UNKNOWN: usize = 8;

/// From so many operations on, a step is taken to be long before it was seen: a fifth of a second on a slow adapter.
const MANY: u64 = 2_000_000_000;

/// Whether a step with so many samples is probably long.
pub(crate) fn probably_long(program: &Program, samples: usize) -> bool {
    let steps = program.plan(PlanKind::Gradients).steps.iter();
    let operations = steps.fold(0_u64, |sum, step| sum.saturating_add(step.kernel.flops().per_sample));
    operations.saturating_mul(samples as u64) > MANY
}

/// What each step of each plan takes, in seconds, as it was last seen.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    seconds: [Vec<f64>; PlanKind::ALL.len()],
}

impl Pieces {
    /// Where the piece ends that begins at `from`: a step at least.
    fn end(&mut self, kind: PlanKind, from: usize, steps: usize) -> usize {
        let seconds = &mut self.seconds[kind as usize];
        seconds.resize(steps, SUBMISSION.as_secs_f64() / UNKNOWN as f64);
        let mut sum = 0.0;
        let fits = |seconds: &&f64| {
            sum += **seconds;
            sum <= 1.001 * SUBMISSION.as_secs_f64()
        };
        from + seconds[from..].iter().take_while(fits).count().max(1)
    }

    /// Takes down what a piece took, evenly over its steps: where one of them is long, the next cut comes closer to it.
    fn learn(&mut self, kind: PlanKind, piece: Range<usize>, took: Duration) {
        if !took.is_zero() {
            let each = took.as_secs_f64() / piece.len() as f64;
            self.seconds[kind as usize][piece].fill(each);
        }
    }
}

impl Session {
    /// Runs a plan in pieces, or less of it where `go_on` says no before one: then the answer is no. Some are under way at once.
    pub(crate) async fn run_in_pieces(
        &mut self,
        kind: PlanKind,
        block: Step,
        clock: &dyn Fn() -> Duration,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        let steps = self.program().plan(kind).steps.len();
        let (mut from, mut waiting) = (0, VecDeque::new());
        let mut since = clock();
        loop {
            while from < steps && waiting.len() < IN_FLIGHT && go_on() {
                let piece = from..self.pieces.end(kind, from, steps);
                from = piece.end;
                let began = clock();
                let answer = self.submit(&[Run::part(kind, block, piece.clone())], &[])?;
                // What computes when it is asked takes its time here, all others take it behind.
                since = clock();
                waiting.push_back((piece, answer, since.saturating_sub(began)));
            }
            let Some((piece, answer, submitting)) = waiting.pop_front() else { return Ok(from == steps) };
            answer.await?;
            let now = clock();
            self.pieces.learn(kind, piece, submitting + now.saturating_sub(since));
            since = now;
        }
    }

    /// The figures of batches, each of them run in pieces, or of fewer where `progress` breaks off by `false`.
    pub(crate) async fn figures_in_pieces(
        &mut self,
        part: Part,
        batches: &[&[u32]],
        progress: &mut dyn FnMut(usize, usize) -> bool,
        clock: &dyn Fn() -> Duration,
    ) -> Result<Figures> {
        let total = batches.iter().map(|batch| batch.len()).sum();
        let mut sum = Figures::default();
        for batch in batches {
            let block = self.stage(part, batch)?;
            let mut go_on = || progress(sum.samples as usize, total);
            if !self.run_in_pieces(PlanKind::Evaluate, block, clock, &mut go_on).await? {
                return Ok(sum);
            }
            let figures = self.submit(&[], &[block.slot])?;
            collect(&mut sum, Some(figures)).await?;
        }
        progress(sum.samples as usize, total);
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a plan whose steps take so many milliseconds each, in the given round of learning.
    fn pieces(milliseconds: &[u64], rounds: usize) -> Vec<Range<usize>> {
        let (mut pieces, mut cut) = (Pieces::default(), Vec::new());
        for _ in 0..rounds {
            let mut from = 0;
            cut.clear();
            while from < milliseconds.len() {
                let piece = from..pieces.end(PlanKind::Gradients, from, milliseconds.len());
                let took = Duration::from_millis(milliseconds[piece.clone()].iter().sum());
                pieces.learn(PlanKind::Gradients, piece.clone(), took);
                from = piece.end;
                cut.push(piece);
            }
        }
        cut
    }

    #[test]
    fn pieces_come_to_fit_what_their_steps_take() {
        assert_eq!(pieces(&[10; 20], 1), [0..8, 8..16, 16..20]);
        assert_eq!(pieces(&[10; 20], 2), [0..5, 5..10, 10..15, 15..20]);
        // A long step is alone in the end, and what is short is together.
        let last = pieces(&[1, 1, 1, 400, 1, 1, 1, 1, 1, 1, 1, 1], 6);
        assert!(last.contains(&(3..4)) && last.len() <= 4, "{last:?}");
        assert_eq!(pieces(&[0; 30], 3).iter().map(Range::len).sum::<usize>(), 30);
    }
}
