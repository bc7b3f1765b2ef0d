//! Waiting for the members' answers, and adding them up as they come.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use convoke_core::engine::EngineError;

use super::{Answer, Asked, Reduced, Replicas};
use crate::session::Figures;

/// A bucket's sum so far. Members are added in their order, whoever answers first.
#[derive(Default)]
struct Sum {
    /// The member that is added next, among those that take part.
    next: usize,
    total: Vec<f32>,
    /// What came before its turn.
    early: Vec<Option<Vec<Vec<u32>>>>,
}

impl Sum {
    fn arrive(&mut self, member: usize, words: Vec<Vec<u32>>) {
        if self.early.len() <= member {
            self.early.resize(member + 1, None);
        }
        self.early[member] = Some(words);
        while let Some(words) = self.early.get_mut(self.next).and_then(Option::take) {
            self.next += 1;
            if self.total.is_empty() {
                words.iter().for_each(|words| self.total.extend_from_slice(bytemuck::cast_slice(words)));
                continue;
            }
            let mut rest = self.total.as_mut_slice();
            for words in words {
                let (sums, after) = rest.split_at_mut(words.len());
                let values: &[f32] = bytemuck::cast_slice(&words);
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                rest = after;
            }
        }
    }
}

impl Replicas {
    /// Waits for all answers. Buckets are added while the next ones are computed. The error is the first that a member has, with its number, or
    /// that it took too long.
    pub(super) async fn collect(
        &mut self,
        asked: Vec<(Asked, Duration)>,
        clock: &dyn Fn() -> Duration,
    ) -> Result<Reduced, (usize, EngineError)> {
        let mut asked = asked;
        // Members without samples answer nothing, and are not waited for: the others are numbered without them.
        let mut numbers = Vec::new();
        for (answers, _) in &asked {
            let before = numbers.iter().flatten().count();
            numbers.push((!answers.is_empty()).then_some(before));
        }
        let mut sums: Vec<Sum> = self.buckets().iter().map(|_| Sum::default()).collect();
        let mut figures: Vec<Figures> = vec![Figures::default(); asked.len()];
        let mut seconds = vec![0.0; asked.len()];
        poll_fn(|context| {
            let mut all = true;
            for (index, (answers, began)) in asked.iter_mut().enumerate() {
                while let Some((answer, pending)) = answers.front_mut() {
                    let words = match pending.as_mut().poll(context) {
                        Poll::Ready(Ok(words)) => words,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err((index, error))),
                        Poll::Pending => break,
                    };
                    match answer {
                        Answer::Bucket(bucket) => sums[*bucket].arrive(numbers[index].unwrap_or(index), words),
                        Answer::Figures => figures[index].add(figures_of(&words)),
                    }
                    answers.pop_front();
                    if answers.is_empty() {
                        seconds[index] = clock().saturating_sub(*began).as_secs_f64();
                    }
                }
                if !answers.is_empty() {
                    all = false;
                    let waited = clock().saturating_sub(*began);
                    if waited > self.deadline {
                        return Poll::Ready(Err((index, self.too_late(index, waited))));
                    }
                }
            }
            if all {
                return Poll::Ready(Ok(()));
            }
            Poll::Pending
        })
        .await?;
        let mut total = Figures::default();
        figures.into_iter().for_each(|figures| total.add(figures));
        Ok(Reduced { figures: total, sums: sums.into_iter().map(|sum| sum.total).collect(), seconds })
    }

    pub(super) fn too_late(&self, index: usize, waited: Duration) -> EngineError {
        too_late(&self.members[index].name, waited)
    }
}

/// The error of a device that has not answered for so long.
pub(super) fn too_late(name: &str, waited: Duration) -> EngineError {
    EngineError::Lost { name: name.into(), reason: format!("it has not answered for {:.1} s", waited.as_secs_f64()) }
}

/// The figures of some runs, and whether the gate was shut by one of them.
fn figures_of(words: &[Vec<u32>]) -> Figures {
    let (flag, runs) = words.split_last().expect("the flag is asked for with them");
    let mut figures = Figures::default();
    runs.iter().for_each(|words| figures.add(Figures::of(words)));
    figures.broken |= flag[0] != 0;
    figures
}
