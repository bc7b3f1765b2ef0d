//! From pictures to a trained model and back.

use convoke::prelude::Record;

use crate::setting::{Setting, label, png};

#[test]
fn a_trained_model_is_evaluated_as_it_was_tested_and_tells_pictures_apart() {
    let setting = Setting::new();
    let ran = setting.train("--epochs 12 --batch-size 16 --lr 0.05 --out run").good();
    for part in
        ["96 pictures to train on, 30 to test on, 3 classes", "epoch 12/12", "finished: 72 steps", "convoke predict"]
    {
        assert!(ran.stdout.contains(part), "no {part} in\n{}", ran.stdout);
    }
    let names = setting.names("run");
    let checkpoints = names.iter().filter(|name| name.starts_with("checkpoint-")).count();
    assert!((2..=3).contains(&checkpoints), "the last two and the best: {names:?}");
    let others: Vec<_> = names.iter().filter(|name| !name.starts_with("checkpoint-")).collect();
    assert_eq!(others, ["curves.svg", "metrics.jsonl", "model.safetensors"]);

    let log = setting.log("run");
    let steps = log.iter().filter(|record| matches!(record, Record::Step { .. })).count();
    assert_eq!((steps, log.len()), (72, 72 + 12));
    let Some(&Record::Epoch { epoch: 12, test_loss, test_accuracy, samples_per_second, .. }) = log.last() else {
        panic!("the log ends with {:?}", log.last());
    };
    assert!(test_accuracy > 0.9 && samples_per_second > 0.0, "{log:?}");

    let last = names.iter().rfind(|name| name.starts_with("checkpoint-")).unwrap();
    for (file, batch) in [("model.safetensors", 16), ("model.safetensors", 7), (last, 64)] {
        let arguments = format!("eval --checkpoint run/{file} --data data --batch-size {batch} --device cpu");
        let evaluation = setting.run(&format!("{arguments} --json")).good().json();
        let loss = evaluation["loss"].as_f64().unwrap();
        assert!((loss - test_loss).abs() <= 1e-6 * test_loss, "{loss} against {test_loss}");
        assert_eq!((evaluation["accuracy"].as_f64(), &evaluation["samples"]), (Some(test_accuracy), &30.into()));
        let text = setting.run(&arguments).good().stdout;
        assert!(text.contains(&format!("loss {loss:.4}")) && text.contains("30 test pictures of data"), "{text}");
    }

    let pictures: Vec<usize> = (96..106).collect();
    pictures.iter().for_each(|&index| setting.write(&format!("new/{index}.png"), &png(index)));
    let files: Vec<String> = pictures.iter().map(|index| format!("new/{index}.png")).collect();
    let arguments = format!("predict --checkpoint run/model.safetensors --device cpu {}", files.join(" "));
    let predictions = setting.run(&format!("{arguments} --json --top 2")).good().json();
    let predictions = predictions.as_array().unwrap();
    let right = |(&index, prediction): (&usize, &serde_json::Value)| {
        prediction["class"].as_str() == Some(["0", "1", "2"][label(index)])
    };
    let right = pictures.iter().zip(predictions).filter(|pair| right(*pair)).count();
    assert!(right >= 9, "{right} of 10 right: {predictions:?}");
    assert_eq!(predictions[3]["image"], files[3]);
    let classes = predictions[0]["classes"].as_array().unwrap();
    assert_eq!((classes.len(), &classes[0]["name"]), (2, &predictions[0]["class"]));
    let text = setting.run(&arguments).good().stdout;
    assert_eq!(text.lines().count(), 10);
    let first = &predictions[0]["classes"][0];
    let percent = format!("{:.1} %", first["probability"].as_f64().unwrap() * 100.0);
    assert!(text.starts_with(&format!("new/96.png: {} {percent}, ", first["name"].as_str().unwrap())), "{text}");
}

#[test]
fn class_folders_of_another_size_are_trained_on_in_colour() {
    let setting = Setting::new();
    for index in 0..60 {
        let class = ["bar", "column", "diagonal"][label(index)];
        setting.write(&format!("pictures/{class}/{index}.png"), &png(index));
    }
    let model = crate::setting::SMALL.replace("[1, 8, 8]", "[3, 12, 10]");
    setting.write("colour.toml", model.as_bytes());
    let arguments = "train colour.toml --data pictures --device cpu --epochs 20 --batch-size 8 --lr 0.03";
    setting.run(&format!("{arguments} --out run")).good();
    let evaluation =
        setting.run("eval --checkpoint run/model.safetensors --data pictures --device cpu --json").good().json();
    assert!(evaluation["accuracy"].as_f64() > Some(0.8), "{evaluation}");
    let text =
        setting.run("predict --checkpoint run/model.safetensors --device cpu pictures/column/1.png").good().stdout;
    assert!(text.starts_with("pictures/column/1.png: column "), "{text}");
    // The split doesn't hang on the seed: what one run tests on, another has not trained on.
    setting.run(&format!("{arguments} --epochs 1 --seed 5 --out other").replacen(" --epochs 20", "", 1)).good();
    let other =
        setting.run("eval --checkpoint run/model.safetensors --data pictures --device cpu --json").good().json();
    assert_eq!(other, evaluation);
}

#[test]
fn the_embedded_pictures_and_the_reference_network_are_the_default() {
    let setting = Setting::new();
    let ran = setting.run("train --device cpu --max-steps 3").good();
    assert!(ran.stdout.contains("6,000 pictures to train on, 1,000 to test on, 10 classes"), "{}", ran.stdout);
    let runs = setting.names("runs");
    let [run] = runs.as_slice() else { panic!("{runs:?}") };
    let (time, model) = run.split_at(15);
    assert!(time.chars().enumerate().all(|(i, c)| if i == 8 { c == '-' } else { c.is_ascii_digit() }), "{run}");
    assert_eq!(model, "-reference-cnn");
    assert_eq!(setting.losses(&format!("runs/{run}")).len(), 3);
}

#[test]
fn the_same_seed_gives_the_same_model_whatever_the_threads() {
    let setting = Setting::new();
    for (run, options) in [("a", ""), ("b", ""), ("c", "--threads 1"), ("d", "--threads 3"), ("e", "--seed 1")] {
        setting.train(&format!("--epochs 2 --batch-size 20 --out {run} {options}")).good();
    }
    let model = |run: &str| std::fs::read(setting.path(run).join("model.safetensors")).unwrap();
    for run in ["b", "c", "d"] {
        assert_eq!(setting.losses(run), setting.losses("a"), "{run}");
        assert!(model(run) == model("a"), "{run}");
    }
    assert_ne!(setting.losses("e"), setting.losses("a"));
}

#[test]
fn given_weights_begin_a_run() {
    let setting = Setting::new();
    setting.train("--seed 7 --no-shuffle --normalize none --max-steps 4 --out a").good();
    // The checkpoint before the first step holds what the seed began with, and the optimizer's state, which is left aside.
    setting.train("--seed 7 --max-steps 1 --out start").good();
    let init = "--init start/checkpoint-0000000000.safetensors";
    setting.train(&format!("--seed 8 {init} --no-shuffle --normalize none --max-steps 4 --out b")).good();
    assert_eq!(setting.losses("b"), setting.losses("a"));
    setting.train("--seed 8 --no-shuffle --normalize none --max-steps 4 --out c").good();
    assert_ne!(setting.losses("c"), setting.losses("a"));
}

#[test]
fn options_reach_the_run() {
    let setting = Setting::new();
    let losses = |options: &str| {
        let run = format!("run{}", options.replace([' ', '.'], ""));
        setting.train(&format!("--max-steps 6 --batch-size 32 --out {run} {options}")).good();
        setting.losses(&run)
    };
    let plain = losses("");
    assert_eq!(losses("--lr 0.01 --momentum 0.9 --weight-decay 0 --optimizer sgd --normalize dataset"), plain);
    let others =
        ["--lr 0.02", "--momentum 0.5", "--nesterov", "--weight-decay 0.1", "--optimizer adam", "--normalize none"];
    let mut seen = vec![plain];
    for option in others {
        let own = losses(option);
        assert!(!seen.contains(&own), "{option} changes nothing");
        seen.push(own);
    }
}
