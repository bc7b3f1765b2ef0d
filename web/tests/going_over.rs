//! On adapters where compiling takes long, a run begins with small tiles and goes over to larger ones while it runs: it learns the same.
#![cfg(target_family = "wasm")]

use convoke::kernels::Target;
use convoke::model::ModelSpec;
use convoke::optim::Optimizer;
use convoke_tests::models::parameters;
use convoke_tests::{Figures, LoadedNetwork, Pictures, Setup, gpu};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Enough steps to go over in between: that takes seconds, and a step a tenth of one.
const STEPS: usize = 80;

async fn trained(target: Target) -> (Vec<Figures>, Vec<Vec<u32>>) {
    let network = ModelSpec::preset("reference-cnn").expect("it is a preset").build().expect("presets build");
    let mut pictures = Pictures::embedded();
    pictures.labels.truncate(300);
    pictures.pixels.truncate(300 * pictures.plane);
    let (setup, gather) = (Setup::new(Optimizer::default(), 64), pictures.plain_gather(network.spec.input[0]));
    let mut engine = gpu(Some(target)).await;
    let run = async {
        let mut loaded = LoadedNetwork::new(engine.as_mut(), &network, setup, gather, &pictures).await?;
        loaded.begin(&parameters(&network, 1))?;
        let batches: Vec<Vec<u32>> = (0..STEPS).map(|step| pictures.in_order(step, 64)).collect();
        Ok::<_, String>((loaded.train(&batches, 1).await?, loaded.state().await?))
    };
    run.await.unwrap_or_else(|problem| panic!("{target:?}: {problem}"))
}

#[wasm_bindgen_test]
async fn a_run_that_goes_over_learns_the_same_bits() {
    let later = Target::NarrowCpu.later().expect("there is something to go over to");
    let (figures, state) = trained(Target::NarrowCpu).await;
    let (expected, end) = trained(later).await;
    assert_eq!(figures, expected);
    assert!(state == end, "the weights differ after {STEPS} steps");
}
