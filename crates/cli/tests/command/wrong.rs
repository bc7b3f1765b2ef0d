//! What users may do wrong: one line that says what was asked, what was found and what to do, and nothing half-written.

use std::path::Path;

use crate::setting::{SMALL, Setting, idx_images, idx_labels, png};

/// A folder of class folders of pictures.
fn class_folders(setting: &Setting) {
    for index in 0..30 {
        let class = ["bar", "column", "diagonal"][index % 3];
        setting.write(&format!("folders/{class}/{index}.png"), &png(index));
    }
}

/// Expects that a new run is refused before anything is written.
#[track_caller]
pub fn refused(setting: &Setting, arguments: &str, code: i32, parts: &[&str]) {
    let ran = setting.run(&format!("train {arguments} --device cpu --out out")).wrong(code, parts);
    assert_eq!(ran.stdout, "");
    assert!(!setting.path("out").exists(), "{arguments}: something was written");
}

#[test]
fn wrong_models() {
    let setting = Setting::new();
    let model = |name: &str, from: &str, to: &str| {
        assert!(SMALL.contains(from));
        setting.write(name, SMALL.replace(from, to).as_bytes());
        format!("{name} --data data")
    };
    let shapes = model("shapes.toml", "kernel_size = 3\npadding = 1", "kernel_size = 30");
    refused(&setting, &shapes, 2, &["shapes.toml", "layer `conv`", "30"]);
    let key = model("key.toml", "padding = 1", "pading = 1");
    refused(&setting, &key, 2, &["key.toml", "layer `conv` (conv2d)", "pading"]);
    let syntax = model("syntax.toml", "input = [1, 8, 8]", "input = [1, 8");
    refused(&setting, &syntax, 2, &["syntax.toml", "line"]);
    let classes = model("classes.toml", "out_features = \"classes\"", "out_features = 7");
    refused(&setting, &classes, 2, &["classes.toml", "3 classes", "out_features = \"classes\""]);
    let channels = model("channels.toml", "[1, 8, 8]", "[5, 8, 8]");
    refused(&setting, &channels, 2, &["[5, 8, 8]", "1 or 3"]);
    let huge = model("huge.toml", "[1, 8, 8]", "[1, 99999999, 8]");
    refused(&setting, &huge, 2, &["99999999"]);
    refused(&setting, "refrence-cnn", 2, &["no model `refrence-cnn`", "reference-cnn", "TOML"]);
    refused(&setting, "data", 2, &["can't read the model data", "folder"]);
    setting.write("binary.toml", &[0xff, 0xfe, 0]);
    refused(&setting, "binary.toml", 2, &["binary.toml", "not text"]);
}

#[test]
fn wrong_data() {
    let setting = Setting::new();
    setting.write("cut/train-images-idx3-ubyte", &idx_images(96)[..500]);
    setting.write("cut/train-labels-idx1-ubyte", &idx_labels(96));
    setting.write("cut/t10k-images-idx3-ubyte", &idx_images(30));
    setting.write("cut/t10k-labels-idx1-ubyte", &idx_labels(30));
    let parts = ["train-images-idx3-ubyte", "6160", "500"];
    refused(&setting, "small.toml --data cut", 1, &parts);

    setting.write("cut/train-images-idx3-ubyte", &idx_images(96));
    let mut labels = idx_labels(30);
    labels[8 + 4] = 9;
    setting.write("cut/t10k-labels-idx1-ubyte", &labels);
    refused(&setting, "small.toml --data cut", 1, &["t10k-labels-idx1-ubyte", "label 9", "0 to 2"]);

    class_folders(&setting);
    let whole = png(3);
    setting.write("folders/bar/3.png", &whole[..whole.len() / 2]);
    refused(&setting, "small.toml --data folders", 1, &["folders", "bar/3.png", "repair, convert or remove it"]);

    setting.write("folders/bar/3.png", &whole);
    std::fs::create_dir(setting.path("folders/nothing")).unwrap();
    refused(&setting, "small.toml --data folders", 1, &["class folder nothing holds no pictures"]);

    refused(&setting, "small.toml --data nowhere", 2, &["--data nowhere", "no such folder", "fashion-mnist-mini"]);
    refused(&setting, "small.toml --data small.toml", 2, &["small.toml", "not a folder"]);
    std::fs::create_dir(setting.path("void")).unwrap();
    refused(&setting, "small.toml --data void", 1, &["void", "no dataset found"]);
}

#[test]
fn wrong_weights() {
    let setting = Setting::new();
    let header = br#"{"fc.weight":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#;
    let mut lying = (header.len() as u64).to_le_bytes().to_vec();
    lying.extend(header);
    lying.extend([0; 4]);
    setting.write("lying.safetensors", &lying);
    setting.write("huge.safetensors", &[u64::MAX.to_le_bytes().to_vec(), vec![0; 64]].concat());
    for file in ["lying.safetensors", "huge.safetensors", "small.toml"] {
        let parts = [file, "not a sound safetensors file"];
        refused(&setting, &format!("small.toml --data data --init {file}"), 1, &parts);
        setting.run(&format!("eval --checkpoint {file} --data data --device cpu")).wrong(1, &parts);
        setting.run(&format!("predict --checkpoint {file} x.png --device cpu")).wrong(1, &parts);
    }
    refused(&setting, "small.toml --data data --init none.safetensors", 1, &["can't read none.safetensors"]);

    setting.write("wide.toml", SMALL.replace("out_channels = 4", "out_channels = 5").as_bytes());
    setting.train("--max-steps 1 --out run").good();
    let parts = ["run/model.safetensors does not fit the model `small`", "conv.weight is [4, 1, 3, 3]", "[5, 1, 3, 3]"];
    refused(&setting, "wide.toml --data data --init run/model.safetensors", 1, &parts);
    setting
        .run("eval --checkpoint run/model.safetensors --device cpu")
        .wrong(1, &["3 classes (0, 1, 2)", "10 classes (T-shirt/top", "same classes"]);
    setting
        .run("predict --checkpoint run/model.safetensors --device cpu small.toml")
        .wrong(1, &["small.toml", "not a PNG, JPEG or WebP picture"]);
}

#[test]
fn wrong_options() {
    let setting = Setting::new();
    let on_data = |options: &str| format!("small.toml --data data {options}");
    refused(&setting, &on_data("--batch-size 0"), 2, &["batch size is 0", "from 1"]);
    refused(&setting, &on_data("--batch-size -3"), 2, &["-3", "--batch-size"]);
    refused(&setting, &on_data("--lr nan"), 2, &["learning rate is NaN", "above 0"]);
    refused(&setting, &on_data("--lr -0.1"), 2, &["learning rate is -0.1"]);
    refused(&setting, &on_data("--epochs 0"), 2, &["epochs is 0"]);
    refused(&setting, &on_data("--momentum 1"), 2, &["momentum is 1"]);
    refused(&setting, &on_data("--weight-decay -1"), 2, &["weight decay is -1"]);
    refused(&setting, &on_data("--momentum 0 --nesterov"), 2, &["Nesterov", "needs momentum"]);
    refused(&setting, &on_data("--max-steps 0"), 2, &["steps is 0"]);
    refused(&setting, &on_data("--checkpoint-every 0"), 2, &["steps is 0"]);
    refused(
        &setting,
        &on_data("--optimizer adam --momentum 0.5"),
        2,
        &["--momentum is for sgd", "the optimizer is adam"],
    );
    refused(&setting, &on_data("--optimizer adam --nesterov"), 2, &["--nesterov is for sgd", "adam"]);
    refused(&setting, &on_data("--optimizer lyon"), 2, &["lyon", "sgd, adam", "lion"]);
    refused(&setting, &on_data("--normalize 0.5"), 2, &["normalisation is 0.5", "dataset, none"]);
    refused(&setting, &on_data("--normalize 0,0:1,1"), 2, &["2", "the model's 1"]);
    refused(&setting, &on_data("--threads 0"), 2, &["--threads", "zero"]);
    refused(&setting, &on_data("--epoch 3"), 2, &["--epoch", "convoke help"]);
    setting.run("train --force").wrong(2, &["--out <DIR>"]);
    setting.run("eval").wrong(2, &["--checkpoint <FILE>"]);
    setting.run("predict --checkpoint x").wrong(2, &["<IMAGE>"]);
    setting.run("predict --checkpoint x --top 0 y.png").wrong(2, &["--top", "zero"]);
    setting.run("summary --batch-size 0").wrong(2, &["--batch-size", "1..=65536"]);
    setting.run("bench --seconds 0").wrong(2, &["--seconds is 0", "above 0"]);
    setting.run("bench --seconds nan").wrong(2, &["--seconds is NaN"]);
    setting.run("tain").wrong(2, &["tain", "train"]);
}

#[test]
fn wrong_devices() {
    let setting = Setting::new();
    for command in ["train", "bench"] {
        let ran = setting.run(&format!("{command} small.toml --data data --device voodoo"));
        ran.wrong(2, &["no device `voodoo`", "cpu is "]);
    }
    setting.run("train --device gpu:99").wrong(2, &["no device `gpu:99`", "graphics adapters"]);
    setting.run("train --device gpu:x").wrong(2, &["gpu:x", "auto, cpu, gpu, gpu:0"]);
    assert!(!setting.path("runs").exists());
}

#[test]
fn folders_that_can_not_be_written() {
    let setting = Setting::new();
    setting.write("file", b"mine");
    for out in ["file", "file/run"] {
        let ran = setting.train(&format!("--max-steps 1 --out {out}"));
        ran.wrong(1, &[&format!("can't create {out}"), "a file is in the way"]);
    }
    assert_eq!(std::fs::read(setting.path("file")).unwrap(), b"mine");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let setting = Setting::new();
    setting.train("--max-steps 2 --out run").good();
    let log = setting.path("run/metrics.jsonl");
    std::fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink("/dev/full", &log).unwrap();
    let before = setting.names("run");
    let ran = setting.run("train --resume run --max-steps 9");
    ran.wrong(1, &["can't write run/metrics.jsonl", "No space left on device", "free some space"]);
    assert_eq!(setting.names("run"), before);
}

#[test]
fn another_run_is_never_written_over() {
    let setting = Setting::new();
    setting.train("--max-steps 1 --out run").good();
    let (before, model) = (setting.names("run"), std::fs::read(setting.path("run/model.safetensors")).unwrap());
    let ran = setting.train("--max-steps 3 --seed 1 --out run");
    ran.wrong(2, &["run already holds a run", "--resume run", "--force"]);
    assert_eq!(setting.names("run"), before);
    assert_eq!(std::fs::read(setting.path("run/model.safetensors")).unwrap(), model);
    // A run that does not get ready leaves the old one alone, whatever was forced.
    setting.train("--force --out run --init none").wrong(1, &["none"]);
    assert_eq!(setting.names("run"), before);

    setting.write("run/mine.txt", b"mine");
    setting.train("--max-steps 3 --seed 1 --out run --force").good();
    assert_eq!(setting.losses("run").len(), 3);
    assert!(Path::new(&setting.path("run/mine.txt")).exists());
    assert!(!setting.path("run/checkpoint-0000000001.safetensors").exists());
}

#[test]
fn wrong_resumes() {
    let setting = Setting::new();
    setting.run("train --resume none").wrong(1, &["can't open none", "check the path"]);
    setting.run("train --resume data").wrong(1, &["no checkpoint in data"]);
    setting.train("--max-steps 2 --out run").good();
    for option in ["--lr 0.5", "--seed 3", "--batch-size 7", "--out x", "--no-shuffle", "--init x", "small.toml"] {
        let ran = setting.run(&format!("train --resume run {option}"));
        ran.wrong(2, &["--resume", "cannot be used with"]);
    }
    setting.run("train --resume run --epochs 0").wrong(2, &["epochs is 0"]);
    let moved = |labels: &[u8]| setting.write("data/t10k-labels-idx1-ubyte", labels);
    let mut labels = idx_labels(30);
    labels[8] = 1;
    moved(&labels);
    setting.run("train --resume run --max-steps 4").wrong(1, &["the data has changed"]);
    moved(&idx_labels(30));
    setting.write("run/checkpoint-0000000009.safetensors", b"half of i");
    setting.run("train --resume run --max-steps 4").good();
    assert_eq!(setting.losses("run").len(), 4, "a broken checkpoint is passed over");
}

/// A step with NaN changes no weight, stops the run, and says at which step.
#[test]
fn numbers_that_are_none() {
    let setting = Setting::new();
    let ran = setting.train("--lr 1e30 --out run");
    let ran = ran.wrong(1, &["not a finite number", "no weight was changed", "lower learning rate than 1000"]);
    let step: usize = ran.stderr.split_whitespace().nth(2).unwrap().trim_end_matches(':').parse().unwrap();
    assert!((1..=20).contains(&step), "{}", ran.stderr);
    assert_eq!(setting.losses("run").len(), step - 1);
    let file =
        convoke::formats::TensorFile::decode("m", &std::fs::read(setting.path("run/model.safetensors")).unwrap());
    let mut values = file.unwrap().tensors.into_iter().flat_map(|tensor| tensor.data);
    assert!(values.all(f32::is_finite));
}

#[test]
fn weights_that_are_too_large_to_evaluate() {
    let setting = Setting::new();
    setting.train("--max-steps 1 --lr 1e30 --out wild").good();
    setting
        .run("eval --checkpoint wild/model.safetensors --data data --device cpu --json")
        .wrong(1, &["wild/model.safetensors", "the loss on", "lower learning rate"]);
}
