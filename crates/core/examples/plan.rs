//! Prints the plan of a model: `cargo run -p convoke-core --example plan -- [PRESET or FILE.toml] [BATCH]`.

use convoke_core::engine::Limits;
use convoke_core::kernels::Gather;
use convoke_core::loss::Loss;
use convoke_core::model::ModelSpec;
use convoke_core::optim::Optimizer;
use convoke_core::plan::{CompileOptions, compile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or("reference-cnn".into());
    let capacity = arguments.next().map_or(Ok(64), |n| n.parse())?;
    let spec = match ModelSpec::preset(&model) {
        Some(spec) => spec,
        None => ModelSpec::from_toml(&std::fs::read_to_string(&model)?)?,
    };
    let [channels, height, width] = spec.input;
    let gather = Gather {
        source_channels: channels,
        channels,
        plane: height * width,
        mean: vec![0.5; channels],
        inverse_std: vec![2.0; channels],
    };
    let training = Some(Optimizer::default().rule().into());
    let options = CompileOptions {
        capacity,
        slots: 64,
        pictures: 1024,
        gather,
        augment: None,
        loss: Loss::default(),
        training,
        limits: Limits::WEBGPU,
    };
    let program = compile(&spec.build()?, &options)?;
    print!("{program}");
    Ok(())
}
