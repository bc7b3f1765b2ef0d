//! Losses in training, and what evaluations count, against what follows from a network's probabilities.

use std::rc::Rc;
use std::time::Duration;

use convoke_core::engine::Engine;
use convoke_core::layers::{Conv2d, Features, Flatten, Linear, Relu};
use convoke_core::model::ModelSpec;
use convoke_core::optim::Optimizer;
use convoke_core::random::{Stream, StreamId};
use convoke_data::{Dataset, Normalization, Samples};
use convoke_tests::{block_on, cpu, engines};
use convoke_train::{ClassWeights, Evaluation, LossName, LossSettings, Settings, Trainer};

const CLASSES: usize = 7;
const SAMPLES: usize = 45;

/// Noise with a bright row, whose place is the class; the same pictures to train on and to test on. The first classes are rarer.
fn data() -> Rc<Dataset> {
    let mut stream = Stream::new(5, StreamId::Test, 0, 0);
    let mut samples = Samples::default();
    for n in 0..SAMPLES {
        let label = (n % CLASSES).max(n % 5);
        samples.pixels.extend((0..49).map(|i| if i / 7 == label { 180 } else { 20 } + stream.below(60) as u8));
        samples.labels.push(label as u32);
    }
    let classes = (0..CLASSES).map(|class| format!("row {class}")).collect();
    Rc::new(Dataset { train: samples.clone(), test: samples, classes, channels: 1, height: 7, width: 7 })
}

fn trainer(engine: Box<dyn Engine>, loss: LossSettings, batch_size: usize) -> Trainer {
    let spec = ModelSpec::new("small", [1, 7, 7], CLASSES)
        .layer("conv", Conv2d::new(4, 3).padding(1))
        .then(Relu {})
        .then(Flatten {})
        .layer("fc", Linear::new(Features::Classes));
    let settings =
        Settings { batch_size, loss, optimizer: Optimizer::adam(0.01), shuffle: false, ..Settings::default() };
    let (network, statistics) = (spec.build().unwrap(), Normalization::Dataset.resolve(&data(), 1).unwrap());
    block_on(Trainer::new(engine, network, data(), statistics, settings, None, String::new(), &mut |_, _| {})).unwrap()
}

fn steps(trainer: &mut Trainer, count: u64) -> Vec<f64> {
    block_on(trainer.steps(count, &|| Duration::ZERO)).unwrap()
}

/// What follows from probabilities of the test pictures.
fn by_hand(rows: &[Vec<f64>], labels: &[u32]) -> (f64, f64, f64, Vec<u32>) {
    let (mut loss, mut right, mut of_five, mut counts) = (0.0, 0.0, 0.0, vec![0; CLASSES * CLASSES]);
    for (row, &label) in rows.iter().zip(labels) {
        let mut order: Vec<usize> = (0..CLASSES).collect();
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        loss -= row[label as usize].ln();
        right += f64::from(u8::from(order[0] == label as usize));
        of_five += f64::from(u8::from(order[..5].contains(&(label as usize))));
        counts[label as usize * CLASSES + order[0]] += 1;
    }
    let count = labels.len() as f64;
    (loss / count, right / count, of_five / count, counts)
}

#[test]
fn evaluations_count_what_follows_from_the_probabilities() {
    for subject in engines() {
        let weights = Some(ClassWeights::Balanced);
        let loss = LossSettings { label_smoothing: 0.2, class_weights: weights, ..LossSettings::default() };
        let mut trainer = trainer(subject.another(), loss, 8);
        let rows = block_on(trainer.session().predict(&mut |_, _| {})).unwrap();
        let (loss, accuracy, top5, counts) = by_hand(&rows, &data().test.labels);
        // Twice: the second begins from nothing too.
        for _ in 0..2 {
            let found: Evaluation = block_on(trainer.evaluate()).unwrap();
            assert!((found.loss - loss).abs() < 1e-5 * loss, "{}: {} for {loss}", subject.name, found.loss);
            assert_eq!((found.accuracy, found.top5, found.samples), (accuracy, top5, SAMPLES), "{}", subject.name);
            let confusion = found.confusion.unwrap();
            assert_eq!(confusion.rows().flatten().copied().collect::<Vec<u32>>(), counts, "{}", subject.name);
        }
        assert!(top5 > accuracy && top5 < 1.0, "{top5} tells nothing");
    }
}

#[test]
fn a_steps_loss_is_weighted_and_smoothed_as_pytorchs() {
    let given = ClassWeights::Given((1..=CLASSES).map(|weight| weight as f64).collect());
    for (class_weights, smoothing) in [(None, 0.25), (Some(given), 0.0), (Some(ClassWeights::Balanced), 0.25)] {
        for subject in engines() {
            let settings = LossSettings {
                label_smoothing: smoothing,
                class_weights: class_weights.clone(),
                ..LossSettings::default()
            };
            let mut trainer = trainer(subject.another(), settings, 64);
            let rows = block_on(trainer.session().predict(&mut |_, _| {})).unwrap();
            let labels = &data().train.labels;
            let weights = class_weights.as_ref().map(|weights| weights.resolve(labels, CLASSES).unwrap());
            let weight = |c: usize| weights.as_ref().map_or(1.0, |weights| f64::from(weights[c]));
            let (mut sum, mut weight_sum) = (0.0, 0.0);
            for (row, &label) in rows.iter().zip(labels) {
                let even: f64 = (0..CLASSES).map(|c| -weight(c) * row[c].ln()).sum();
                let label = label as usize;
                sum += -(1.0 - smoothing) * weight(label) * row[label].ln() + smoothing / CLASSES as f64 * even;
                weight_sum += weight(label);
            }
            let (found, expected) = (steps(&mut trainer, 1)[0], sum / weight_sum);
            assert!((found - expected).abs() < 1e-5 * expected, "{}: {found} for {expected}", subject.name);
        }
    }
}

#[test]
fn every_loss_learns() {
    for kind in LossName::ALL {
        let mut trainer = trainer(cpu(None), LossSettings { kind, ..LossSettings::default() }, 8);
        let losses = steps(&mut trainer, 120);
        let evaluation = block_on(trainer.evaluate()).unwrap();
        assert!(evaluation.accuracy > 0.9, "{kind:?}: {evaluation:?} after {losses:?}");
        assert!(evaluation.loss < losses[0] / 2.0, "{kind:?}: {evaluation:?} after {losses:?}");
        let rows = block_on(trainer.session().predict(&mut |_, _| {})).unwrap();
        assert!(rows.iter().flatten().all(|share| (0.0..=1.0).contains(share)), "{kind:?}");
        let model = block_on(trainer.model()).unwrap();
        let file = convoke_train::ModelFile::from_tensor_file("model", model.to_tensor_file()).unwrap();
        assert_eq!(file.loss.kind, kind);
    }
}
