//! All engines that the machine has, together, against one alone, on the same global batches.

use std::rc::Rc;
use std::time::Instant;

use convoke::Threaded;
use convoke_core::optim::Optimizer;
use convoke_data::{Dataset, Normalization, Options, Samples};
use convoke_formats::NamedTensor;
use convoke_tests::agreement::{FLIPPED, GRADIENT, LOSS};
use convoke_tests::fixtures::Fixture;
use convoke_tests::pytorch::network::reference_cnn;
use convoke_tests::{block_on, cpu, engines};
use convoke_train::{Checkpoint, Engines, Settings, Split, Trainer};

use crate::setting::{advance, store};

/// The largest relative deviation of a loss within 20 free steps, by DESIGN's (c): with SGD, and with Adam.
const FREE: [f64; 2] = [1e-5, 1e-4];

/// As many of the embedded training pictures, and a few to test on.
fn pictures(count: usize) -> Rc<Dataset> {
    let [_, height, width] = reference_cnn().spec.input;
    let all = convoke_data::embedded(&Options { size: Some([height, width]), ..Options::default() }).unwrap();
    let first = |samples: &Samples, count: usize| {
        let mut first = Samples::default();
        for n in 0..count {
            first.pixels.extend(samples.sample(n).iter().copied());
            first.labels.push(samples.labels[n]);
        }
        first
    };
    Rc::new(Dataset { train: first(&all.train, count), test: first(&all.test, 100), ..all })
}

/// The CPU and every graphics adapter, each on a thread of its own.
fn together(split: Split) -> Engines {
    let open = |subject: &convoke_tests::Subject| {
        let open = subject.opener();
        Box::new(Threaded::new(move || Ok(open())).unwrap()) as Box<dyn convoke_core::engine::Engine>
    };
    Engines::several(cpu(None), engines().iter().map(open).collect(), split)
}

/// Equal shares; a ratio, in which the first has three times as much as each other; and measured ones.
fn splits() -> [Split; 3] {
    let others = engines().len() - 1;
    let ratio = std::iter::once(3.0).chain(std::iter::repeat_n(1.0, others)).collect();
    [Split::Equal, Split::Ratio(ratio), Split::Auto]
}

fn trainer(
    engines: impl Into<Engines>,
    data: &Rc<Dataset>,
    weights: Option<Vec<NamedTensor>>,
    settings: Settings,
) -> Trainer {
    let (network, note) = (reference_cnn(), String::new());
    let statistics = Normalization::Dataset.resolve(data, network.spec.input[0]).unwrap();
    block_on(Trainer::new(engines, network, data.clone(), statistics, settings, weights, note, &mut |_, _| {})).unwrap()
}

fn losses(trainer: &mut Trainer, steps: u64) -> Vec<f64> {
    let start = Instant::now();
    block_on(trainer.steps(steps, &|| start.elapsed())).unwrap()
}

/// The largest relative deviation.
fn deviation(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    found.iter().zip(wanted).map(|(found, wanted)| (found / wanted - 1.0).abs()).fold(0.0, f64::max)
}

/// The gradient of a step, by what it changes at a rate at which the change is large beside the weights' rounding.
fn gradient(mut trainer: Trainer) -> (f64, Vec<f64>) {
    const RATE: f64 = 1024.0;
    let before = block_on(trainer.model()).unwrap().weights;
    let loss = losses(&mut trainer, 1)[0];
    let after = block_on(trainer.model()).unwrap().weights;
    let pairs = before.iter().zip(&after).flat_map(|(before, after)| before.data.iter().zip(&after.data));
    (loss, pairs.map(|(before, after)| (f64::from(*before) - f64::from(*after)) / RATE).collect())
}

#[test]
fn gradients_at_given_weights_agree() {
    // A batch that no number of engines divides.
    let data = pictures(61);
    for split in splits() {
        let mut errors = Vec::new();
        for seed in 1..=5 {
            let settings =
                Settings { batch_size: 61, seed, optimizer: Optimizer::sgd(1024.0, 0.0), ..Settings::default() };
            let (wanted_loss, wanted) = gradient(trainer(cpu(None), &data, None, settings.clone()));
            let (loss, found) = gradient(trainer(together(split.clone()), &data, None, settings));
            assert!((loss / wanted_loss - 1.0).abs() <= LOSS, "{split}, seed {seed}: {loss} {wanted_loss}");
            let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
            let error =
                square(&mut found.iter().zip(&wanted).map(|(a, b)| a - b)) / square(&mut wanted.iter().copied());
            errors.push(error);
        }
        errors.sort_by(f64::total_cmp);
        println!("{split}: gradients {errors:?}");
        // Where a ReLU or a maximum falls the other way, as it may for some of the seeds, more is off.
        assert!(errors[2] <= GRADIENT && errors[4] <= FLIPPED, "{split}: {errors:?}");
    }
}

#[test]
fn twenty_free_steps_agree_with_short_batches_among_them() {
    // Five batches of 61 and one of 7 an epoch.
    let data = pictures(312);
    for (optimizer, bound) in [Optimizer::sgd(0.01, 0.9), Optimizer::adam(0.001)].into_iter().zip(FREE) {
        let settings = Settings { batch_size: 61, seed: 1, optimizer, ..Settings::default() };
        let wanted = losses(&mut trainer(cpu(None), &data, None, settings.clone()), 20);
        for split in splits() {
            let found = losses(&mut trainer(together(split.clone()), &data, None, settings.clone()), 20);
            let off = deviation(&found, &wanted);
            println!("{split}: 20 steps {off:.1e}");
            assert!(off <= bound, "{split}: {off:.1e}");
        }
        // The first ten steps on all, the rest on one alone, and the other way round.
        let settings = Settings { epochs: 4, max_steps: Some(20), ..settings };
        let others: [&dyn Fn() -> Engines; 2] = [&|| together(Split::Equal), &|| cpu(None).into()];
        for [first, then] in [[0, 1], [1, 0]] {
            let kept = store();
            let mut begun = trainer(others[first](), &data, None, settings.clone());
            let mut found = advance(&mut begun, &kept, Some(10)).1.losses;
            let checkpoint = block_on(Checkpoint::newest(&kept, "memory")).unwrap();
            let resumed = block_on(Trainer::resume(others[then](), data.clone(), checkpoint, &mut |_, _| {}));
            found.extend(advance(&mut resumed.unwrap(), &kept, None).1.losses);
            let found: Vec<f64> = found.into_iter().map(f64::from_bits).collect();
            let off = deviation(&found, &wanted);
            assert!(off <= bound, "resumed on other devices: {off:.1e}");
        }
    }
}

#[test]
fn a_hundred_steps_stay_as_near_as_pytorch_stays_to_itself() {
    let (fixture, data) = (Fixture::open("spread"), pictures(6000));
    let spread = (1..=5).flat_map(|seed| fixture.tensor(&format!("seed{seed}/spread")).data);
    let bound = 3.0 * spread.fold(0.0, f64::max);
    for split in splits() {
        let mut worst = 0.0_f64;
        for seed in 1..=5 {
            let settings = Settings { seed, ..Settings::default() };
            let wanted = losses(&mut trainer(cpu(None), &data, None, settings.clone()), 100);
            let found = losses(&mut trainer(together(split.clone()), &data, None, settings), 100);
            worst = worst.max(deviation(&found, &wanted));
        }
        println!("{split}: 100 steps, five seeds {worst:.1e} of {bound:.1e}");
        assert!(worst <= bound, "{split}: {worst:.1e} of {bound:.1e}");
    }
}
