//! Help texts: each option is there, with its default.

use convoke::optim::Optimizer;
use convoke::prelude::{ModelSpec, Settings};

use crate::setting::Setting;

fn help(command: &str) -> String {
    Setting::new().run(&format!("{command} --help")).good().stdout
}

#[track_caller]
fn assert_all(text: &str, parts: &[&str]) {
    let missing: Vec<_> = parts.iter().filter(|part| !text.contains(**part)).collect();
    assert!(missing.is_empty(), "no {missing:?} in\n{text}");
}

#[test]
fn the_commands_are_listed_with_examples_and_exit_codes() {
    let commands = ["train", "eval", "predict", "devices", "summary", "compare", "bench"];
    assert_all(&help(""), &commands);
    assert_all(&help(""), &["Examples:", "Exit codes: 0", "130"]);
    for command in commands {
        assert_all(&help(command), &["Examples:", &format!("Usage: convoke {command}")]);
    }
}

#[test]
fn training_tells_its_options_and_their_true_defaults() {
    let text = help("train");
    let options = [
        "--data <D>",
        "--epochs <N>",
        "--batch-size <N>",
        "--optimizer <NAME>",
        "--lr <X>",
        "--momentum <X>",
        "--nesterov",
        "--weight-decay <X>",
        "--beta1 <X>",
        "--beta2 <X>",
        "--eps <X>",
        "--alpha <X>",
        "--centered",
        "--lr-decay <X>",
        "--initial-accumulator-value <X>",
        "--loss <NAME>",
        "--label-smoothing <X>",
        "--class-weights <WEIGHTS>",
        "--huber-delta <X>",
        "--seed <N>",
        "--device <DEVICE,…>",
        "--split <HOW>",
        "--device-timeout <S>",
        "--threads <N>",
        "--normalize <HOW>",
        "--init <FILE.safetensors>",
        "--no-shuffle",
        "--max-steps <N>",
        "--checkpoint-every <N>",
        "--out <DIR>",
        "--force",
        "--resume <DIR>",
    ];
    assert_all(&text, &options);
    for option in options {
        let name = option.split(' ').next().unwrap();
        let own = text.split(&format!("\n      {name}")).nth(1).unwrap_or_else(|| panic!("{name} has no entry"));
        assert!(own.lines().nth(1).is_some_and(|line| line.trim().len() > 20), "{name} is not explained");
    }
    let Settings { epochs, batch_size, optimizer, seed, shuffle, .. } = Settings::default();
    let Optimizer::Sgd { lr, momentum, nesterov: false, weight_decay } = optimizer else { panic!("{optimizer:?}") };
    assert!(shuffle);
    let default = |option: &str| {
        let own = text.split(&format!("\n      {option} <")).nth(1).unwrap();
        let words: Vec<&str> = own.split_whitespace().collect();
        words.join(" ").split("[default: ").nth(1).unwrap().split(']').next().unwrap().to_string()
    };
    assert_eq!(default("--epochs"), epochs.to_string());
    assert_eq!(default("--batch-size"), batch_size.to_string());
    assert_eq!(
        default("--lr"),
        format!("{lr} for sgd and adagrad, 0.001 for adam, adamw and rmsprop, 0.0001 for lion")
    );
    assert_eq!(default("--momentum"), format!("{momentum} for sgd, 0 for rmsprop"));
    assert_eq!(default("--weight-decay"), format!("0.01 for adamw, {weight_decay} for the others"));
    assert_eq!(default("--seed"), seed.to_string());
}

#[test]
fn every_preset_is_named_where_a_model_is_asked_for() {
    for command in ["train", "summary", "compare", "bench"] {
        let text = help(command);
        ModelSpec::presets().for_each(|preset| assert_all(&text, &[preset]));
    }
}

#[test]
fn the_other_commands_tell_their_options() {
    assert_all(
        &help("eval"),
        &[
            "--checkpoint <FILE>",
            "--data <D>",
            "--batch-size <N>",
            "--device <DEVICE>",
            "--matrix <FILE.svg>",
            "--json",
        ],
    );
    assert_all(&help("predict"), &["--checkpoint <FILE>", "<IMAGE>...", "--top <K>", "--device <DEVICE>", "--json"]);
    assert_all(&help("devices"), &["--json"]);
    assert_all(&help("summary"), &["[MODEL]", "--batch-size <N>", "--json"]);
    let bench = ["[MODEL]", "--device <DEVICE,…>", "--batch-size <N>", "--data <D>", "--seconds <S>", "--json"];
    assert_all(&help("bench"), &bench);
}
