//! Training from PyTorch's weights, as PyTorch trains on: the losses of twenty steps through the command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use convoke::formats::{NamedTensor, TensorFile};
use safetensors::SafeTensors;

use crate::setting::{Setting, png};

fn fixture(name: &str) -> Vec<u8> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

/// A file of weights as PyTorch writes it: the recorded run's first ones.
fn first_weights() -> Vec<u8> {
    let bytes = fixture("trajectory.safetensors");
    let all = SafeTensors::deserialize(&bytes).unwrap();
    let first = all.iter().filter_map(|(name, view)| Some((name.strip_prefix("step0/weights/")?.to_string(), view)));
    let tensors = first.map(|(name, view)| NamedTensor {
        name,
        dims: view.shape().to_vec(),
        data: view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
    });
    TensorFile { tensors: tensors.collect(), metadata: BTreeMap::new() }.encode()
}

fn recorded(name: &str) -> Vec<f64> {
    let bytes = fixture("free_run.safetensors");
    let all = SafeTensors::deserialize(&bytes).unwrap();
    let losses = all.tensor(name).unwrap();
    losses.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// The bounds are those of the design: 1e-5 for SGD and 1e-4 for Adam, whose first steps divide by tiny numbers.
#[test]
fn twenty_steps_from_pytorch_s_weights_lose_as_pytorch_does() {
    let setting = Setting::new();
    setting.write("torch.safetensors", &first_weights());
    for device in ["cpu", "gpu"] {
        for (optimizer, bound) in [("sgd", 1e-5), ("adam", 1e-4)] {
            let run = format!("{device}-{optimizer}");
            let options = "--init torch.safetensors --no-shuffle --normalize none --max-steps 20";
            setting.run(&format!("train {options} --optimizer {optimizer} --device {device} --out {run}")).good();
            let losses: Vec<f64> = setting.losses(&run).into_iter().map(f64::from_bits).collect();
            let expected = recorded(&format!("{optimizer}/f64"));
            assert_eq!(losses.len(), expected.len(), "{run}");
            for (step, (loss, expected)) in losses.iter().zip(&expected).enumerate() {
                let error = (loss - expected).abs() / expected;
                assert!(error <= bound, "{run}: step {}: {loss} and not {expected}", step + 1);
            }
        }
    }
}

/// The network of `fixtures/torch_small.safetensors`, which is for seven classes.
const SMALL: &str = r#"
name = "small"
input = [1, 8, 8]
layers = [
    { type = "conv2d", name = "conv1", out_channels = 4, kernel_size = 3, padding = 1, bias = false },
    { type = "batch_norm", name = "bn1" },
    { type = "relu" },
    { type = "max_pool2d", kernel_size = 2 },
    { type = "flatten" },
    { type = "linear", name = "fc", out_features = "classes" },
]
"#;

/// A file's tensors by name.
fn tensors(bytes: &[u8]) -> BTreeMap<String, NamedTensor> {
    let file = TensorFile::decode("a file", bytes).unwrap();
    file.tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect()
}

#[test]
fn pytorch_s_weights_of_other_classes_get_a_new_head() {
    let setting = Setting::new();
    setting.write("net.toml", SMALL.as_bytes());
    setting.write("torch.safetensors", &fixture("torch_small.safetensors"));
    let frozen = "--freeze conv1.* --freeze bn1.*";
    let ran =
        setting.train_model("net.toml", &format!("--init torch.safetensors {frozen} --epochs 2 --out run")).good();
    let told = "head    new, for 3 classes: fc.weight [7, 64] and fc.bias [7] of torch.safetensors tell another number";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    let (given, model) =
        (tensors(&fixture("torch_small.safetensors")), std::fs::read(setting.path("run/model.safetensors")));
    let model = tensors(&model.unwrap());
    assert_eq!(model.len(), 7);
    for name in ["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"] {
        let bits = |tensor: &NamedTensor| tensor.data.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&model[name]), bits(&given[name]), "{name}");
    }
    assert_eq!((&model["fc.weight"].dims[..], &model["fc.bias"].dims[..]), (&[3, 64][..], &[3][..]));
    // The new head is the seed's, as without given weights, and has learned.
    setting.train_model("net.toml", "--max-steps 1 --out start").good();
    setting.train_model("net.toml", "--max-steps 1 --init torch.safetensors --out other").good();
    let first =
        |run: &str| tensors(&std::fs::read(setting.path(run).join("checkpoint-0000000000.safetensors")).unwrap());
    assert_eq!(first("start")["fc.weight"], first("other")["fc.weight"]);
    assert_ne!(first("start")["conv1.weight"], first("other")["conv1.weight"]);
    assert_ne!(model["fc.weight"], first("other")["fc.weight"]);

    // A run of Convoke's own begins another with other classes alike; where the classes are as many, nothing is left out.
    for index in 0..20 {
        setting.write(&format!("two/{}/{index}.png", ["a", "b"][index % 2]), &png(index));
    }
    let more = "--device cpu --max-steps 1 --init run/model.safetensors";
    let ran = setting.run(&format!("train net.toml --data two {more} --out two-classes")).good();
    assert!(ran.stdout.contains("new, for 2 classes: fc.weight [3, 64] and fc.bias [3]"), "{}", ran.stdout);
    assert!(!setting.run(&format!("train net.toml --data data {more} --out same")).good().stdout.contains("head"));
}

#[test]
fn other_differences_than_the_head_are_refused() {
    let setting = Setting::new();
    setting.write("torch.safetensors", &fixture("torch_small.safetensors"));
    let refused = |from: &str, to: &str, parts: &[&str]| {
        assert!(SMALL.contains(from));
        setting.write("net.toml", SMALL.replace(from, to).as_bytes());
        setting.train_model("net.toml", "--init torch.safetensors --out run").wrong(1, parts);
        assert!(!setting.path("run").exists());
    };
    refused("out_channels = 4", "out_channels = 5", &["conv1.weight is [4, 1, 3, 3] and has to be [5, 1, 3, 3]"]);
    refused("kernel_size = 2", "kernel_size = 4", &["fc.weight is [7, 64] and has to be [3, 16]"]);
    refused("name = \"fc\"", "name = \"head\"", &["head.weight [3, 64] is missing", "fc.weight is not in the model"]);
    refused(
        "{ type = \"linear\"",
        "{ type = \"linear\", name = \"one\", out_features = 64 }, { type = \"linear\"",
        &["one.weight [64, 64] is missing"],
    );
}
