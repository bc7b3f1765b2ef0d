//! `compare`: several trainings under one budget.

use crate::setting::Setting;

const COMMON: &str = "--data data --device cpu --json --out all";

#[test]
fn models_are_trained_alike_compared_and_trained_further() {
    let setting = Setting::new();
    let names = |report: &serde_json::Value| -> Vec<(String, u64)> {
        let models = report["models"].as_array().unwrap().iter();
        models.map(|m| (m["name"].as_str().unwrap().to_string(), m["steps"].as_u64().unwrap())).collect()
    };
    let first = setting.compare(&["mlp", "mlp --lr 0.1"], &format!("{COMMON} --steps 9")).good().json();
    assert_eq!(names(&first), [("mlp".into(), 9), ("mlp_lr_0.1".into(), 9)]);
    let [plain, fast] = [0, 1].map(|i| first["models"][i].clone());
    assert_eq!(plain["parameters"], fast["parameters"]);
    assert!(plain["loss"] != fast["loss"] && plain["seconds"].as_f64() > Some(0.0), "{first}");
    assert!(setting.names("all").iter().any(|name| name == "compare.svg"));

    // What is trained already is not trained again, and another model comes beside it.
    let more = setting.compare(&["mlp", "lenet5"], &format!("{COMMON} --epochs 1")).good().json();
    assert_eq!(names(&more), [("mlp".into(), 9), ("mlp_lr_0.1".into(), 9), ("lenet5".into(), 2)]);
    assert_eq!(more["models"][0]["loss"], plain["loss"]);
    let further = setting.compare(&["mlp"], &format!("{COMMON} --steps 12")).good().json();
    assert_eq!(further["models"][0]["steps"], 12);

    // Each is a run like any other.
    setting.run("eval --checkpoint all/mlp/model.safetensors --data data --device cpu").good();
    let alone = setting.train_model("mlp", "--max-steps 9 --out alone").good();
    assert!(alone.stdout.contains("finished: 9 steps"));
    assert_eq!(setting.losses("alone"), setting.losses("all/mlp")[..9]);
}

#[test]
fn a_time_is_a_budget_too() {
    let setting = Setting::new();
    let report = setting.compare(&["mlp"], &format!("{COMMON} --time 200ms")).good().json();
    let seconds = report["models"][0]["seconds"].as_f64().unwrap();
    assert!((0.2..5.0).contains(&seconds), "{seconds} s");
    let text = setting.compare(&["mlp"], "--data data --device cpu --out all --time 200ms").good().stdout;
    assert!(text.contains("1 of 1: mlp: test accuracy") && text.contains("best for"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_named() {
    let setting = Setting::new();
    let wrong = |models: &[&str], arguments: &str, parts: &[&str]| setting.compare(models, arguments).wrong(2, parts);
    wrong(&["mlp", "mlp"], COMMON, &["`mlp` is there twice"]);
    wrong(&["mlp --data x"], COMMON, &["--data is the same for all"]);
    wrong(&["mlp --epochs=3"], COMMON, &["--epochs is the same for all"]);
    wrong(&["mlp --optimiser adam"], COMMON, &["`mlp --optimiser adam`", "--optimizer"]);
    wrong(&["nlp"], COMMON, &["there is no model `nlp`"]);
    wrong(&["mlp"], "--steps 3 --epochs 2", &["cannot be used with"]);
    wrong(&["mlp"], "--time soon", &["90s"]);
    wrong(&[], COMMON, &["MODEL"]);
    setting.compare(&["mlp"], &format!("{COMMON} --steps 1")).good();
    wrong(&["mlp"], &format!("{COMMON} --steps 1 --seed 4"), &["seed 0, and this one has 4", "--out"]);
}
