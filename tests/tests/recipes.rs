//! How a network is trained beside the optimizer's rule: schedules, groups, clipping, accumulation, averages, the best epoch; each on every
//! engine, and all of them through interruptions.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use convoke_core::engine::Engine;
use convoke_core::layers::{Conv2d, Features, Flatten, Linear, MaxPool2d, Relu};
use convoke_core::model::{ModelSpec, Network};
use convoke_core::optim::Optimizer;
use convoke_core::random::{Stream, StreamId};
use convoke_data::{Dataset, Normalization, Samples};
use convoke_formats::NamedTensor;
use convoke_tests::{Narrow, block_on, cpu, engines};
use convoke_train::{
    Checkpoint, Event, Host, MemoryStore, Metric, ModelFile, Outcome, ParameterGroup, Record, Result, Schedule,
    ScheduleKind, Settings, Span, Store, Trainer,
};

const CLASSES: usize = 3;

fn network() -> Network {
    let spec = ModelSpec::new("small", [1, 9, 7], CLASSES)
        .layer("conv", Conv2d::new(4, 3).padding(1))
        .then(Relu {})
        .then(MaxPool2d::new(2))
        .then(Flatten {})
        .layer("fc", Linear::new(Features::Classes));
    spec.build().unwrap()
}

/// Noise with a bright row, whose place is the class; the labels of the test pictures are moved on by `shift`.
fn data(shift: u32) -> Rc<Dataset> {
    let mut stream = Stream::new(1, StreamId::Test, 0, 0);
    let mut samples = |count: usize, shift: u32| {
        let mut samples = Samples::default();
        for n in 0..count {
            let label = n % CLASSES;
            let pixel = |i: usize| if i / 7 / 3 == label { 120 } else { 40 };
            samples.pixels.extend((0..63).map(|i| pixel(i) + stream.below(100) as u8));
            samples.labels.push((label as u32 + shift) % CLASSES as u32);
        }
        samples
    };
    let classes = ["top", "middle", "bottom"].map(String::from).to_vec();
    Rc::new(Dataset { train: samples(96, 0), test: samples(31, shift), classes, channels: 1, height: 9, width: 7 })
}

fn settings(optimizer: Optimizer) -> Settings {
    Settings { epochs: 4, batch_size: 8, optimizer, seed: 7, ..Settings::default() }
}

fn try_trainer(engine: Box<dyn Engine>, data: Rc<Dataset>, settings: Settings) -> Result<Trainer> {
    let statistics = Normalization::Dataset.resolve(&data, 1).unwrap();
    block_on(Trainer::new(engine, network(), data, statistics, settings, None, String::new(), &mut |_, _| {}))
}

fn trainer(engine: Box<dyn Engine>, settings: Settings) -> Trainer {
    try_trainer(engine, data(0), settings).unwrap()
}

/// The losses of some steps.
fn losses(trainer: &mut Trainer, steps: u64) -> Vec<f64> {
    block_on(trainer.steps(steps, &|| Duration::ZERO)).unwrap()
}

/// The weights that training changes.
fn weights(trainer: &mut Trainer) -> HashMap<String, Vec<f32>> {
    let checkpoint = block_on(trainer.checkpoint()).unwrap();
    let tensors: Vec<NamedTensor> = checkpoint.weights.unwrap_or(checkpoint.model.weights);
    tensors.into_iter().map(|tensor| (tensor.name, tensor.data)).collect()
}

/// Runs until `stop_after` steps are done, or to the end.
fn run(trainer: &mut Trainer, store: &dyn Store, stop_after: Option<u64>) -> Outcome {
    let (time, steps) = (Cell::new(0), Cell::new(0));
    let clock = || {
        time.set(time.get() + 60);
        Duration::from_millis(time.get())
    };
    let stop = || stop_after.is_some_and(|most| steps.get() >= most);
    let mut events = |event: &Event| {
        if let Event::Record(Record::Step { .. }) = event {
            steps.set(steps.get() + 1);
        }
    };
    block_on(trainer.run(&mut Host { store, clock: &clock, stop: &stop, events: &mut events })).unwrap()
}

fn read(store: &dyn Store, name: &str) -> Vec<u8> {
    block_on(store.get(name)).unwrap().unwrap_or_default()
}

/// The log without what depends on the time that things take.
fn log(store: &dyn Store) -> Vec<Record> {
    let text = String::from_utf8(read(store, "metrics.jsonl")).unwrap();
    let timeless = |line: &str| {
        let mut record = serde_json::from_str(line).unwrap();
        if let Record::Epoch { samples_per_second, .. } = &mut record {
            *samples_per_second = 0.0;
        }
        record
    };
    text.lines().map(timeless).collect()
}

#[track_caller]
fn assert_near(found: &[f64], wanted: &[f64], bound: f64, what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (step, (a, b)) in found.iter().zip(wanted).enumerate() {
        assert!((a / b - 1.0).abs() <= bound, "{what}, step {step}: {a} and {b}");
    }
}

#[test]
fn gradients_that_are_added_up_are_those_of_the_large_batch() {
    for subject in engines() {
        let optimizer = Optimizer::sgd(0.05, 0.9);
        let whole = Settings { batch_size: 32, ..settings(optimizer) };
        let parts = Settings { batch_size: 8, accumulate: 4, ..settings(optimizer) };
        let mut parts = trainer(subject.another(), parts);
        assert_eq!((parts.step_samples(), parts.micro_batch(), parts.steps_per_epoch()), (32, 8, 3));
        let whole = losses(&mut trainer(subject.another(), whole), 12);
        assert_near(&losses(&mut parts, 12), &whole, 1e-5, &subject.name);
        // More parts than the ring has entries.
        let many = Settings { batch_size: 1, accumulate: 96, ..settings(optimizer) };
        let all = Settings { batch_size: 96, ..settings(optimizer) };
        let all = losses(&mut trainer(subject.another(), all), 3);
        assert_near(&losses(&mut trainer(subject.another(), many), 3), &all, 1e-5, &subject.name);
    }
}

#[test]
fn a_batch_that_does_not_fit_is_split() {
    for subject in engines() {
        let settings = Settings { batch_size: 32, ..settings(Optimizer::sgd(0.05, 0.9)) };
        let mut split =
            trainer(Box::new(Narrow { inner: subject.another(), max_binding_bytes: 12_288 }), settings.clone());
        // A convolution makes 4 · 63 numbers of a picture: 32 of them take 32,256 bytes.
        assert_eq!((split.step_samples(), split.micro_batch()), (32, 8), "{}", subject.name);
        let store = MemoryStore::default();
        run(&mut split, &store, Some(4));
        let checkpoint = block_on(Checkpoint::newest(&store, "memory")).unwrap();
        assert_eq!(checkpoint.capacity, 8);
        let resumed = block_on(Trainer::resume(subject.another(), data(0), checkpoint, &mut |_, _| {})).unwrap();
        assert_eq!(resumed.micro_batch(), 8, "a run goes on as it began, wherever");
        let whole = losses(&mut trainer(subject.another(), settings.clone()), 12);
        let split = losses(
            &mut trainer(Box::new(Narrow { inner: subject.another(), max_binding_bytes: 12_288 }), settings),
            12,
        );
        assert_near(&split, &whole, 1e-5, &subject.name);
    }
}

#[test]
fn frozen_parameters_stay_and_groups_go_their_own_way() {
    for subject in engines() {
        let group = |parameters: &str, lr_factor, weight_decay| ParameterGroup {
            parameters: parameters.into(),
            lr_factor,
            weight_decay,
        };
        let plain = settings(Optimizer::sgd(0.05, 0.0));
        let step = |settings: Settings| {
            let mut trainer = trainer(subject.another(), settings);
            let before = weights(&mut trainer);
            losses(&mut trainer, 1);
            let after = weights(&mut trainer);
            let moved = |(name, old): (&String, &Vec<f32>)| {
                let by: Vec<f64> = old.iter().zip(&after[name]).map(|(a, b)| f64::from(*b) - f64::from(*a)).collect();
                (name.clone(), by)
            };
            before.iter().map(moved).collect::<HashMap<String, Vec<f64>>>()
        };
        let norm = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
        let alone = step(plain.clone());
        let grouped = step(Settings {
            freeze: vec!["conv.*".into()],
            groups: vec![group("*.bias", Some(3.0), None), group("fc.*", Some(7.0), None)],
            ..plain.clone()
        });
        for (name, factor) in [("conv.weight", 0.0), ("conv.bias", 0.0), ("fc.weight", 7.0), ("fc.bias", 3.0)] {
            let (found, wanted) = (norm(&grouped[name]), factor * norm(&alone[name]));
            assert!((found - wanted).abs() <= 1e-5 * wanted, "{}: {name} {found} for {wanted}", subject.name);
        }
        // Without gradients weight decay alone would move biases.
        let decay = Settings { optimizer: Optimizer::sgd(0.05, 0.0).with_weight_decay(0.5), ..plain.clone() };
        let spared = step(Settings { no_decay_on_norms_and_biases: true, ..decay.clone() });
        let decayed = step(decay.clone());
        let by_group = step(Settings { groups: vec![group("*.bias", None, Some(0.0))], ..decay });
        assert_eq!((&spared["fc.bias"], &spared["fc.weight"]), (&alone["fc.bias"], &decayed["fc.weight"]));
        assert_eq!(spared, by_group);
        assert_ne!(spared["fc.bias"], decayed["fc.bias"]);

        let clipped = step(Settings { clip_norm: Some(0.01), ..plain.clone() });
        let all: Vec<f64> = clipped.values().flatten().copied().collect();
        assert!((norm(&all) / (0.05 * 0.01) - 1.0).abs() < 1e-3, "{}: {}", subject.name, norm(&all));
        assert_eq!(step(Settings { clip_norm: Some(1e6), ..plain.clone() }), alone, "what is short stays as it is");
        let clipped = step(Settings { clip_value: Some(0.001), ..plain });
        let largest = clipped.values().flatten().fold(0.0_f64, |most, x| most.max(x.abs()));
        assert!((largest / (0.05 * 0.001) - 1.0).abs() < 1e-2, "{}: {largest}", subject.name);
    }
}

#[test]
fn an_average_follows_the_weights_and_is_what_is_kept() {
    for subject in engines() {
        let mut trainer =
            trainer(subject.another(), Settings { ema: Some(0.8), ..settings(Optimizer::sgd(0.05, 0.9)) });
        let mut average: HashMap<String, Vec<f64>> = weights(&mut trainer)
            .into_iter()
            .map(|(name, values)| (name, values.into_iter().map(f64::from).collect()))
            .collect();
        for _ in 0..20 {
            losses(&mut trainer, 1);
            for (name, values) in weights(&mut trainer) {
                let average = average.get_mut(&name).expect("the same names").iter_mut();
                average.zip(values).for_each(|(average, value)| *average += 0.2 * (f64::from(value) - *average));
            }
        }
        let model = block_on(trainer.model()).unwrap();
        for tensor in &model.weights {
            for (found, wanted) in tensor.data.iter().zip(&average[&tensor.name]) {
                assert!((f64::from(*found) - wanted).abs() <= 1e-6, "{}: {found} for {wanted}", subject.name);
            }
        }
        let own = block_on(trainer.evaluate()).unwrap();
        let plain = Settings { ema: None, ..trainer.settings().clone() };
        let statistics = Normalization::Dataset.resolve(&data(0), 1).unwrap();
        let given = Some(model.weights);
        let mut progress = |_, _| {};
        let other =
            Trainer::new(subject.another(), network(), data(0), statistics, plain, given, String::new(), &mut progress);
        assert_eq!(own, block_on(block_on(other).unwrap().evaluate()).unwrap(), "{}", subject.name);
    }
}

/// Everything at once.
fn everything() -> Settings {
    Settings {
        schedule: Schedule {
            kind: ScheduleKind::Cosine,
            warmup: Some(Span::Steps(3)),
            minimum: Some(1e-4),
            ..Schedule::default()
        },
        accumulate: 2,
        clip_norm: Some(0.5),
        ema: Some(0.9),
        validation: 0.25,
        patience: Some(3),
        keep: 3,
        freeze: vec!["conv.bias".into()],
        no_decay_on_norms_and_biases: true,
        epochs: 8,
        checkpoint_steps: Some(4),
        ..settings(Optimizer::adamw(0.01, 0.1))
    }
}

#[test]
fn a_run_with_everything_ends_the_same_however_often_it_is_stopped() {
    for subject in engines() {
        for plateau in [false, true] {
            let mut settings = everything();
            if plateau {
                settings.schedule = Schedule {
                    kind: ScheduleKind::Plateau,
                    factor: Some(0.5),
                    patience: Some(0),
                    threshold: Some(0.3),
                    ..Schedule::default()
                };
            }
            let whole = MemoryStore::default();
            let mut trainer = trainer(subject.another(), settings.clone());
            assert_eq!(trainer.split(), [72, 24]);
            assert_eq!(run(&mut trainer, &whole, None), Outcome::Finished);
            let rates: Vec<f64> = log(&whole)
                .iter()
                .filter_map(|r| if let Record::Step { lr, .. } = r { Some(*lr) } else { None })
                .collect();
            assert!(rates.iter().any(|rate| *rate < 0.009), "{rates:?}");

            let (pieces, mut stream) = (MemoryStore::default(), Stream::new(3, StreamId::Test, 0, 0));
            let mut trainer = self::trainer(subject.another(), settings);
            let mut interruptions = 0;
            while run(&mut trainer, &pieces, Some(u64::from(1 + stream.below(9)))) == Outcome::Stopped {
                interruptions += 1;
                let checkpoint = block_on(Checkpoint::newest(&pieces, "memory")).unwrap();
                trainer = block_on(Trainer::resume(subject.another(), data(0), checkpoint, &mut |_, _| {})).unwrap();
            }
            assert!(interruptions > 2, "{interruptions} interruptions");
            assert_eq!(log(&whole), log(&pieces), "{}", subject.name);
            for file in ["model.safetensors", "best.safetensors"] {
                assert!(read(&whole, file) == read(&pieces, file) && !read(&whole, file).is_empty(), "{file}");
            }
        }
    }
}

#[test]
fn the_test_pictures_choose_nothing() {
    let [one, other] = [0, 1].map(|shift| {
        let store = MemoryStore::default();
        let mut trainer = try_trainer(cpu(None), data(shift), everything()).unwrap();
        run(&mut trainer, &store, None);
        (trainer.progress().best, trainer.progress().step, read(&store, "best.safetensors"))
    });
    assert!(one == other, "other labels of the test pictures gave another best epoch");
    let (best, step, bytes) = one;
    let best = best.unwrap();
    let model = ModelFile::from_tensor_file("best", convoke_formats::TensorFile::decode("best", &bytes).unwrap());
    assert!(best.step <= step && model.is_ok());
}

#[test]
fn a_run_stops_where_nothing_gets_better() {
    // Rates at which nothing changes.
    let still = Settings { epochs: 50, ..settings(Optimizer::sgd(1e-30, 0.0)) };
    for (validation, best) in [(0.2, None), (0.2, Some(Metric::Loss))] {
        let store = MemoryStore::default();
        let settings = Settings { validation, best, patience: Some(4), ..still.clone() };
        let mut trainer = trainer(cpu(None), settings.clone());
        assert_eq!(run(&mut trainer, &store, None), Outcome::Finished);
        assert!(trainer.stopped_early());
        assert_eq!((trainer.progress().epoch, trainer.progress().best.unwrap().epoch), (5, 1));
        // It goes on where more patience is asked for.
        let mut checkpoint = block_on(Checkpoint::newest(&store, "memory")).unwrap();
        checkpoint.settings.patience = Some(6);
        let mut trainer = block_on(Trainer::resume(cpu(None), data(0), checkpoint, &mut |_, _| {})).unwrap();
        assert!(!trainer.stopped_early());
        run(&mut trainer, &store, None);
        assert_eq!(trainer.progress().epoch, 7);
    }
}

#[test]
fn as_many_checkpoints_are_kept_as_are_asked_for() {
    for keep in [1, 4] {
        let store = MemoryStore::default();
        let settings = Settings { keep, checkpoint_steps: Some(2), ..settings(Optimizer::sgd(0.05, 0.9)) };
        run(&mut trainer(cpu(None), settings), &store, None);
        let names = block_on(store.list()).unwrap();
        let count = names.iter().filter(|name| name.starts_with("checkpoint-")).count();
        assert!(count == keep || count == keep + 1, "{names:?}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_with_what_to_do() {
    let base = || settings(Optimizer::sgd(0.05, 0.9));
    let schedule = |schedule: Schedule| Settings { schedule, ..base() };
    let cosine = Schedule { kind: ScheduleKind::Cosine, ..Schedule::default() };
    let cases = [
        (Settings { freeze: vec!["cnv.*".into()], ..base() }, "near it are conv.bias"),
        (Settings { freeze: vec!["*".into()], ..base() }, "every parameter is frozen"),
        (Settings { clip_norm: Some(1.0), clip_value: Some(1.0), ..base() }, "leave clip_norm or clip_value out"),
        (Settings { clip_norm: Some(0.0), ..base() }, "clip_norm is 0.0"),
        (Settings { ema: Some(1.0), ..base() }, "ema is 1.0"),
        (Settings { accumulate: 0, ..base() }, "accumulate is 0"),
        (Settings { validation: 1.0, ..base() }, "validation is 1.0"),
        (Settings { best: Some(Metric::Accuracy), ..base() }, "give a validation set"),
        (Settings { patience: Some(0), ..base() }, "patience is 0"),
        (Settings { keep: 0, ..base() }, "to keep is 0"),
        (
            schedule(Schedule { warmup: Some(Span::Epochs(4.0)), ..cosine.clone() }),
            "the warm-up takes 48 steps and the run has 48",
        ),
        (schedule(Schedule { gamma: Some(0.5), ..cosine.clone() }), "gamma is for step, multistep, exponential"),
        (schedule(Schedule { warmup_start: Some(0.5), ..cosine.clone() }), "no warm-up"),
        (schedule(Schedule { minimum: Some(-1.0), ..cosine }), "minimum is -1.0"),
        (schedule(Schedule { kind: ScheduleKind::MultiStep, ..Schedule::default() }), "needs milestones"),
    ];
    for (settings, words) in cases {
        let error = try_trainer(cpu(None), data(0), settings).unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} should speak of {words:?}");
    }
}
