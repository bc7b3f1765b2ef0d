//! A network on an engine: what training, evaluation and prediction share.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use convoke_core::engine::{Engine, EngineError, Limits, Pending, Run};
use convoke_core::kernels::{AugmentedGather, Gather};
use convoke_core::loss::{Loss, LossKind};
use convoke_core::model::Network;
use convoke_core::plan::{Chunk, CompileOptions, Place, PlanKind, Program, Slice, Training, compile};
use convoke_core::step::Step;
use convoke_data::{Dataset, Samples, Statistics};
use convoke_formats::NamedTensor;

use crate::augment::{Augment, Share};
use crate::error::{Result, TrainError};
use crate::evaluation::Evaluation;
use crate::feed::{Batch, Feed, upload, upload_batch};
use crate::pieces::Pieces;

/// How pictures become the network's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Channels of the pictures' bytes: 1, or as many as the network takes.
    pub channels: usize,
    /// Mean and standard deviation, for each of the network's channels.
    pub statistics: Statistics,
    /// How pictures are changed at random where gradients are computed.
    pub augment: Augment,
}

/// One run's figures, as the kernel [`Metrics`](convoke_core::kernels::Metrics) leaves them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub loss_sum: f64,
    pub correct: u64,
    pub samples: u64,
    pub broken: bool,
}

impl Figures {
    pub(crate) fn of(words: &[u32]) -> Self {
        let loss_sum = f64::from(f32::from_bits(words[0]));
        Self { loss_sum, correct: words[1].into(), samples: words[2].into(), broken: words[3] != 0 }
    }

    /// As the kernel leaves them.
    pub(crate) fn words(self) -> [u32; 4] {
        let loss_sum = (self.loss_sum as f32).to_bits();
        [loss_sum, self.correct as u32, self.samples as u32, self.broken.into()]
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.loss_sum += other.loss_sum;
        self.correct += other.correct;
        self.samples += other.samples;
        self.broken |= other.broken;
    }

    pub(crate) fn loss(&self) -> f64 {
        self.loss_sum / self.samples as f64
    }

    pub(crate) fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples as f64
    }
}

/// All that training has changed.
pub(crate) struct Snapshot {
    /// What the network evaluates and predicts with.
    pub evaluated: Vec<NamedTensor>,
    /// What training changes, where the former is its average.
    pub trained: Option<Vec<NamedTensor>>,
    /// The optimizer's state tensors, of what is learned.
    pub states: Vec<Vec<NamedTensor>>,
}

/// Which of a dataset's halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Train,
    Test,
}

/// How evaluation is cut into submissions: the slower the device, the finer, so that it can be broken off soon.
#[derive(Clone, Copy)]
pub(crate) enum Grain<'a> {
    /// Some batches at a time.
    Groups,
    /// A batch at a time.
    Batches,
    /// Each batch in pieces, timed by a clock.
    Pieces(&'a dyn Fn() -> Duration),
}

/// A network on an engine, with a dataset's pictures within reach.
pub struct Session {
    engine: Box<dyn Engine>,
    program: Rc<Program>,
    data: Rc<Dataset>,
    feed: Feed,
    loss: LossKind,
    augment: Augment,
    next_slot: usize,
    pub(crate) pieces: Pieces,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("device", self.engine.info()).field("feed", &self.feed).finish_non_exhaustive()
    }
}

impl Session {
    /// Plans the network for batches of up to `batch_size`, or as many of them as the device can hold at once, and loads it, with the
    /// pictures where they fit. `loss` is what is minimised, and whose plain kind evaluation reports; `training` says how parameters follow
    /// from gradients, and is `None` where nothing is trained. `progress` is told how many of how many kernels are prepared.
    ///
    /// # Errors
    /// [`TrainError::Data`] where the pictures are not of the network's shape; [`TrainError::Model`] where the device can't hold the plan;
    /// [`TrainError::Engine`].
    #[expect(clippy::too_many_arguments, reason = "each is a different thing, and none has a default")]
    pub async fn new(
        engine: Box<dyn Engine>,
        network: &Network,
        data: Rc<Dataset>,
        input: &Input,
        loss: &Loss,
        training: Option<Training>,
        batch_size: usize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let limits = engine.limits();
        Self::within(engine, network, data, input, loss, (training, batch_size, limits), progress).await
    }

    /// As [`Session::new`], within limits that may be narrower than the engine's: parameters lie alike on engines of the same limits.
    pub(crate) async fn within(
        mut engine: Box<dyn Engine>,
        network: &Network,
        data: Rc<Dataset>,
        input: &Input,
        loss: &Loss,
        (training, batch_size, limits): (Option<Training>, usize, Limits),
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        check_data(network, &data)?;
        let [channels, height, width] = network.spec.input;
        input.augment.check_size([height, width])?;
        let given = input.statistics.mean().len();
        if given != channels {
            let problem = format!("the normalisation is for {given} channels, and the model takes {channels}");
            return Err(TrainError::Data(problem));
        }
        let gather = Gather {
            source_channels: input.channels,
            channels,
            plane: height * width,
            mean: input.statistics.mean().to_vec(),
            inverse_std: input.statistics.inverse_std(),
        };
        let all = data.train.len() + data.test.len();
        let room = limits.max_binding_bytes.min(limits.max_buffer_bytes);
        let augment = input.augment.kernel(&gather, [height, width]);
        let partner = usize::from(input.augment.mixes());
        let block = augment.as_ref().map_or(0, AugmentedGather::block_words);
        let (loss_kind, loss) = (loss.kind, *loss);
        let mut options =
            CompileOptions { capacity: batch_size, slots: 1, pictures: 1, gather, augment, loss, training, limits };
        let mut too_large = None;
        let (program, feed) = loop {
            let batch = Batch { capacity: options.capacity, partner, block };
            let (feed, slots, pictures) = Feed::choose(all, options.gather.sample_words(), batch, room);
            (options.slots, options.pictures) = (slots, pictures);
            match prepare(&mut *engine, network, &options, progress).await {
                Ok(program) => break (program, feed),
                Err(error) if options.capacity > 1 && does_not_fit(&error) => {
                    // Half of it may fit: the runs of a step are added up then.
                    options.capacity = options.capacity.div_ceil(2);
                    options.training.iter_mut().for_each(|training| training.accumulate = true);
                    too_large.get_or_insert(error);
                }
                Err(error) => return Err(too_large.unwrap_or(error)),
            }
        };
        if feed == Feed::Resident {
            upload(&mut *engine, &program, &data.train, 0)?;
            upload(&mut *engine, &program, &data.test, data.train.len())?;
        }
        let augment = input.augment.clone();
        Ok(Self { engine, program, data, feed, loss: loss_kind, augment, next_slot: 0, pieces: Pieces::default() })
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// The engine, to measure it: what is written to its buffers is the session's business.
    pub fn engine_mut(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The program, for who keeps it.
    pub(crate) fn program_rc(&self) -> Rc<Program> {
        self.program.clone()
    }

    /// The dataset.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// Sets the network's weights, given in the model's order with its shapes; where an average of them is kept, it begins there.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<()> {
        let slices: Vec<Slice> = self.program.chunks.iter().map(|c| c.parameters).collect();
        self.write_tensors(&slices, |_| true, weights)?;
        self.set_average(weights)
    }

    /// Sets the average of the weights, where one is kept.
    pub(crate) fn set_average(&mut self, weights: &[NamedTensor]) -> Result<()> {
        match self.program.chunks.iter().map(|c| c.average).collect::<Option<Vec<Slice>>>() {
            Some(slices) => self.write_tensors(&slices, |_| true, weights),
            None => Ok(()),
        }
    }

    /// Sets state tensor `state` of the optimizer, laid out as the weights.
    pub(crate) fn set_state(&mut self, state: usize, tensors: &[NamedTensor]) -> Result<()> {
        let slices: Vec<Slice> = self.program.chunks.iter().map(|c| c.states[state]).collect();
        self.write_tensors(&slices, |place| place.learned, tensors)
    }

    /// The network's weights: what it evaluates and predicts with, which is their average where one is kept.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn weights(&mut self) -> Result<Vec<NamedTensor>> {
        let slices: Vec<Slice> = self.program.chunks.iter().map(|c| c.evaluated()).collect();
        self.read_tensors(&slices, |_| true).await
    }

    /// What training changes, where [`weights`](Self::weights) are its average.
    pub(crate) async fn averaged_weights(&mut self) -> Result<Option<Vec<NamedTensor>>> {
        if self.program.chunks.iter().all(|c| c.average.is_none()) {
            return Ok(None);
        }
        let slices: Vec<Slice> = self.program.chunks.iter().map(|c| c.parameters).collect();
        Ok(Some(self.read_tensors(&slices, |_| true).await?))
    }

    /// All that training has changed, asked for at once: each answer of a device takes its time.
    pub(crate) async fn snapshot(&mut self) -> Result<Snapshot> {
        let program = self.program.clone();
        let of = |slice: &dyn Fn(&Chunk) -> Slice| program.chunks.iter().map(slice).collect::<Vec<Slice>>();
        let evaluated = self.read_tensors(&of(&Chunk::evaluated), |_| true);
        let averaged = program.chunks[0].average.is_some();
        let trained = averaged.then(|| self.read_tensors(&of(&|chunk| chunk.parameters), |_| true));
        let states = 0..program.chunks[0].states.len();
        let states = states.map(|state| self.read_tensors(&of(&|chunk| chunk.states[state]), |place| place.learned));
        let states: Vec<_> = states.collect();
        let evaluated = evaluated.await?;
        let trained = match trained {
            Some(trained) => Some(trained.await?),
            None => None,
        };
        let mut snapshot = Snapshot { evaluated, trained, states: Vec::new() };
        for state in states {
            snapshot.states.push(state.await?);
        }
        Ok(snapshot)
    }

    /// Writes tensors to the parameters' places that are chosen.
    fn write_tensors(&mut self, chunks: &[Slice], chosen: fn(&Place) -> bool, tensors: &[NamedTensor]) -> Result<()> {
        let program = self.program.clone();
        for (place, tensor) in program.parameters.iter().filter(|place| chosen(place)).zip(tensors) {
            let chunk = chunks[place.chunk];
            let bytes = tensor.data.len() * 4;
            let slice = Slice { offset: chunk.offset + place.offset * 4, bytes, ..chunk };
            self.engine.write(slice, bytemuck::cast_slice(&tensor.data))?;
        }
        Ok(())
    }

    /// Asks for the parameters' places that are chosen, as they are now; they may be awaited later.
    fn read_tensors(
        &mut self,
        chunks: &[Slice],
        chosen: fn(&Place) -> bool,
    ) -> impl Future<Output = Result<Vec<NamedTensor>>> + use<> {
        let (words, program) = (self.engine.read(chunks), self.program.clone());
        async move {
            let words = words.await?;
            let tensor = |place: &Place| {
                let length = place.dims.iter().product();
                let data = &words[place.chunk][place.offset..][..length];
                NamedTensor {
                    name: place.name.clone(),
                    dims: place.dims.clone(),
                    data: bytemuck::cast_slice(data).to_vec(),
                }
            };
            Ok(program.parameters.iter().filter(|place| chosen(place)).map(tensor).collect())
        }
    }

    /// The most runs that one submission may hold.
    pub(crate) fn slots(&self) -> usize {
        self.program.slots
    }

    /// Sends a batch to the next entry of the ring, as it is, and returns the step block that names it.
    pub(crate) fn stage(&mut self, part: Part, batch: &[u32]) -> Result<Step> {
        let data = self.data.clone();
        match (self.feed, part) {
            (Feed::Resident, Part::Train) => self.stage_resident(batch),
            (Feed::Resident, Part::Test) => {
                let behind: Vec<u32> = batch.iter().map(|i| i + data.train.len() as u32).collect();
                self.stage_resident(&behind)
            }
            (Feed::Streamed, Part::Train) => self.stage_streamed(&data.train, batch),
            (Feed::Streamed, Part::Test) => self.stage_streamed(&data.test, batch),
        }
    }

    /// Sends a share of a step's batch of training pictures to the next entry of the ring, with what is changed of them at random, and returns
    /// the step block that names it: its number, its seed, and its place in the global batch, over which the loss is a mean.
    pub(crate) fn stage_share(&mut self, share: &Share<'_>) -> Result<Step> {
        let data = self.data.clone();
        let first = self.first_place();
        let mut step = self.stage(Part::Train, &share.batch[share.run.clone()])?;
        if let Some(slice) = self.program.augmentation_slot(step.slot as usize) {
            let (feed, run) = (self.feed, share.run.clone());
            let picture = |position: usize| match feed {
                Feed::Resident => share.batch[position],
                Feed::Streamed if run.contains(&position) => (first + position - run.start) as u32,
                // The one before the share, which lies behind it.
                Feed::Streamed => (first + run.len()) as u32,
            };
            let shape = [data.channels, data.height, data.width];
            let blocks = self.augment.blocks(&data.train, shape, share, &picture);
            self.engine.write(slice, &blocks)?;
            let before = share.partner(run.start);
            if feed == Feed::Streamed && self.augment.mixes() && !run.contains(&before) {
                let outside = &share.batch[before..=before];
                upload_batch(&mut *self.engine, &self.program, &data.train, outside, first + run.len())?;
            }
        }
        step.number = share.step as u32;
        [step.seed_low, step.seed_high] = [share.seed as u32, (share.seed >> 32) as u32];
        step.first_sample = share.run.start as u32;
        step.inverse_samples = (1.0 / share.batch.len() as f64) as f32;
        Ok(step)
    }

    /// Where the pictures of the ring's next entry begin, where they are streamed.
    fn first_place(&self) -> usize {
        self.next_slot * (self.program.pictures / self.program.slots)
    }

    /// Sends some of the samples along.
    pub(crate) fn stage_streamed(&mut self, samples: &Samples, batch: &[u32]) -> Result<Step> {
        let first = self.first_place();
        upload_batch(&mut *self.engine, &self.program, samples, batch, first)?;
        let indices: Vec<u32> = (0..batch.len()).map(|n| (first + n) as u32).collect();
        self.stage_resident(&indices)
    }

    /// Names pictures that lie on the device.
    fn stage_resident(&mut self, indices: &[u32]) -> Result<Step> {
        let slot = self.next_slot;
        self.next_slot = (slot + 1) % self.program.slots;
        self.engine.write(self.program.indices_slot(slot), indices)?;
        Ok(Step {
            samples: indices.len() as u32,
            slot: slot as u32,
            first_index: (slot * self.program.capacity) as u32,
            inverse_samples: (1.0 / indices.len() as f64) as f32,
            ..Step::default()
        })
    }

    /// Starts runs as one submission and asks for the figures of the given entries, and for the flag.
    pub(crate) fn submit(
        &mut self,
        runs: &[Run],
        slots: &[u32],
    ) -> std::result::Result<Pending<'static, Vec<Vec<u32>>>, EngineError> {
        self.engine.submit(runs)?;
        let mut slices: Vec<Slice> = slots.iter().map(|&slot| self.program.metrics_slot(slot as usize)).collect();
        slices.push(self.program.flag);
        Ok(self.engine.read(&slices))
    }

    /// Sets how much each class counts, where the loss is weighted.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    ///
    /// # Panics
    /// Where there are more weights than classes.
    pub fn set_class_weights(&mut self, weights: &[f32]) -> Result<()> {
        match self.program.class_weights {
            Some(slice) => Ok(self.engine.write(slice, bytemuck::cast_slice(weights))?),
            None => Ok(()),
        }
    }

    /// Lets updates through again after a broken step.
    pub(crate) fn clear_flag(&mut self) -> std::result::Result<(), EngineError> {
        self.engine.write(self.program.flag, &[0])
    }

    /// Evaluates the network on the test pictures. `progress` is told how many of how many are done.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn evaluate(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<Evaluation> {
        let mut told = |done, total| {
            progress(done, total);
            true
        };
        let order = all(&self.data.test);
        let figures = self.figures(Part::Test, &order, &mut told, Grain::Groups).await?;
        let tallies = self.tallies().await?;
        Ok(Evaluation::of(self.program.classes, figures, &tallies))
    }

    /// What was counted of the pictures that were evaluated last.
    pub(crate) async fn tallies(&mut self) -> Result<Vec<u32>> {
        Ok(self.engine.read(&[self.program.tallies]).await?.swap_remove(0))
    }

    /// The figures of some pictures, or of fewer of them where `progress` breaks off by `false`. It is told how many of how many are
    /// done.
    pub(crate) async fn figures(
        &mut self,
        part: Part,
        order: &[u32],
        progress: &mut dyn FnMut(usize, usize) -> bool,
        grain: Grain<'_>,
    ) -> Result<Figures> {
        let total = order.len();
        let (mut sum, mut waiting) = (Figures::default(), VecDeque::new());
        self.engine.write(self.program.tallies, &vec![0; self.program.tallies.bytes / 4])?;
        let batches: Vec<&[u32]> = order.chunks(self.program.capacity).collect();
        let group = match grain {
            Grain::Groups => 4,
            Grain::Batches => 1,
            Grain::Pieces(clock) => return self.figures_in_pieces(part, &batches, progress, clock).await,
        };
        // Fast devices have the next group waiting.
        for group in batches.chunks(self.program.slots.min(group)) {
            let mut runs = Vec::new();
            for batch in group {
                runs.push(Run::new(PlanKind::Evaluate, self.stage(part, batch)?));
            }
            let slots: Vec<u32> = runs.iter().map(|run| run.step.slot).collect();
            waiting.push_back(self.submit(&runs, &slots)?);
            if waiting.len() > 1 {
                collect(&mut sum, waiting.pop_front()).await?;
                if !progress(sum.samples as usize, total) {
                    return Ok(sum);
                }
            }
        }
        while !waiting.is_empty() {
            collect(&mut sum, waiting.pop_front()).await?;
            progress(sum.samples as usize, total);
        }
        Ok(sum)
    }

    /// The probability of each class for each of the test pictures, in their order. `progress` is told how many of how many are done.
    ///
    /// # Errors
    /// [`TrainError::Engine`].
    pub async fn predict(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<Vec<Vec<f64>>> {
        let order: Vec<u32> = (0..self.data.test.len() as u32).collect();
        let mut probabilities = Vec::with_capacity(order.len());
        for batch in order.chunks(self.program.capacity) {
            let step = self.stage(Part::Test, batch)?;
            probabilities.extend(self.classify(step).await?);
            progress(probabilities.len(), order.len());
        }
        Ok(probabilities)
    }

    /// The probability of each class for each sample of a staged batch.
    pub(crate) async fn classify(&mut self, step: Step) -> Result<Vec<Vec<f64>>> {
        self.engine.submit(&[Run::new(PlanKind::Predict, step)])?;
        let words = self.engine.read(&[self.program.logits]).await?;
        let rows = words[0].chunks(self.program.classes).take(step.samples as usize);
        Ok(rows.map(|row| self.loss.probabilities(bytemuck::cast_slice(row))).collect())
    }
}

/// The numbers of all pictures of one half.
pub(crate) fn all(samples: &Samples) -> Vec<u32> {
    (0..samples.len() as u32).collect()
}

/// Plans a network and loads it.
async fn prepare(
    engine: &mut dyn Engine,
    network: &Network,
    options: &CompileOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Rc<Program>> {
    let program = Rc::new(compile(network, options)?);
    engine.load(program.clone(), progress).await?;
    Ok(program)
}

/// Whether less of it might fit.
fn does_not_fit(error: &TrainError) -> bool {
    use convoke_core::error::Error::TooLarge;
    matches!(error, TrainError::Model(TooLarge { .. }) | TrainError::Engine(EngineError::OutOfMemory { .. }))
}

/// Adds a group's figures to the sum.
pub(crate) async fn collect(sum: &mut Figures, group: Option<Pending<'static, Vec<Vec<u32>>>>) -> Result<()> {
    if let Some(group) = group {
        let words = group.await?;
        words[..words.len() - 1].iter().for_each(|words| sum.add(Figures::of(words)));
    }
    Ok(())
}

fn check_data(network: &Network, data: &Dataset) -> Result<()> {
    let wanted = network.spec.input;
    if !data.fits(wanted) {
        let found = [data.channels, data.height, data.width];
        let problem =
            format!("the model takes pictures of {wanted:?} (channels, height, width), and the data has {found:?}");
        return Err(TrainError::Data(problem));
    }
    if data.classes.len() != network.classes() {
        let (names, classes) = (data.classes.len(), network.classes());
        let problem = format!(
            "the model has {classes} classes and the data {names}; end the model with out_features = \"classes\""
        );
        return Err(TrainError::Data(problem));
    }
    Ok(())
}
