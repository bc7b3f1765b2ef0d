//! What `eval` says of single classes, and the losses of `train`.

use convoke::prelude::Record;
use serde_json::Value;

use crate::setting::Setting;

#[test]
fn figures_of_classes_agree_with_the_matrix_that_is_drawn() {
    let setting = Setting::new();
    setting.train("--epochs 3 --batch-size 16 --lr 0.05 --out run").good();
    let arguments = "eval --checkpoint run/model.safetensors --data data --device cpu --matrix matrix.svg";
    let evaluation = setting.run(&format!("{arguments} --json")).good().json();
    let rows: Vec<Vec<u64>> = serde_json::from_value(evaluation["confusion"].clone()).unwrap();
    let right: u64 = (0..3).map(|class| rows[class][class]).sum();
    assert_eq!(evaluation["accuracy"].as_f64(), Some(right as f64 / 30.0));
    assert_eq!(evaluation["top5"].as_f64(), Some(1.0));
    let classes = evaluation["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 3);
    for (class, figures) in classes.iter().enumerate() {
        let total: u64 = rows[class].iter().sum();
        assert_eq!((&figures["support"], &figures["name"]), (&total.into(), &Value::from(class.to_string())));
        assert_eq!(figures["recall"].as_f64(), Some(rows[class][class] as f64 / total as f64));
    }
    let svg = std::fs::read_to_string(setting.path("matrix.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("of data right"), "{svg}");
    let text = setting.run(arguments).good().stdout;
    for part in ["precision", "recall", "mean of the classes", "pictures"] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    setting.run(&format!("{arguments}/x/y.svg")).wrong(1, &["can't write matrix.svg/x/y.svg", "--matrix"]);
}

#[test]
fn losses_are_chosen_and_go_on_with_a_run() {
    let setting = Setting::new();
    let first = |run: &str| match setting.log(run).first() {
        Some(Record::Step { loss, .. }) => *loss,
        other => panic!("{other:?}"),
    };
    setting.train("--max-steps 3 --out plain").good();
    setting.train("--max-steps 3 --label-smoothing 0.5 --class-weights balanced --out smoothed").good();
    setting.train("--max-steps 3 --loss mse --out squared").good();
    assert!(first("smoothed") != first("plain") && first("squared") != first("plain"));
    for run in ["smoothed", "squared"] {
        let resumed = setting.run(&format!("train --resume {run} --max-steps 5 --device cpu"));
        assert!(resumed.good().stdout.contains("goes on after step 3"));
        setting.run(&format!("eval --checkpoint {run}/model.safetensors --data data --device cpu")).good();
    }
    let wrong = |arguments: &str, parts: &[&str]| setting.train(arguments).wrong(2, parts);
    wrong("--label-smoothing 1.5", &["label smoothing is 1.5", "up to but not including 1"]);
    wrong("--class-weights 1,2", &["2 class weights and 3 classes"]);
    wrong("--class-weights 1,x,2", &["`x` is no number", "balanced"]);
    wrong("--class-weights 1,-2,2", &["class weight is -2"]);
    wrong("--loss mse --class-weights balanced", &["class weights are for cross_entropy"]);
    wrong("--huber-delta 2", &["delta is for huber"]);
    wrong("--loss mle", &["mle", "mse"]);
}
