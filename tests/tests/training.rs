//! The trainer: interrupted runs, pictures that don't fit, broken steps, what is kept.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use convoke_core::engine::Engine;
use convoke_core::layers::{BatchNorm, Conv2d, Dropout, Features, Flatten, Linear, MaxPool2d, Relu};
use convoke_core::model::{ModelSpec, Network};
use convoke_core::optim::Optimizer;
use convoke_core::random::{Stream, StreamId};
use convoke_data::{Dataset, Normalization, Samples, SharedBytes};
use convoke_tests::{Narrow, block_on, cpu, engines};
use convoke_train::{
    Checkpoint, Event, Host, MemoryStore, Outcome, Record, Result, Settings, Store, TrainError, Trainer,
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

/// Noise with a bright row, whose place is the class.
fn data(seed: u64) -> Rc<Dataset> {
    let mut stream = Stream::new(seed, StreamId::Test, 0, 0);
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

fn settings(optimizer: Optimizer) -> Settings {
    Settings { epochs: 4, batch_size: 8, optimizer, seed: 7, checkpoint_steps: Some(5), ..Settings::default() }
}

/// Every augmentation at once.
const EVERYTHING: &str = "crop=1,flip,vertical_flip,rotate,translate,scale,shear,resized_crop=0.5:1,brightness,contrast,saturation,\
                          grey,cutout=2,mixup,cutmix";

fn augmented(how: &str) -> Settings {
    Settings { augment: how.parse().unwrap(), ..settings(Optimizer::sgd(0.05, 0.9)) }
}

fn trainer(engine: Box<dyn Engine>, settings: Settings) -> Result<Trainer> {
    trainer_on(data(1), engine, settings)
}

fn trainer_on(data: Rc<Dataset>, engine: Box<dyn Engine>, settings: Settings) -> Result<Trainer> {
    let statistics = Normalization::Dataset.resolve(&data, 1).unwrap();
    block_on(Trainer::new(engine, network(), data, statistics, settings, None, "a note".into(), &mut |_, _| {}))
}

/// Runs until `stop_after` steps are done, or to the end.
fn run(trainer: &mut Trainer, store: &dyn Store, stop_after: Option<u64>) -> Result<Outcome> {
    let (time, steps) = (Cell::new(0), Cell::new(0));
    // Each look at the clock takes 60 ms, so that submissions stay small and a stop finds many places.
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
    block_on(trainer.run(&mut Host { store, clock: &clock, stop: &stop, events: &mut events }))
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

#[test]
fn a_run_that_is_stopped_anywhere_ends_as_one_that_was_not() {
    for subject in engines() {
        let settings = [
            settings(Optimizer::sgd(0.05, 0.9)),
            settings(Optimizer::adam(0.002)),
            augmented("crop=1,flip"),
            augmented(EVERYTHING),
        ];
        for settings in settings {
            let whole = MemoryStore::default();
            let mut trainer = trainer(subject.another(), settings.clone()).unwrap();
            assert_eq!(run(&mut trainer, &whole, None).unwrap(), Outcome::Finished);
            assert_eq!(log(&whole).len(), 4 * 13 + 4, "{}", subject.name);

            let (pieces, mut stream) = (MemoryStore::default(), Stream::new(3, StreamId::Test, 0, 0));
            let mut trainer = self::trainer(subject.another(), settings.clone()).unwrap();
            let mut interruptions = 0;
            while run(&mut trainer, &pieces, Some(u64::from(1 + stream.below(9)))).unwrap() == Outcome::Stopped {
                interruptions += 1;
                let checkpoint = block_on(Checkpoint::newest(&pieces, "memory")).unwrap();
                assert_eq!(checkpoint.note, "a note");
                trainer = block_on(Trainer::resume(subject.another(), data(1), checkpoint, &mut |_, _| {})).unwrap();
            }
            assert!(interruptions > 2, "{interruptions} interruptions");
            assert_eq!(log(&whole), log(&pieces), "{} {settings:?}", subject.name);
            assert!(read(&whole, "model.safetensors") == read(&pieces, "model.safetensors"), "{}", subject.name);
        }
    }
}

/// A network with all that a step could leave behind: running statistics, dropout.
fn deeper() -> Network {
    let spec = ModelSpec::new("deeper", [1, 9, 7], CLASSES)
        .layer("conv", Conv2d::new(4, 3).padding(1))
        .layer("norm", BatchNorm::default())
        .then(Relu {})
        .then(Dropout::new(0.3))
        .then(Flatten {})
        .layer("fc", Linear::new(Features::Classes));
    spec.build().unwrap()
}

#[test]
fn a_step_that_is_broken_off_is_as_if_it_had_never_begun() {
    // A slow device: each look at the clock takes a fifth of a second, so every step is submitted in many pieces.
    let slowly = |trainer: &mut Trainer, store: &dyn Store, most_looks: u32| {
        let (time, looks) = (Cell::new(0), Cell::new(0));
        let clock = || {
            time.set(time.get() + 200);
            Duration::from_millis(time.get())
        };
        let stop = || {
            looks.set(looks.get() + 1);
            looks.get() > most_looks
        };
        block_on(trainer.run(&mut Host { store, clock: &clock, stop: &stop, events: &mut |_| {} })).unwrap()
    };
    for subject in engines() {
        for accumulate in [1, 3] {
            let adam = settings(Optimizer::adam(0.002));
            let settings = Settings { epochs: 2, accumulate, ema: Some(0.9), checkpoint_steps: None, ..adam };
            let begin = || {
                let statistics = Normalization::Dataset.resolve(&data(1), 1).unwrap();
                let note = String::new();
                let mut quiet = |_, _| {};
                let subject = subject.another();
                let new =
                    Trainer::new(subject, deeper(), data(1), statistics, settings.clone(), None, note, &mut quiet);
                block_on(new).unwrap()
            };
            let whole = MemoryStore::default();
            assert_eq!(run(&mut begin(), &whole, None).unwrap(), Outcome::Finished);

            let (broken, mut stream) = (MemoryStore::default(), Stream::new(5, StreamId::Test, 0, 0));
            let (mut trainer, mut within) = (begin(), 0);
            // The same trainer goes on, as after a pause, or another from the checkpoint.
            while slowly(&mut trainer, &broken, 1 + stream.below(150)) == Outcome::Stopped {
                within += 1;
                if stream.below(2) == 0 {
                    let checkpoint = block_on(Checkpoint::newest(&broken, "memory")).unwrap();
                    trainer =
                        block_on(Trainer::resume(subject.another(), data(1), checkpoint, &mut |_, _| {})).unwrap();
                }
            }
            assert!(within > 5, "{within} interruptions");
            assert_eq!(log(&whole), log(&broken), "{}, {accumulate}", subject.name);
            assert!(read(&whole, "model.safetensors") == read(&broken, "model.safetensors"), "{}", subject.name);
        }
    }
}

#[test]
fn augmentation_changes_what_is_trained_on_and_not_what_is_tested_on() {
    let store = MemoryStore::default();
    let mut plain = trainer(cpu(None), settings(Optimizer::sgd(0.05, 0.9))).unwrap();
    let mut changed = trainer(cpu(None), augmented("crop=1,flip")).unwrap();
    assert_eq!(block_on(plain.evaluate()).unwrap(), block_on(changed.evaluate()).unwrap());
    let first = |trainer: &mut Trainer| block_on(trainer.steps(1, &|| Duration::ZERO)).unwrap();
    assert_ne!(first(&mut plain), first(&mut changed));
    // What is learned of shifted and mirrored pictures holds for those that are not.
    run(&mut changed, &store, None).unwrap();
    let Some(Record::Epoch { test_accuracy, .. }) = log(&store).pop() else { panic!("an epoch comes last") };
    assert!(test_accuracy > 0.9, "{test_accuracy}");
}

#[test]
fn what_was_logged_after_the_last_checkpoint_is_logged_again() {
    let store = MemoryStore::default();
    let mut trainer = trainer(cpu(None), settings(Optimizer::default())).unwrap();
    run(&mut trainer, &store, Some(11)).unwrap();
    let expected = log(&store);
    // As a killed process leaves it: the newest checkpoint is half written, and the log is further than the one before.
    let newest = block_on(store.list()).unwrap().into_iter().rfind(|n| n.starts_with("checkpoint-")).unwrap();
    block_on(store.put(&newest, vec![1, 2, 3])).unwrap();
    let checkpoint = block_on(Checkpoint::newest(&store, "memory")).unwrap();
    assert!(checkpoint.progress.log_bytes < read(&store, "metrics.jsonl").len() as u64);
    let mut trainer = block_on(Trainer::resume(cpu(None), data(1), checkpoint, &mut |_, _| {})).unwrap();
    run(&mut trainer, &store, Some(1)).unwrap();
    let again = log(&store);
    let common = again.len().min(expected.len());
    assert_eq!(again[..common], expected[..common]);
}

#[test]
fn training_learns_and_its_model_evaluates_as_the_log_says() {
    let store = MemoryStore::default();
    let mut trainer = trainer(cpu(None), settings(Optimizer::sgd(0.05, 0.9))).unwrap();
    run(&mut trainer, &store, None).unwrap();
    let Some(Record::Epoch { test_accuracy, test_loss, .. }) = log(&store).pop() else { panic!("an epoch comes last") };
    assert!(test_accuracy > 0.9, "{test_accuracy}");
    let evaluation = block_on(trainer.evaluate()).unwrap();
    assert_eq!((evaluation.loss, evaluation.accuracy), (test_loss, test_accuracy));
}

#[test]
fn a_store_keeps_the_last_two_checkpoints_and_the_best() {
    let store = MemoryStore::default();
    let mut trainer = trainer(cpu(None), settings(Optimizer::sgd(0.05, 0.9))).unwrap();
    run(&mut trainer, &store, None).unwrap();
    let best = trainer.progress().best.unwrap().step;
    let names = block_on(store.list()).unwrap();
    let steps: Vec<u64> =
        names.iter().filter_map(|n| n.strip_prefix("checkpoint-")?.split('.').next()?.parse().ok()).collect();
    let last = *steps.last().unwrap();
    assert_eq!(last, 52);
    assert!(steps.contains(&best) && steps.len() == if best < 50 { 3 } else { 2 }, "{steps:?}, best {best}");
}

#[test]
fn a_broken_step_stops_the_run_and_saves_what_was_learned_before() {
    for subject in engines() {
        let store = MemoryStore::default();
        let wild = Settings { checkpoint_steps: None, ..settings(Optimizer::sgd(1e30, 0.0)) };
        let mut trainer = trainer(subject.another(), wild).unwrap();
        let error = run(&mut trainer, &store, None).unwrap_err();
        let TrainError::NotFinite { step, .. } = error else { panic!("{error}") };
        assert!((2..5).contains(&step), "{}: step {step}", subject.name);
        let checkpoint = block_on(Checkpoint::newest(&store, "memory")).unwrap();
        assert_eq!(checkpoint.progress.step, step - 1, "{}", subject.name);
        assert_eq!(log(&store).len() as u64, step - 1);
        assert!(error.to_string().contains(&format!("step {step}: ")), "{error}");
    }
}

#[test]
fn other_data_is_refused() {
    let store = MemoryStore::default();
    let mut trainer = trainer(cpu(None), settings(Optimizer::default())).unwrap();
    run(&mut trainer, &store, Some(3)).unwrap();
    let checkpoint = block_on(Checkpoint::newest(&store, "memory")).unwrap();
    let error = block_on(Trainer::resume(cpu(None), data(2), checkpoint, &mut |_, _| {})).unwrap_err();
    assert!(error.to_string().contains("the data has changed"), "{error}");
    let error = block_on(Checkpoint::newest(&MemoryStore::default(), "runs/x")).unwrap_err();
    assert!(error.to_string().contains("no checkpoint in runs/x"), "{error}");
}

#[test]
fn settings_out_of_range_are_named() {
    let base = settings(Optimizer::default());
    let cases = [
        (Settings { batch_size: 0, ..base.clone() }, "the batch size is 0"),
        (Settings { epochs: 0, ..base.clone() }, "the number of epochs is 0"),
        (augmented("crop=8"), "crop=8 is larger than a picture of 9×7 pixels"),
        (settings(Optimizer::sgd(f64::NAN, 0.9)), "the learning rate is NaN"),
        (settings(Optimizer::sgd(0.1, 1.0)), "momentum is 1"),
        (settings(Optimizer::sgd(1e39, 0.0)), "the learning rate is"),
    ];
    for (settings, words) in cases {
        let error = trainer(cpu(None), settings).unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} should speak of {words:?}");
    }
}

#[test]
fn pictures_that_are_sent_batch_by_batch_train_as_those_that_lie_on_the_device() {
    for subject in engines() {
        for augment in ["none", "crop=1,flip", EVERYTHING] {
            // A binding of 8,192 bytes holds the 8,064 that the convolution computes, but not the pictures' 8,448.
            // What is streamed lies elsewhere than in memory: in a file that is mapped into it, say.
            let elsewhere: SharedBytes = Arc::new(data(1).encode());
            let elsewhere = Rc::new(Dataset::decode_shared(&elsewhere).unwrap());
            let narrow: Box<dyn Engine> = Box::new(Narrow { inner: subject.another(), max_binding_bytes: 8192 });
            let [resident, streamed] = [(data(1), subject.another()), (elsewhere, narrow)].map(|(data, engine)| {
                let store = MemoryStore::default();
                let mut trainer = trainer_on(data, engine, augmented(augment)).unwrap();
                let pictures = trainer.session().program().pictures;
                run(&mut trainer, &store, None).unwrap();
                (pictures, log(&store))
            });
            assert!(resident.0 == 132 && streamed.0 < 132, "{} and {} pictures on the device", resident.0, streamed.0);
            assert_eq!(resident.1, streamed.1, "{} {augment}", subject.name);
        }
    }
}

#[test]
fn steps_by_hand_are_the_run_s_steps() {
    let store = MemoryStore::default();
    let mut whole = trainer(cpu(None), settings(Optimizer::default())).unwrap();
    run(&mut whole, &store, None).unwrap();
    let records = log(&store);
    let expected = records.iter().filter_map(|r| if let Record::Step { loss, .. } = r { Some(*loss) } else { None });
    let mut by_hand = trainer(cpu(None), settings(Optimizer::default())).unwrap();
    let losses = RefCell::new(Vec::new());
    for count in [1, 3, 10, 20] {
        losses.borrow_mut().extend(block_on(by_hand.steps(count, &|| Duration::ZERO)).unwrap());
    }
    assert_eq!(losses.into_inner(), expected.take(34).collect::<Vec<_>>());
}
