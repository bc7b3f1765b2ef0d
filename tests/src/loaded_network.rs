//! Running a network's whole program on an engine, as training does, step by step.

use std::collections::HashMap;
use std::rc::Rc;

use convoke_core::engine::{Engine, Limits, Run};
use convoke_core::kernels::Gather;
use convoke_core::loss::Loss;
use convoke_core::model::Network;
use convoke_core::optim::Optimizer;
use convoke_core::plan::{Chunk, CompileOptions, Place, PlanKind, Program, Slice, Training, compile};
use convoke_core::reference::Batch;
use convoke_core::step::Step;
use convoke_core::tensor::Tensor;

/// Labelled pictures, as bytes, without gaps.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// Channels of each.
    pub channels: usize,
    /// Height · width.
    pub plane: usize,
    /// All bytes.
    pub pixels: Vec<u8>,
    /// A class for each.
    pub labels: Vec<u32>,
}

impl Pictures {
    /// What the model sees of some of them, as the gather kernel is defined: the byte / 255, minus the mean, over the standard
    /// deviation, rounded to single precision; a grey plane is repeated.
    pub fn batch(&self, indices: &[u32], gather: &Gather, dims: &[usize]) -> Tensor {
        let sample = |&index: &u32| {
            (0..gather.channels).flat_map(move |channel| {
                let source = if self.channels == 1 { 0 } else { channel };
                let begin = (index as usize * self.channels + source) * self.plane;
                let (mean, inverse) = (f64::from(gather.mean[channel]), f64::from(gather.inverse_std[channel]));
                let number = move |&byte: &u8| f64::from(((f64::from(byte) / 255.0 - mean) * inverse) as f32);
                self.pixels[begin..][..self.plane].iter().map(number)
            })
        };
        Tensor::new([&[indices.len()], dims].concat(), indices.iter().flat_map(sample).collect())
    }

    /// The embedded training set.
    ///
    /// # Panics
    /// Where it can't be decoded.
    pub fn embedded() -> Self {
        let data = convoke_data::embedded(&convoke_data::Options::default()).expect("it is tested where it is made");
        let plane = data.height * data.width;
        Self { channels: data.channels, plane, pixels: data.train.pixels.into(), labels: data.train.labels }
    }

    /// The samples of a step, counted from 0, of training in the set's order in batches of `size`: the last of an epoch is
    /// short, then the set begins again.
    pub fn in_order(&self, step: usize, size: usize) -> Vec<u32> {
        let begin = step % self.labels.len().div_ceil(size) * size;
        (begin..(begin + size).min(self.labels.len())).map(|index| index as u32).collect()
    }

    /// The labels of some of them.
    pub fn labels(&self, indices: &[u32]) -> Vec<u32> {
        indices.iter().map(|&index| self.labels[index as usize]).collect()
    }

    /// The gather kernel that makes batches for a model of so many channels, which normalises nothing.
    pub fn plain_gather(&self, channels: usize) -> Gather {
        let (mean, inverse_std) = (vec![0.0; channels], vec![1.0; channels]);
        Gather { source_channels: self.channels, channels, plane: self.plane, mean, inverse_std }
    }

    /// The bytes as words, each picture padded to whole ones.
    fn words(&self) -> Vec<u32> {
        let word = |bytes: &[u8]| {
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            u32::from_le_bytes(word)
        };
        self.pixels.chunks(self.channels * self.plane).flat_map(|picture| picture.chunks(4).map(word)).collect()
    }
}

/// How a network is trained.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// What is minimised.
    pub loss: Loss,
    /// How it is applied, where that is not all that there is to it.
    pub training: Option<Training>,
    /// The most samples of a run.
    pub capacity: usize,
    /// Entries of the rings.
    pub slots: usize,
    /// What plans keep within.
    pub limits: Limits,
}

impl Setup {
    /// A setup with eight slots, for any adapter.
    pub fn new(optimizer: Optimizer, capacity: usize) -> Self {
        Self { optimizer, training: None, loss: Loss::default(), capacity, slots: 8, limits: Limits::WEBGPU }
    }
}

/// What a run's entry in the metrics ring says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// The sum of the losses.
    pub loss_sum: f64,
    /// Samples whose largest logit is their label's.
    pub correct: u32,
    /// Samples.
    pub samples: u32,
    /// Whether a loss was not a number or infinite.
    pub broken: bool,
}

/// A network's program, loaded into an engine, with its pictures on the device.
pub struct LoadedNetwork<'e> {
    engine: &'e mut dyn Engine,
    /// The program.
    pub program: Rc<Program>,
    setup: Setup,
    /// Steps that were trained.
    steps: u64,
}

impl<'e> LoadedNetwork<'e> {
    /// Compiles, loads, and writes the pictures.
    ///
    /// # Errors
    /// What the planner or the engine refuses.
    pub async fn new(
        engine: &'e mut dyn Engine,
        network: &Network,
        setup: Setup,
        gather: Gather,
        pictures: &Pictures,
    ) -> Result<Self, String> {
        let options = CompileOptions {
            capacity: setup.capacity,
            slots: setup.slots,
            pictures: pictures.labels.len(),
            loss: setup.loss,
            gather,
            augment: None,
            training: Some(setup.training.clone().unwrap_or_else(|| setup.optimizer.rule().into())),
            limits: setup.limits,
        };
        let program = Rc::new(compile(network, &options).map_err(|e| e.to_string())?);
        engine.load(program.clone(), &mut |_, _| {}).await.map_err(|e| e.to_string())?;
        let mut loaded = Self { engine, program, setup, steps: 0 };
        loaded.write(loaded.program.pixels, &pictures.words())?;
        loaded.write(loaded.program.labels, &pictures.labels)?;
        Ok(loaded)
    }

    /// Writes parameters by name.
    ///
    /// # Panics
    /// Where one has no value, or one of another length.
    pub fn set_parameters(&mut self, values: &HashMap<String, Tensor>) -> Result<(), String> {
        for (slice, place) in self.slices(|chunk| chunk.parameters) {
            self.set(slice, &place, &values[&place.name])?;
        }
        Ok(())
    }

    /// Begins training anew: with the given parameters and without a state, the gate open.
    ///
    /// # Panics
    /// As [`LoadedNetwork::set_parameters`].
    pub fn begin(&mut self, parameters: &HashMap<String, Tensor>) -> Result<(), String> {
        let program = self.program.clone();
        for state in program.chunks.iter().flat_map(|chunk| &chunk.states) {
            self.write(*state, &vec![0; state.bytes / 4])?;
        }
        self.steps = 0;
        self.clear_flag()?;
        self.set_parameters(parameters)
    }

    /// Writes gradients by name.
    ///
    /// # Panics
    /// As [`LoadedNetwork::set_parameters`].
    pub fn set_gradients(&mut self, values: &HashMap<String, Tensor>) -> Result<(), String> {
        for (slice, place) in self.slices(|chunk| chunk.gradients) {
            self.set(slice, &place, &values[&place.name])?;
        }
        Ok(())
    }

    fn set(&mut self, slice: Slice, place: &Place, value: &Tensor) -> Result<(), String> {
        assert_eq!(value.dims, place.dims, "{} has another shape", place.name);
        let words: Vec<u32> = value.data.iter().map(|&x| (x as f32).to_bits()).collect();
        self.write(slice, &words)
    }

    /// The parameters by name.
    pub async fn parameters(&mut self) -> Result<HashMap<String, Tensor>, String> {
        self.named(|chunk| chunk.parameters).await
    }

    /// The gradients by name.
    pub async fn gradients(&mut self) -> Result<HashMap<String, Tensor>, String> {
        self.named(|chunk| chunk.gradients).await
    }

    async fn named(&mut self, of: impl Fn(&Chunk) -> Slice) -> Result<HashMap<String, Tensor>, String> {
        let (slices, places): (Vec<Slice>, Vec<Place>) = self.slices(of).into_iter().unzip();
        let tensor = |(place, words): (Place, Vec<u32>)| {
            let data = words.iter().map(|&word| f64::from(f32::from_bits(word))).collect();
            (place.name, Tensor::new(place.dims, data))
        };
        Ok(places.into_iter().zip(self.read(&slices).await?).map(tensor).collect())
    }

    /// Each parameter's slice of one of the chunks' buffers.
    fn slices(&self, of: impl Fn(&Chunk) -> Slice) -> Vec<(Slice, Place)> {
        let slice = |place: &Place| {
            let whole = of(&self.program.chunks[place.chunk]);
            let bytes = 4 * place.dims.iter().product::<usize>();
            (Slice { offset: whole.offset + place.offset * 4, bytes, ..whole }, place.clone())
        };
        self.program.parameters.iter().map(slice).collect()
    }

    /// All bits that training changes: parameters and the optimizer's state, paddings included.
    pub async fn state(&mut self) -> Result<Vec<Vec<u32>>, String> {
        let chunks = &self.program.chunks;
        let slices: Vec<Slice> =
            chunks.iter().flat_map(|c| std::iter::once(c.parameters).chain(c.states.iter().copied())).collect();
        self.read(&slices).await
    }

    /// The gate's word.
    pub async fn flag(&mut self) -> Result<u32, String> {
        let flag = self.program.flag;
        Ok(self.read(&[flag]).await?[0][0])
    }

    /// Opens the gate again.
    pub fn clear_flag(&mut self) -> Result<(), String> {
        self.write(self.program.flag, &[0])
    }

    /// Writes words to the start of a slice.
    pub fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), String> {
        self.engine.write(slice, words).map_err(|e| e.to_string())
    }

    /// Reads slices.
    pub async fn read(&mut self, slices: &[Slice]) -> Result<Vec<Vec<u32>>, String> {
        self.engine.read(slices).await.map_err(|e| e.to_string())
    }

    /// Runs one plan on some pictures in an entry of the rings, and returns its figures.
    ///
    /// # Panics
    /// Where there are more pictures than the capacity.
    pub async fn run(
        &mut self,
        plan: PlanKind,
        slot: usize,
        indices: &[u32],
        global: usize,
    ) -> Result<Figures, String> {
        let mut step = self.step(slot, indices, global)?;
        step.number = 1;
        self.submit(&[Run::new(plan, step)])?;
        let slot = self.program.metrics_slot(slot);
        Ok(figures(&self.read(&[slot]).await?[0]))
    }

    /// The logits of the last run of evaluation or prediction.
    pub async fn logits(&mut self, samples: usize) -> Result<Tensor, String> {
        let classes = self.program.classes;
        let words = self.read(&[self.program.logits]).await?.remove(0);
        let data = words[..samples * classes].iter().map(|&word| f64::from(f32::from_bits(word))).collect();
        Ok(Tensor::new([samples, classes], data))
    }

    /// Trains on batches, so many in a submission, and returns their figures.
    ///
    /// # Panics
    /// Where a submission has more steps than the rings have entries.
    pub async fn train(&mut self, batches: &[Vec<u32>], per_submission: usize) -> Result<Vec<Figures>, String> {
        assert!(per_submission <= self.setup.slots, "the rings hold {} steps", self.setup.slots);
        let mut all = Vec::new();
        for batches in batches.chunks(per_submission) {
            let mut runs = Vec::new();
            for (slot, indices) in batches.iter().enumerate() {
                let mut step = self.step(slot, indices, indices.len())?;
                self.steps += 1;
                step.number = self.steps as u32;
                self.setup.optimizer.fill(&mut step, self.steps, self.setup.optimizer.lr());
                runs.extend([PlanKind::Gradients, PlanKind::Update].map(|plan| Run::new(plan, step)));
            }
            self.submit(&runs)?;
            let slots: Vec<Slice> = (0..batches.len()).map(|slot| self.program.metrics_slot(slot)).collect();
            all.extend(self.read(&slots).await?.iter().map(|words| figures(words)));
        }
        Ok(all)
    }

    /// Updates the parameters by the gradients that lie there, as step `t`.
    pub fn update(&mut self, t: u64) -> Result<(), String> {
        let mut step = Step { number: t as u32, samples: 1, inverse_samples: 1.0, ..Step::default() };
        self.setup.optimizer.fill(&mut step, t, self.setup.optimizer.lr());
        self.submit(&[Run::new(PlanKind::Update, step)])
    }

    fn submit(&mut self, runs: &[Run]) -> Result<(), String> {
        self.engine.submit(runs).map_err(|e| e.to_string())
    }

    /// Writes the indices of a run to its entry of the ring, and makes its step block.
    fn step(&mut self, slot: usize, indices: &[u32], global: usize) -> Result<Step, String> {
        assert!(indices.len() <= self.setup.capacity, "{} samples are too many", indices.len());
        self.write(self.program.indices_slot(slot), indices)?;
        Ok(Step {
            slot: slot as u32,
            first_index: (slot * self.setup.capacity) as u32,
            learning_rate: self.setup.optimizer.lr() as f32,
            ..crate::step_of(Batch::part(indices.len(), global))
        })
    }
}

fn figures(words: &[u32]) -> Figures {
    Figures {
        loss_sum: f64::from(f32::from_bits(words[0])),
        correct: words[1],
        samples: words[2],
        broken: words[3] != 0,
    }
}
