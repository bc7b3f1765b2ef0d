//! Every op on every engine of a browser: what it computes is what the definition says.
#![cfg(target_family = "wasm")]

use convoke_tests::agreement::{Figure, KERNEL};
use convoke_tests::laws::{Verdict, check_long_dispatch, engine_cases};
use convoke_tests::{TARGETS, cpu, gpu};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Cases that are tried on one device: a browser keeps what a device has compiled until it goes.
const PER_DEVICE: usize = 40;

#[wasm_bindgen_test]
async fn webgpu_agrees_with_the_definition() {
    let cases = engine_cases();
    let mut verdict = Verdict::default();
    for target in TARGETS {
        for cases in cases.chunks(PER_DEVICE) {
            let mut engine = gpu(Some(target)).await;
            for case in cases {
                verdict.add(engine.as_mut(), case).await;
            }
        }
    }
    console_log!("{}", Figure::new("op laws", verdict.error, KERNEL).line("browser, WebGPU"));
    assert!(verdict.failures.is_empty(), "{}", verdict.failures.join("\n"));
}

#[wasm_bindgen_test]
async fn webgpu_folds_long_dispatches() {
    for target in TARGETS {
        assert_eq!(check_long_dispatch(gpu(Some(target)).await.as_mut()).await, Ok(()), "{target:?}");
    }
}

#[wasm_bindgen_test]
async fn webassembly_agrees_with_the_definition() {
    let (mut engine, mut verdict) = (cpu(None), Verdict::default());
    for case in &engine_cases() {
        verdict.add(engine.as_mut(), case).await;
    }
    console_log!("{}", Figure::new("op laws", verdict.error, KERNEL).line("browser, WebAssembly"));
    assert!(verdict.failures.is_empty(), "{}", verdict.failures.join("\n"));
}
