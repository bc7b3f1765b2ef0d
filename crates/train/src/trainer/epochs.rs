//! Ends of epochs: evaluation, the best so far, checkpoints.

use super::{BEST, CHECKPOINT_EVERY, Host, Trainer, line};
use crate::checkpoint::{Best, Checkpoint, LOG};
use crate::error::Result;
use crate::event::{Event, Record};
use crate::replicas::with_several;
use crate::session::{Part, all};
use crate::settings::{Metric, Settings};

impl Trainer {
    /// Evaluates the network and goes over to the next epoch, or says no where the host said stop in between: then it is as if nothing
    /// had been evaluated.
    pub(super) async fn finish_epoch(&mut self, host: &mut Host<'_>) -> Result<bool> {
        let (stop, events) = (host.stop, &mut *host.events);
        let mut progress = |done, total| {
            events(&Event::Evaluating { done, total });
            !stop()
        };
        let validation = match self.split[1].as_slice() {
            [] => None,
            order => {
                let order = order.to_vec();
                let (figures, _) = self.figures(Part::Train, &order, &mut progress, host.clock).await?;
                if figures.samples < order.len() as u64 {
                    return Ok(false);
                }
                Some(figures)
            }
        };
        let order = all(&self.data.test);
        let (figures, tallies) = self.figures(Part::Test, &order, &mut progress, host.clock).await?;
        if figures.samples < order.len() as u64 {
            return Ok(false);
        }
        // With five classes or fewer, all are among the five.
        let test_top5 = (self.network.classes() > 5).then(|| f64::from(tallies[0]) / figures.samples as f64);
        let samples = self.progress.position as f64;
        let (train_loss, train_accuracy) = (self.progress.loss_sum / samples, self.progress.correct as f64 / samples);
        let record = Record::Epoch {
            epoch: self.progress.epoch + 1,
            train_loss,
            train_accuracy,
            test_loss: figures.loss(),
            test_accuracy: figures.accuracy(),
            test_top5,
            validation_loss: validation.map(|figures| figures.loss()),
            validation_accuracy: validation.map(|figures| figures.accuracy()),
            samples_per_second: self.trained.0 as f64 / self.trained.1.max(1e-9),
        };
        self.log(host, &line(&record)).await?;
        (host.events)(&Event::Record(record));
        let (loss, accuracy) = validation.map_or((train_loss, train_accuracy), |f| (f.loss(), f.accuracy()));
        self.judge(loss, accuracy, host).await?;
        self.next_epoch();
        // The evaluation, too, may have lost some.
        if self.replicas.is_some()
            && let Some(told) = with_several(self.tell_of_departures(host))
        {
            told.await?;
        }
        self.save(host).await?;
        Ok(true)
    }

    /// Compares an epoch with the best so far, and keeps its model where it is better by the validation set. The test pictures have no say.
    async fn judge(&mut self, loss: f64, accuracy: f64, host: &Host<'_>) -> Result<()> {
        let better = self.progress.best.is_none_or(|best| match self.settings.metric() {
            Metric::Accuracy => accuracy > best.accuracy,
            Metric::Loss => loss < best.loss,
        });
        if better {
            let (step, epoch) = (self.progress.step, self.progress.epoch + 1);
            self.progress.best = Some(Best { step, epoch, loss, accuracy });
            if !self.split[1].is_empty() {
                let model = self.model().await?;
                host.store.put(BEST, model.to_tensor_file().encode()).await?;
            }
        }
        let Settings { schedule, optimizer, .. } = &self.settings;
        self.progress.plateau.follow(schedule, optimizer.lr(), loss);
        Ok(())
    }

    pub(super) fn next_epoch(&mut self) {
        self.progress.epoch += 1;
        (self.progress.position, self.progress.loss_sum, self.progress.correct) = (0, 0.0, 0);
        self.trained = (0, 0.0);
    }

    pub(super) async fn log(&mut self, host: &Host<'_>, lines: &[u8]) -> Result<()> {
        host.store.append(LOG, lines).await?;
        self.progress.log_bytes += lines.len() as u64;
        Ok(())
    }

    /// Whether a checkpoint is to be taken once all that was submitted, up to `step`, is done.
    pub(super) fn save_due(&self, host: &Host<'_>, step: u64) -> bool {
        let by_time = (host.clock)().saturating_sub(self.saved_at) >= CHECKPOINT_EVERY;
        let every = self.settings.checkpoint_steps.unwrap_or(u64::MAX);
        by_time || (step > self.saved_step && step.is_multiple_of(every))
    }

    /// Takes a checkpoint.
    pub(super) async fn save(&mut self, host: &mut Host<'_>) -> Result<Checkpoint> {
        let checkpoint = self.checkpoint().await?;
        checkpoint.save(host.store).await?;
        (self.saved_at, self.saved_step) = ((host.clock)(), self.progress.step);
        (host.events)(&Event::Saved { name: checkpoint.name(), step: self.progress.step });
        Ok(checkpoint)
    }
}
