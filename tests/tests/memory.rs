//! A run's memory stays where it is: 2,000 steps add less than 5 MB to the process.

use std::rc::Rc;
use std::time::Instant;

use convoke_core::layers::{Conv2d, Features, Flatten, Linear, MaxPool2d, Relu};
use convoke_core::model::ModelSpec;
use convoke_data::{Dataset, Normalization, Samples};
use convoke_tests::{block_on, engines};
use convoke_train::{Settings, Trainer};

/// Bytes of the process that lie in memory.
#[cfg(target_os = "linux")]
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").trim().parse::<i64>().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn two_thousand_steps_add_less_than_five_megabytes() {
    let model = ModelSpec::new("small", [1, 12, 12], 4)
        .layer("conv", Conv2d::new(4, 3).padding(1))
        .then(Relu {})
        .then(MaxPool2d::new(2))
        .then(Flatten {})
        .layer("fc", Linear::new(Features::Classes));
    let samples = |count: usize| Samples {
        pixels: (0..count * 144).map(|i| (i * 37 % 251) as u8).collect(),
        labels: (0..count).map(|i| i as u32 % 4).collect(),
    };
    let classes = ["a", "b", "c", "d"].map(String::from).to_vec();
    let data = Dataset { train: samples(256), test: samples(8), classes, channels: 1, height: 12, width: 12 };
    let data = Rc::new(data);
    for subject in engines() {
        let (network, settings) = (model.build().unwrap(), Settings { batch_size: 16, ..Settings::default() });
        let statistics = Normalization::Dataset.resolve(&data, 1).unwrap();
        let mut quiet = |_, _| {};
        let new =
            Trainer::new(subject.engine, network, data.clone(), statistics, settings, None, String::new(), &mut quiet);
        let mut trainer = block_on(new).unwrap();
        let start = Instant::now();
        let mut steps = |count| block_on(trainer.steps(count, &|| start.elapsed())).unwrap();
        steps(500);
        let before = resident();
        steps(2000);
        let growth = resident() - before;
        assert!(growth < 5_000_000, "{}: {growth} bytes more after 2,000 steps", subject.name);
        println!("{}: {growth} bytes more after 2,000 steps", subject.name);
    }
}
