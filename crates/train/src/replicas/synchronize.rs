//! Means over each member's samples that become means over the whole batch, in the middle of the plan.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use convoke_core::engine::{EngineError, Pending};
use convoke_core::step::Step;

use super::{Asked, Replicas};

impl Replicas {
    /// Runs the plan up to its last exchange, and through all of them, then asks for the rest. `blocks` has each member's step, `None` where it has no
    /// samples; `spent` is told the seconds that each has computed. The error is the first that a member has, with its number.
    pub(super) async fn synchronize(
        &mut self,
        blocks: &[Option<Step>],
        asked: &mut [(Asked, Duration)],
        spent: &mut [f64],
        clock: &dyn Fn() -> Duration,
    ) -> Result<(), (usize, EngineError)> {
        let count = self.members[0].session.exchanges().len();
        let total: f64 = blocks.iter().flatten().map(|block| f64::from(block.samples)).sum();
        for number in 0..count {
            let mut answers = Vec::new();
            for (index, (member, block)) in self.members.iter_mut().zip(blocks).enumerate() {
                let Some(block) = block else { continue };
                let answer = member.session.run_to_exchange(*block, number);
                answers.push((index, answer.map_err(|error| (index, error))?));
            }
            let mut mean = vec![0.0_f64; self.members[0].session.exchanges()[number].slice.bytes / 4];
            let indices: Vec<usize> = answers.iter().map(|(index, _)| *index).collect();
            for (index, (words, seconds)) in indices.into_iter().zip(self.answers(answers, clock).await?) {
                spent[index] += seconds;
                let share = blocks[index].map_or(0.0, |block| f64::from(block.samples)) / total;
                let values: &[f32] = bytemuck::cast_slice(&words[0]);
                mean.iter_mut().zip(values).for_each(|(mean, &value)| *mean += share * f64::from(value));
            }
            let mean: Vec<u32> = mean.into_iter().map(|mean| (mean as f32).to_bits()).collect();
            for (index, (member, block)) in self.members.iter_mut().zip(blocks).enumerate() {
                if block.is_some() {
                    let slice = member.session.exchanges()[number].slice;
                    member.session.engine_mut().write(slice, &mean).map_err(|error| (index, error))?;
                }
            }
        }
        for (index, (member, block)) in self.members.iter_mut().zip(blocks).enumerate() {
            if let Some(block) = block {
                let rest = member.session.run_rest(*block, &member.buckets);
                asked[index] = (rest.map_err(|error| (index, error))?, clock());
            }
        }
        Ok(())
    }

    /// Members' answers, each with the seconds that it took, unless one takes too long.
    pub(super) async fn answers(
        &self,
        mut asked: Vec<(usize, Pending<'static, Vec<Vec<u32>>>)>,
        clock: &dyn Fn() -> Duration,
    ) -> Result<Vec<(Vec<Vec<u32>>, f64)>, (usize, EngineError)> {
        let began = clock();
        let mut found: Vec<Option<(Vec<Vec<u32>>, f64)>> = asked.iter().map(|_| None).collect();
        poll_fn(|context| {
            for ((index, answer), found) in asked.iter_mut().zip(&mut found).filter(|(_, found)| found.is_none()) {
                let waited = clock().saturating_sub(began);
                match answer.as_mut().poll(context) {
                    Poll::Ready(Ok(words)) => *found = Some((words, waited.as_secs_f64())),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err((*index, error))),
                    Poll::Pending if waited > self.deadline => {
                        return Poll::Ready(Err((*index, self.too_late(*index, waited))));
                    }
                    Poll::Pending => {}
                }
            }
            if found.iter().all(Option::is_some) { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await?;
        Ok(found.into_iter().flatten().collect())
    }
}
