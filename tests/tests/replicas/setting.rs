//! What the cases train, and how.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use convoke::Threaded;
use convoke_core::engine::Engine;
use convoke_core::layers::{BatchNorm, Conv2d, Dropout, Features, Flatten, Linear, MaxPool2d, Relu};
use convoke_core::model::{ModelSpec, Network};
use convoke_core::random::{Stream, StreamId};
use convoke_cpu::CpuEngine;
use convoke_data::{Dataset, Normalization, Samples};
use convoke_formats::NamedTensor;
use convoke_tests::{block_on, cpu};
use convoke_train::{Engines, Event, Host, MemoryStore, Outcome, Record, Result, Settings, Split, Store, Trainer};

pub const CLASSES: usize = 3;

/// A network with all that depends on where a sample stands in its batch.
pub fn network() -> Network {
    let spec = ModelSpec::new("small", [1, 9, 7], CLASSES)
        .layer("conv", Conv2d::new(4, 3).padding(1))
        .layer("bn", BatchNorm { eps: 1e-5, momentum: 0.1 })
        .then(Relu {})
        .then(MaxPool2d::new(2))
        .then(Flatten {})
        .then(Dropout { p: 0.25 })
        .layer("fc", Linear::new(Features::Classes));
    spec.build().unwrap()
}

/// Noise with a bright row, whose place is the class.
pub fn data() -> Rc<Dataset> {
    let mut stream = Stream::new(1, StreamId::Test, 0, 0);
    let mut samples = |count: usize| {
        let mut samples = Samples::default();
        for n in 0..count {
            let label = n % CLASSES;
            let pixel = |i: usize| if i / 7 / 3 == label { 200 } else { 20 };
            samples.pixels.extend((0..63).map(|i| pixel(i) + stream.below(50) as u8));
            samples.labels.push(label as u32);
        }
        samples
    };
    let classes = ["top", "middle", "bottom"].map(String::from).to_vec();
    Rc::new(Dataset { train: samples(101), test: samples(31), classes, channels: 1, height: 9, width: 7 })
}

/// A CPU engine of one thread, on a thread of its own, wrapped by something there.
pub fn threaded(wrap: impl FnOnce(Box<dyn Engine>) -> Box<dyn Engine> + Send + 'static) -> Box<dyn Engine> {
    let open = move || Ok(wrap(Box::new(CpuEngine::new(std::num::NonZeroUsize::new(1))?)));
    Box::new(Threaded::new(open).unwrap())
}

/// So many CPU engines with an owner.
pub fn several(count: usize, split: Split) -> Engines {
    Engines::several(cpu(None), (0..count).map(|_| threaded(|engine| engine)).collect(), split)
}

pub fn trainer(engines: impl Into<Engines>, settings: Settings) -> Result<Trainer> {
    let data = data();
    let statistics = Normalization::Dataset.resolve(&data, 1).unwrap();
    block_on(Trainer::new(engines, network(), data, statistics, settings, None, String::new(), &mut |_, _| {}))
}

/// What a run tells.
#[derive(Debug, Default)]
pub struct Told {
    /// The losses of its steps, by their bits.
    pub losses: Vec<u64>,
    /// All its records.
    pub records: Vec<Record>,
}

/// Runs to the end of step `until`, or to the run's end.
pub fn advance(trainer: &mut Trainer, store: &dyn Store, until: Option<u64>) -> (Result<Outcome>, Told) {
    let (start, told) = (Instant::now(), RefCell::new(Told::default()));
    let clock = || start.elapsed();
    let mut events = |event: &Event| {
        if let Event::Record(record) = event {
            let mut told = told.borrow_mut();
            if let Record::Step { loss, .. } = record {
                told.losses.push(loss.to_bits());
            }
            told.records.push(record.clone());
        }
    };
    let mut host = Host { store, clock: &clock, stop: &|| false, events: &mut events };
    let outcome = block_on(async {
        trainer.begin(&mut host).await?;
        let outcome = trainer.advance(&mut host, until).await;
        trainer.keep(&mut host).await?;
        outcome
    });
    (outcome, told.into_inner())
}

/// The weights as they are now.
pub fn weights(trainer: &mut Trainer) -> Vec<NamedTensor> {
    block_on(trainer.model()).unwrap().weights
}

/// A clock that stands still: measured shares would follow from it.
pub fn no_time() -> Duration {
    Duration::ZERO
}

/// A store that is thrown away.
pub fn store() -> MemoryStore {
    MemoryStore::default()
}
