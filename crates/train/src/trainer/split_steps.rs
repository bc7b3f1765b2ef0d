//! Steps whose batch is split over several engines.

use std::future::ready;
use std::time::Duration;

use convoke_core::engine::EngineError;
use convoke_core::step::Step;

use super::steps::Group;
use super::{Host, Trainer, line};
use crate::augment::Share;
use crate::error::{Result, TrainError};
use crate::event::{Event, Record};
use crate::replicas::with_several;
use crate::replicas::{Departure, DeviceShare};
use crate::session::{Figures, Grain, Part};

impl Trainer {
    /// Trains to the end of the epoch at hand, to the last step asked for, or until the host says stop: a step at a time, for each needs the one before.
    pub(super) async fn split_epoch(&mut self, host: &mut Host<'_>) -> Result<()> {
        let order = self.order();
        self.tell_of_departures(host).await?;
        self.tell_of_first_shares(host).await?;
        loop {
            let (position, step) = (self.progress.position, self.progress.step);
            if self.save_due(host, step) {
                self.save(host).await?;
            }
            let last = self.until.or(self.settings.max_steps).is_some_and(|last| step >= last);
            let batch = &order[position..order.len().min(position + self.step_samples)];
            if batch.is_empty() || last || (host.stop)() {
                return Ok(());
            }
            let done = self.split_step(step + 1, batch, host).await;
            self.tell_of_departures(host).await?;
            done?;
        }
    }

    /// One step: gradients of all shares, their sum, the owner's update, and its parameters to all.
    async fn split_step(&mut self, number: u64, batch: &[u32], host: &mut Host<'_>) -> Result<()> {
        let whole = Share { batch, run: 0..batch.len(), seed: self.settings.seed, step: number };
        let (rate, weight_scale, optimizer) = (self.rate(number), self.weight_scale(&whole), self.settings.optimizer);
        let fill = |block: &mut Step| {
            optimizer.fill(block, number, rate);
            block.weight_scale = weight_scale;
        };
        let Some(replicas) = &mut self.replicas else { return Ok(()) };
        let samples = self.step_samples;
        if replicas.unmeasured() {
            replicas.measure(&whole, samples, &fill, host.clock).await?;
            self.tell_of_shares(number, host).await?;
        }
        let Some(replicas) = &mut self.replicas else { return Ok(()) };
        let began = (host.clock)();
        let mut reduced = replicas.gradients(&whole, &fill, host.clock).await?;
        let buckets = replicas.buckets();
        let mut block = Step { number: number as u32, ..Step::default() };
        block.inverse_samples = (1.0 / batch.len() as f64) as f32;
        fill(&mut block);
        let sums = std::mem::take(&mut reduced.sums);
        let (flag, parameters) = self.session.update_by(&buckets, &sums, reduced.figures, block).await?;
        replicas.send(&parameters);
        if replicas.check_due(number) {
            replicas.check(&parameters, number, host.clock).await?;
        }
        let figures = reduced.figures;
        let seconds = reduced.seconds(((host.clock)().saturating_sub(began)).as_secs_f64());
        let changed = replicas.learn(number, batch.len(), samples, &seconds);
        self.record(figures, flag, host).await?;
        if changed {
            self.tell_of_shares(number + 1, host).await?;
        }
        Ok(())
    }

    /// Records a step as one that was answered.
    async fn record(&mut self, figures: Figures, flag: u32, host: &mut Host<'_>) -> Result<()> {
        let answer = Box::pin(ready(Ok(vec![vec![flag]])));
        let recorded =
            self.complete(Group { runs: vec![1], words: vec![figures.words().to_vec()], answer }, host).await;
        if let (Err(TrainError::NotFinite { .. }), Some(replicas)) = (&recorded, &mut self.replicas) {
            replicas.clear_flags()?;
        }
        recorded
    }

    /// Tells of new shares, which hold from a step on, and keeps them in a checkpoint, so that a run that is resumed repeats them.
    async fn tell_of_shares(&mut self, step: u64, host: &mut Host<'_>) -> Result<()> {
        self.announced = self.shares();
        let record = Record::Shares { step, shares: self.announced.clone() };
        self.log(host, &line(&record)).await?;
        (host.events)(&Event::Record(record));
        // Who drives the steps by hand keeps no checkpoints.
        if self.saved_at != Duration::MAX {
            self.save(host).await?;
        }
        Ok(())
    }

    /// Tells of the shares that a run begins with, or goes on with where they are others than before. Those that are measured are told of then.
    async fn tell_of_first_shares(&mut self, host: &mut Host<'_>) -> Result<()> {
        let parts = |shares: &[DeviceShare]| -> Vec<(String, f64)> {
            shares.iter().map(|share| (share.device.clone(), share.weight)).collect()
        };
        let unmeasured = self.replicas.as_ref().is_some_and(|replicas| replicas.unmeasured());
        if unmeasured || parts(&self.announced) == parts(&self.shares()) {
            return Ok(());
        }
        self.tell_of_shares(self.progress.step + 1, host).await
    }

    /// Tells of devices that are gone, and keeps what the others go on from.
    pub(super) async fn tell_of_departures(&mut self, host: &mut Host<'_>) -> Result<()> {
        let gone = self.replicas.as_mut().map_or_else(Vec::new, |replicas| replicas.departures());
        if gone.is_empty() {
            return Ok(());
        }
        let from = gone.iter().map(|departure| departure.step + 1).min().unwrap_or_default();
        for Departure { step, device, error } in gone {
            let record = Record::Left { step, device, reason: reason(error) };
            self.log(host, &line(&record)).await?;
            (host.events)(&Event::Record(record));
        }
        if self.shares().is_empty() { Ok(()) } else { self.tell_of_shares(from, host).await }
    }

    /// Takes a device out of the run, which goes on with the others; `position` is its place in [`shares`](Self::shares).
    ///
    /// # Errors
    /// [`TrainError::NoneLeft`] where it is the last one; [`TrainError::Setting`] where there is none at that place.
    pub fn release(&mut self, position: usize) -> Result<()> {
        let step = self.progress.step;
        match &mut self.replicas {
            Some(replicas) if position < replicas.len() => {
                let name = replicas.shares()[position].device.clone();
                replicas.remove(position, step, EngineError::Lost { name, reason: "it was released".into() })
            }
            _ => Err(TrainError::Setting(format!("there is no device {position} to release"))),
        }
    }

    /// The figures of some pictures, with what was counted of them, by all engines; of fewer pictures where `progress` breaks off by `false`.
    pub(super) async fn figures(
        &mut self,
        part: Part,
        order: &[u32],
        progress: &mut dyn FnMut(usize, usize) -> bool,
        clock: &dyn Fn() -> Duration,
    ) -> Result<(Figures, Vec<u32>)> {
        if self.replicas.is_some()
            && let Some(figures) = with_several(self.split_figures(part, order, progress, clock))
        {
            return figures.await;
        }
        let grain = if self.long {
            Grain::Pieces(clock)
        } else if self.in_flight == 1 {
            Grain::Batches
        } else {
            Grain::Groups
        };
        let figures = self.session.figures(part, order, progress, grain).await?;
        Ok((figures, self.session.tallies().await?))
    }

    /// The same by the replicas.
    async fn split_figures(
        &mut self,
        part: Part,
        order: &[u32],
        progress: &mut dyn FnMut(usize, usize) -> bool,
        clock: &dyn Fn() -> Duration,
    ) -> Result<(Figures, Vec<u32>)> {
        let replicas = self.replicas.as_mut().expect("it is asked for where there are several");
        // Where an average is kept, the owner alone has it.
        let trained = self.session.averaged_weights().await?;
        if trained.is_some() {
            let average = self.session.weights().await?;
            replicas.set_weights(&average)?;
        }
        let found = replicas.figures(part, order, self.progress.step, progress, clock).await;
        if let Some(trained) = trained {
            replicas.set_weights(&trained)?;
        }
        found
    }
}

/// Why a device is gone, without the advice for those whose only one it was.
fn reason(error: EngineError) -> String {
    match error {
        EngineError::Lost { reason, .. } => reason,
        EngineError::OutOfMemory { what, bytes, .. } => format!("it can't allocate {bytes} bytes for {what}"),
        EngineError::Refused { what, reason, .. } => format!("it refused {what}: {reason}"),
        error @ EngineError::NotFound { .. } => error.to_string(),
    }
}
