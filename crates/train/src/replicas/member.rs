//! What a session does as one of several: gradients of a part of a batch, and parameters that come from elsewhere.

use std::ops::Range;

use convoke_core::engine::{EngineError, Pending, Run};
use convoke_core::plan::{Bucket, Exchange, PlanKind, Slice};
use convoke_core::step::Step;

use super::{Answer, Asked};
use crate::augment::Share;
use crate::error::{Result, TrainError};
use crate::session::{Figures, Session};

impl Session {
    /// Starts the gradients of some samples of a step's batch, none of which is computed when they are none, and asks for the gradients and the figures. `fill`
    /// says what the step's runs are told besides.
    pub(super) fn begin_gradients(
        &mut self,
        whole: &Share<'_>,
        samples: Range<usize>,
        fill: &dyn Fn(&mut Step),
        buckets: &[Bucket],
    ) -> Result<Asked> {
        let capacity = self.program().capacity;
        let accumulate = !self.program().plan(PlanKind::Accumulate).steps.is_empty();
        let (mut asked, mut runs, mut staged) = (Asked::new(), Vec::new(), Vec::new());
        for start in samples.clone().step_by(capacity) {
            if staged.len() == self.slots() {
                self.ask(&mut asked, &std::mem::take(&mut runs), &std::mem::take(&mut staged))?;
            }
            let run = start..samples.end.min(start + capacity);
            let mut block = self.stage_share(&Share { run, ..whole.clone() })?;
            fill(&mut block);
            staged.push(block.slot);
            if accumulate {
                runs.push(Run::new(PlanKind::Gradients, block));
                // The sum begins with the share, wherever that lies in the batch.
                let first_sample = (start - samples.start) as u32;
                runs.push(Run::new(PlanKind::Accumulate, Step { first_sample, ..block }));
            } else {
                self.in_buckets(&mut asked, block, buckets)?;
            }
        }
        if samples.is_empty() {
            return Ok(asked);
        }
        self.ask(&mut asked, &runs, &staged)?;
        if accumulate {
            for (number, bucket) in buckets.iter().enumerate() {
                let slices = self.slices(bucket, |chunk| chunk.summed);
                asked.push_back((Answer::Bucket(number), self.engine_mut().read(&slices)));
            }
        }
        Ok(asked)
    }

    /// What this session has to agree on with others in the middle of a step's gradients.
    pub(super) fn exchanges(&self) -> &[Exchange] {
        &self.program().plan(PlanKind::Gradients).exchanges
    }

    /// Stages some samples of a step's batch for a plan that stops for exchanges; `None` where they are none.
    pub(super) fn begin_synchronized(
        &mut self,
        whole: &Share<'_>,
        samples: Range<usize>,
        fill: &dyn Fn(&mut Step),
    ) -> Result<Option<Step>> {
        if samples.is_empty() {
            return Ok(None);
        }
        let capacity = self.program().capacity;
        if samples.len() > capacity {
            let problem = format!(
                "batch norms can't be synchronized where {} computes a share of {} samples {capacity} at a time; choose a smaller batch",
                self.engine().info().name,
                samples.len()
            );
            return Err(TrainError::Setting(problem));
        }
        let mut block = self.stage_share(&Share { run: samples, ..whole.clone() })?;
        fill(&mut block);
        Ok(Some(block))
    }

    /// Runs the gradients' plan from one exchange to the next, and asks for what is to be exchanged there.
    pub(super) fn run_to_exchange(
        &mut self,
        block: Step,
        number: usize,
    ) -> std::result::Result<Pending<'static, Vec<Vec<u32>>>, EngineError> {
        let before = number.checked_sub(1).map_or(0, |before| self.exchanges()[before].after);
        let Exchange { after, slice } = self.exchanges()[number];
        self.engine_mut().submit(&[Run::part(PlanKind::Gradients, block, before..after)])?;
        Ok(self.engine_mut().read(&[slice]))
    }

    /// Runs the rest of the gradients' plan and asks for gradients and figures.
    pub(super) fn run_rest(&mut self, block: Step, buckets: &[Bucket]) -> std::result::Result<Asked, EngineError> {
        let done = self.exchanges().last().map_or(0, |exchange| exchange.after);
        let mut asked = Asked::new();
        self.engine_mut().submit(&[Run::part(PlanKind::Gradients, block, done..usize::MAX)])?;
        for (number, bucket) in buckets.iter().enumerate() {
            let slices = self.slices(bucket, |chunk| chunk.gradients);
            asked.push_back((Answer::Bucket(number), self.engine_mut().read(&slices)));
        }
        let answer = self.submit(&[], &[block.slot])?;
        asked.push_back((Answer::Figures, answer));
        Ok(asked)
    }

    /// Submits runs and asks for their figures.
    fn ask(&mut self, asked: &mut Asked, runs: &[Run], staged: &[u32]) -> Result<()> {
        let answer = self.submit(runs, staged)?;
        asked.push_back((Answer::Figures, answer));
        Ok(())
    }

    /// Submits a run of the gradients in parts, and asks for each bucket as soon as it is there.
    fn in_buckets(&mut self, asked: &mut Asked, block: Step, buckets: &[Bucket]) -> Result<()> {
        let mut done = 0;
        for (number, bucket) in buckets.iter().enumerate() {
            let slices = self.slices(bucket, |chunk| chunk.gradients);
            let engine = self.engine_mut();
            engine.submit(&[Run::part(PlanKind::Gradients, block, done..bucket.ready)])?;
            asked.push_back((Answer::Bucket(number), engine.read(&slices)));
            done = bucket.ready;
        }
        Ok(self.engine_mut().submit(&[Run::part(PlanKind::Gradients, block, done..usize::MAX)])?)
    }

    /// The slices of a bucket's pieces of one of the tensors.
    fn slices(&self, bucket: &Bucket, of: fn(&convoke_core::plan::Chunk) -> Slice) -> Vec<Slice> {
        bucket.pieces.iter().map(|piece| piece.of(of(&self.program().chunks[piece.chunk]))).collect()
    }

    /// Writes parameters: of each bucket its pieces.
    pub(super) fn write_parameters(
        &mut self,
        buckets: &[Bucket],
        parameters: &[Vec<Vec<u32>>],
    ) -> std::result::Result<(), EngineError> {
        for (bucket, pieces) in buckets.iter().zip(parameters) {
            for (slice, words) in self.slices(bucket, |chunk| chunk.parameters).into_iter().zip(pieces) {
                self.engine_mut().write(slice, words)?;
            }
        }
        Ok(())
    }

    /// Reads the parameters that follow gradients: all buckets' pieces.
    pub(super) fn read_parameters(&mut self, buckets: &[Bucket]) -> Pending<'static, Vec<Vec<u32>>> {
        let slices: Vec<Slice> =
            buckets.iter().flat_map(|bucket| self.slices(bucket, |chunk| chunk.parameters)).collect();
        self.engine_mut().read(&slices)
    }

    /// Updates the parameters by gradients that were summed elsewhere, and returns the flag and the parameters, of each bucket its pieces.
    pub(crate) async fn update_by(
        &mut self,
        buckets: &[Bucket],
        sums: &[Vec<f32>],
        figures: Figures,
        block: Step,
    ) -> Result<(u32, Vec<Vec<Vec<u32>>>)> {
        for (bucket, sums) in buckets.iter().zip(sums) {
            let mut rest: &[u32] = bytemuck::cast_slice(sums);
            for slice in self.slices(bucket, |chunk| chunk.summed) {
                let (words, after) = rest.split_at(slice.bytes / 4);
                self.engine_mut().write(slice, words)?;
                rest = after;
            }
        }
        let block = Step { slot: 0, ..block };
        let metrics = self.program().metrics_slot(0);
        self.engine_mut().write(metrics, &figures.words())?;
        self.engine_mut().submit(&[Run::new(PlanKind::Update, block)])?;
        let mut slices = vec![self.program().flag];
        slices.extend(buckets.iter().flat_map(|bucket| self.slices(bucket, |chunk| chunk.parameters)));
        let mut words = self.engine_mut().read(&slices).await?.into_iter();
        let flag = words.next().map_or(0, |flag| flag[0]);
        let pieces = |bucket: &Bucket| words.by_ref().take(bucket.pieces.len()).collect();
        Ok((flag, buckets.iter().map(pieces).collect()))
    }
}
