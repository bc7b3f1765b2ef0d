//! How far a browser's engines are from PyTorch: on single operations, at given weights, under recorded gradients, and in
//! free runs.
#![cfg(target_family = "wasm")]

use convoke_tests::agreement::Findings;
use convoke_tests::fixtures::Fixture;
use convoke_tests::pytorch::cases::{cases, check};
use convoke_tests::pytorch::network::{a_hundred_steps, given_weights, twenty_steps};
use convoke_tests::pytorch::optimizers;
use convoke_tests::{cpu, gpu};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A fixture, with its bytes: a browser has no files.
macro_rules! fixture {
    ($name:literal) => {
        Fixture::new($name, include_bytes!(concat!("../../tests/fixtures/", $name, ".safetensors")).as_slice())
    };
}

/// Tells what was found of an engine, by its name in `docs/agreement.md`.
fn conclude(engine: &str, findings: &Findings) {
    findings.figures.iter().for_each(|figure| console_log!("{}", figure.line(engine)));
    assert!(findings.failures.is_empty(), "{engine}:\n{}", findings.failures.join("\n"));
}

/// Runs a check on both engines: `$engine` is the engine's name in it, `$findings` what it returns.
macro_rules! on_both {
    ($name:ident, |$engine:ident| $findings:expr) => {
        #[wasm_bindgen_test]
        async fn $name() {
            for (name, mut opened) in [("browser, WebGPU", gpu(None).await), ("browser, WebAssembly", cpu(None))] {
                let $engine = opened.as_mut();
                let findings: Result<Findings, String> = $findings;
                conclude(name, &findings.unwrap_or_else(|problem| panic!("{name}: {problem}")));
            }
        }
    };
}

on_both!(single_operations_give_pytorchs_results, |engine| {
    let (fixture, mut findings) = (fixture!("cases"), Findings::default());
    for case in &cases(include_str!("../../tests/fixtures/cases.json")) {
        check(engine, case, &fixture, &mut findings).await;
    }
    Ok(findings)
});

on_both!(losses_and_gradients_are_pytorchs, |engine| given_weights(engine, &fixture!("trajectory")).await);

on_both!(updates_are_pytorchs, |engine| optimizers::check(engine, &fixture!("optimizers")).await);

on_both!(twenty_free_steps_stay_with_pytorch, |engine| {
    twenty_steps(engine, &fixture!("trajectory"), &fixture!("free_run")).await
});

on_both!(a_hundred_free_steps_stay_as_near_as_pytorch_does_to_itself, |engine| {
    a_hundred_steps(engine, &fixture!("spread")).await
});
