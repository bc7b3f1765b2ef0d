//! Steps: cut into submissions, submitted, and recorded when they are answered.

use std::collections::VecDeque;
use std::time::Duration;

use convoke_core::engine::{Pending, Run};
use convoke_core::plan::PlanKind;
use convoke_data::shuffled;

use super::{Host, Trainer, line};
use crate::augment::{Draw, Share};
use crate::error::{Result, TrainError};
use crate::event::{Event, Record};
use crate::loss::weight_scale;
use crate::pieces::{IN_FLIGHT, SUBMISSION};
use crate::replicas::with_several;
use crate::session::Figures;

/// Where a submission takes longer than this, none waits behind the one that runs: a stop would be answered too late, and what the
/// device then waits for the next one is little beside that.
const LONG: Duration = Duration::from_millis(70);

/// Where a step takes longer than this, it is submitted in pieces.
const LONGEST: Duration = Duration::from_millis(200);

/// Steps that were submitted together.
pub(super) struct Group {
    /// The runs of each step.
    pub runs: Vec<usize>,
    /// What is known of the runs already.
    pub words: Vec<Vec<u32>>,
    /// The rest, and the flag.
    pub answer: Pending<'static, Vec<Vec<u32>>>,
}

impl Trainer {
    /// Trains to the end of the epoch at hand, to the last step asked for, or until the host says stop.
    pub(super) async fn epoch(&mut self, host: &mut Host<'_>) -> Result<()> {
        if self.replicas.is_some()
            && let Some(epoch) = with_several(self.split_epoch(host))
        {
            return epoch.await;
        }
        let order = self.order();
        let (mut position, mut step) = (self.progress.position, self.progress.step);
        let mut waiting: VecDeque<Group> = VecDeque::new();
        let mut answered = (host.clock)();
        loop {
            let due = self.save_due(host, step);
            while !due && waiting.len() < self.in_flight && !(host.stop)() {
                let steps = self.next_group(step);
                let samples = &order[position..order.len().min(position + steps * self.step_samples)];
                if steps == 0 || samples.is_empty() {
                    break;
                }
                // Where the host said stop in the middle of a step, that step is as if it had never begun.
                let Some(group) = self.submit(step, samples, host).await? else { break };
                (position, step) = (position + samples.len(), step + group.runs.len() as u64);
                waiting.push_back(group);
            }
            if let Some(group) = waiting.pop_front() {
                let steps = group.runs.len();
                self.complete(group, host).await?;
                let now = (host.clock)();
                self.pace(steps, now.saturating_sub(answered));
                answered = now;
            } else if due {
                self.save(host).await?;
            } else {
                return Ok(());
            }
        }
    }

    /// Does so many steps without saving, evaluating or telling anyone, across epochs, and returns their losses: for benches,
    /// and for those who drive the loop themselves.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] or [`TrainError::Engine`].
    pub async fn steps(&mut self, count: u64, clock: &dyn Fn() -> Duration) -> Result<Vec<f64>> {
        let store = crate::MemoryStore::default();
        let mut losses = Vec::new();
        let mut events = |event: &Event| {
            if let Event::Record(Record::Step { loss, .. }) = event {
                losses.push(*loss);
            }
        };
        let mut host = Host { store: &store, clock, stop: &|| false, events: &mut events };
        let last = self.progress.step + count;
        let asked = self.until.replace(last);
        self.saved_at = Duration::MAX;
        let mut result = Ok(());
        while result.is_ok() && self.progress.step < last {
            result = self.epoch(&mut host).await;
            if self.progress.position == self.split[0].len() {
                self.next_epoch();
            }
        }
        self.until = asked;
        result.map(|()| losses)
    }

    /// The order of the samples of the epoch at hand.
    pub(super) fn order(&self) -> Vec<u32> {
        let own = &self.split[0];
        if self.settings.shuffle {
            let order = shuffled(self.settings.seed, self.progress.epoch, own.len() as u32);
            order.iter().map(|&i| own[i as usize]).collect()
        } else {
            own.clone()
        }
    }

    /// Steps that the next submission holds: up to the next checkpoint, the last step, and what the ring has room for.
    fn next_group(&self, step: u64) -> usize {
        // Steps by hand may go beyond the run's end.
        let last = self.until.or(self.settings.max_steps);
        let last = last.map_or(u64::MAX, |last| last.saturating_sub(step));
        if self.long {
            // Alone, so that it alone is given up where it is broken off.
            return last.min(1) as usize;
        }
        let save = self.settings.checkpoint_steps.map_or(u64::MAX, |every| every - step % every);
        let runs = self.step_samples.div_ceil(self.session.program().capacity);
        let room = (self.session.slots() / IN_FLIGHT / runs).max(1);
        last.min(save).min(self.group.min(room) as u64) as usize
    }

    /// Submits the steps that some samples make, or nothing that counts where the host says stop in the middle of a long one. Where a step has more
    /// runs than the ring has entries, it waits for those before.
    async fn submit(&mut self, step: u64, samples: &[u32], host: &Host<'_>) -> Result<Option<Group>> {
        let (capacity, slots) = (self.session.program().capacity, self.session.slots());
        let accumulate = !self.session.program().plan(PlanKind::Accumulate).steps.is_empty();
        let (mut counts, mut words) = (Vec::new(), Vec::new());
        let (mut runs, mut staged) = (Vec::new(), Vec::new());
        for (number, batch) in (step + 1..).zip(samples.chunks(self.step_samples)) {
            let whole = Share { batch, run: 0..batch.len(), seed: self.settings.seed, step: number };
            let (rate, weight_scale) = (self.rate(number), self.weight_scale(&whole));
            let mut last = None;
            for start in (0..batch.len()).step_by(capacity) {
                if staged.len() == slots {
                    let mut answer =
                        self.session.submit(&std::mem::take(&mut runs), &std::mem::take(&mut staged))?.await?;
                    answer.pop();
                    words.extend(answer);
                }
                let run = start..batch.len().min(start + capacity);
                let share = Share { batch, run, seed: self.settings.seed, step: number };
                let mut block = self.session.stage_share(&share)?;
                self.settings.optimizer.fill(&mut block, number, rate);
                block.weight_scale = weight_scale;
                if self.long {
                    // Its pieces come behind what waits.
                    self.session.engine_mut().submit(&std::mem::take(&mut runs))?;
                    let mut go_on = || !(host.stop)();
                    if !self.session.run_in_pieces(PlanKind::Gradients, block, host.clock, &mut go_on).await? {
                        return Ok(None);
                    }
                } else {
                    runs.push(Run::new(PlanKind::Gradients, block));
                }
                runs.extend(accumulate.then_some(Run::new(PlanKind::Accumulate, block)));
                staged.push(block.slot);
                last = Some(block);
            }
            runs.extend(last.map(|step| Run::new(PlanKind::Update, step)));
            counts.push(batch.len().div_ceil(capacity));
        }
        Ok(Some(Group { runs: counts, words, answer: self.session.submit(&runs, &staged)? }))
    }

    /// What the losses of a step are scaled by where classes don't count alike. A mixed sample counts as both of its classes do, by their
    /// shares.
    pub(super) fn weight_scale(&self, share: &Share<'_>) -> f32 {
        let Some(weights) = &self.class_weights else { return 1.0 };
        let (data, augment) = (&self.data, &self.settings.augment);
        let of = |position: usize| weights[data.train.labels[share.batch[position] as usize] as usize];
        let mixed = |position: usize| {
            let draw = Draw { seed: share.seed, step: share.step, position };
            let first = augment.mix(draw, [data.height, data.width], 0).share;
            first * of(position) + (1.0 - first) * of(share.partner(position))
        };
        let positions = 0..share.batch.len();
        if augment.mixes() { weight_scale(positions.map(mixed)) } else { weight_scale(positions.map(of)) }
    }

    /// Waits for a submission and records its steps.
    pub(super) async fn complete(&mut self, group: Group, host: &mut Host<'_>) -> Result<()> {
        let mut words = group.words;
        words.extend(group.answer.await?);
        let flag = words.pop().map_or(0, |flag| flag[0]);
        let mut runs = words.iter().map(|words| Figures::of(words));
        let mut lines = Vec::new();
        let mut broken = None;
        for count in group.runs {
            let mut figures = Figures::default();
            runs.by_ref().take(count).for_each(|run| figures.add(run));
            let step = self.progress.step + 1;
            let lr = self.rate(step);
            if figures.broken || (flag != 0 && flag == step as u32) {
                broken = Some(TrainError::NotFinite { step, lr });
                break;
            }
            self.progress.add(figures);
            let record = Record::Step { step, loss: figures.loss(), accuracy: figures.accuracy(), lr };
            lines.extend(line(&record));
            (host.events)(&Event::Record(record));
        }
        self.log(host, &lines).await?;
        match broken {
            None => Ok(()),
            Some(error) => {
                self.session.clear_flag()?;
                Err(error)
            }
        }
    }

    /// Sizes the next submission by the time that the last one took, changing it by a factor of two at most.
    fn pace(&mut self, steps: usize, took: Duration) {
        let wanted = steps as f64 * SUBMISSION.as_secs_f64() / took.as_secs_f64().max(1e-6);
        self.group = (wanted as usize).clamp((steps / 2).max(1), steps * 2);
        self.in_flight = if took > LONG { 1 } else { IN_FLIGHT };
        self.long = took > LONGEST * steps as u32;
    }
}
