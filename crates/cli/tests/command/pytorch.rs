//! Training from PyTorch's weights, as PyTorch trains on: the losses of twenty steps through the command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use convoke::formats::{NamedTensor, TensorFile};
use safetensors::SafeTensors;

use crate::setting::Setting;

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
