//! The same seed gives the same bits: again, on any number of threads, however steps are cut into submissions.

use std::num::NonZeroUsize;

use convoke_core::engine::Engine;
use convoke_core::model::{ModelSpec, Network};
use convoke_core::optim::Optimizer;
use convoke_core::random::{Stream, StreamId};
use convoke_tests::models::{models, parameters};
use convoke_tests::{Figures, LoadedNetwork, Pictures, Setup, block_on, cpu, engines};

/// Samples of a batch; the last of the run is shorter.
const BATCH: usize = 24;
/// Steps of a run: two full submissions of eight and a part of one.
const STEPS: usize = 19;

/// What a run leaves: every step's figures, and every bit of parameters and optimizer state.
#[derive(Debug, PartialEq)]
struct Trace {
    figures: Vec<Figures>,
    state: Vec<Vec<u32>>,
}

/// Trains from a seed: the parameters and the order of the samples follow from it.
fn train(
    engine: &mut dyn Engine,
    network: &Network,
    pictures: &Pictures,
    optimizer: Optimizer,
    seed: u64,
    per_submission: usize,
) -> Trace {
    let channels = network.spec.input[0];
    let (setup, gather) = (Setup::new(optimizer, BATCH), pictures.plain_gather(channels));
    let run = async {
        let mut loaded = LoadedNetwork::new(engine, network, setup, gather, pictures).await?;
        loaded.begin(&parameters(network, seed))?;
        let figures = loaded.train(&batches(pictures, seed), per_submission).await?;
        Ok::<_, String>(Trace { figures, state: loaded.state().await? })
    };
    block_on(run).unwrap()
}

/// Shuffled batches, the last one of seven samples.
fn batches(pictures: &Pictures, seed: u64) -> Vec<Vec<u32>> {
    let order = Stream::new(seed, StreamId::Shuffle, 0, 0).permutation(pictures.labels.len() as u32);
    let mut batches: Vec<Vec<u32>> = order.chunks(BATCH).cycle().take(STEPS).map(<[u32]>::to_vec).collect();
    batches[STEPS - 1].truncate(7);
    batches
}

fn reference_cnn() -> Network {
    ModelSpec::preset("reference-cnn").expect("it is a preset").build().expect("presets build")
}

/// The first of the embedded pictures: a few batches of them.
fn some_pictures() -> Pictures {
    let mut pictures = Pictures::embedded();
    pictures.labels.truncate(300);
    pictures.pixels.truncate(300 * pictures.plane);
    pictures
}

fn optimizers() -> [Optimizer; 2] {
    [Optimizer::default(), Optimizer::adam(1e-3)]
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let (network, pictures) = (reference_cnn(), some_pictures());
    for mut subject in engines() {
        for optimizer in optimizers() {
            let run = |engine: &mut dyn Engine, seed| train(engine, &network, &pictures, optimizer, seed, 8);
            let first = run(subject.engine.as_mut(), 1);
            assert!(first.figures.iter().all(|figures| !figures.broken), "{}: {:?}", subject.name, first.figures);
            assert!(first == run(subject.engine.as_mut(), 1), "{} gives other bits again", subject.name);
            let mut another = subject.another();
            assert!(first == run(another.as_mut(), 1), "{} gives other bits when opened again", subject.name);
            assert!(first != run(another.as_mut(), 2), "{} takes no notice of the seed", subject.name);
        }
    }
}

#[test]
fn submissions_change_nothing() {
    let (network, pictures) = (reference_cnn(), some_pictures());
    for mut subject in engines() {
        for optimizer in optimizers() {
            let mut run =
                |per_submission| train(subject.engine.as_mut(), &network, &pictures, optimizer, 1, per_submission);
            let one_by_one = run(1);
            for per_submission in [3, 8] {
                assert!(one_by_one == run(per_submission), "{}: {per_submission} steps at once", subject.name);
            }
        }
    }
}

/// Kernels that are timed are the same kernels, one at a time.
#[test]
fn a_trace_changes_nothing() {
    let (network, pictures) = (reference_cnn(), some_pictures());
    for mut subject in engines() {
        let run = |engine: &mut dyn Engine| train(engine, &network, &pictures, Optimizer::default(), 1, 3);
        let mut traced = convoke::Trace::new(1000).engine(subject.another(), 1, "device");
        assert!(
            run(traced.as_mut()) == run(subject.engine.as_mut()),
            "{} gives other bits when it is traced",
            subject.name
        );
    }
}

/// Every model: each cuts its work in its own way.
#[test]
fn threads_change_nothing() {
    for (name, network) in models() {
        let pictures = convoke_tests::models::pictures(&network, network.spec.input[0], 100, 9);
        for optimizer in optimizers() {
            let run = |threads| {
                let mut engine = cpu(NonZeroUsize::new(threads));
                train(engine.as_mut(), &network, &pictures, optimizer, 1, 8)
            };
            let one = run(1);
            for threads in [2, 3] {
                assert!(one == run(threads), "{name}: {threads} threads give other bits than one");
            }
        }
    }
}
