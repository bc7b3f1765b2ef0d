//! Evaluation on all members at once.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::collect::too_late;
use super::{Member, Replicas};
use crate::error::{Result, TrainError};
use crate::session::{Figures, Grain, Part};

/// What a member finds of its part.
type Found = Result<(Figures, Vec<u32>)>;

impl Replicas {
    /// The figures of some pictures after a step, and what was counted of them; of fewer pictures where `progress` breaks off by `false`. Each member has its
    /// share; that of a member which fails is done again by the others, with all the rest.
    ///
    /// # Errors
    /// [`TrainError::NoneLeft`].
    pub async fn figures(
        &mut self,
        part: Part,
        order: &[u32],
        step: u64,
        progress: &mut dyn FnMut(usize, usize) -> bool,
        clock: &dyn Fn() -> Duration,
    ) -> Result<(Figures, Vec<u32>)> {
        loop {
            match self.attempt_figures(part, order, progress, clock).await {
                Ok(found) => return Ok(found),
                Err((index, TrainError::Engine(error))) => self.remove(index, step, error)?,
                Err((_, error)) => return Err(error),
            }
        }
    }

    async fn attempt_figures(
        &mut self,
        part: Part,
        order: &[u32],
        progress: &mut dyn FnMut(usize, usize) -> bool,
        clock: &dyn Fn() -> Duration,
    ) -> std::result::Result<(Figures, Vec<u32>), (usize, TrainError)> {
        let failed = |(index, member): (usize, &mut Member)| Some((index, member.failed.take()?.into()));
        if let Some(failed) = self.members.iter_mut().enumerate().find_map(failed) {
            return Err(failed);
        }
        let deadline = self.deadline;
        let names: Vec<String> = self.members.iter().map(|member| member.name.clone()).collect();
        let shared = RefCell::new((vec![0; self.len()], progress));
        let shared = &shared;
        // When each was last heard of.
        let heard = RefCell::new(vec![clock(); self.len()]);
        let heard = &heard;
        let members = self.cut(order.len()).into_iter().enumerate();
        let futures = members.map(|(index, (session, share))| {
            let mut told = move |done, _: usize| {
                let (dones, progress) = &mut *shared.borrow_mut();
                dones[index] = done;
                heard.borrow_mut()[index] = clock();
                progress(dones.iter().sum(), order.len())
            };
            let part = async move {
                let figures = session.figures(part, &order[share], &mut told, Grain::Groups).await?;
                Ok((figures, session.tallies().await?))
            };
            Box::pin(part) as Pin<Box<dyn Future<Output = Found> + '_>>
        });
        let mut futures: Vec<_> = futures.collect();
        let mut found: Vec<Option<Found>> = futures.iter().map(|_| None).collect();
        poll_fn(|context| {
            for (index, (future, found)) in futures.iter_mut().zip(&mut found).enumerate() {
                if found.is_some() {
                    continue;
                }
                if let Poll::Ready(value) = future.as_mut().poll(context) {
                    *found = Some(value);
                    continue;
                }
                let waited = clock().saturating_sub(heard.borrow()[index]);
                if waited > deadline {
                    return Poll::Ready(Err((index, too_late(&names[index], waited).into())));
                }
            }
            if found.iter().all(Option::is_some) { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await?;
        let (mut sum, mut counts) = (Figures::default(), Vec::<u32>::new());
        for (index, found) in found.into_iter().flatten().enumerate() {
            let (figures, tallies) = found.map_err(|error| (index, error))?;
            sum.add(figures);
            counts.resize(tallies.len(), 0);
            counts.iter_mut().zip(tallies).for_each(|(count, tally)| *count += tally);
        }
        Ok((sum, counts))
    }
}
