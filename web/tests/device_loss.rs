//! A device that goes away is told of by whatever is waited for next, and a new one takes its place.
#![cfg(target_family = "wasm")]

use convoke_tests::device_loss::{Moment, check_loss};
use convoke_tests::gpu;
use convoke_tests::laws::{Verdict, cases};
use js_sys::{Function, Promise, Reflect, global};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).expect("it is an object")
}

/// Keeps every device that is asked for as `globalThis.device`, so that a test can destroy it.
fn keep_devices() {
    let prototype = get(&get(&global(), "GPUAdapter"), "prototype");
    let original: Function = get(&prototype, "requestDevice").unchecked_into();
    let asked =
        Closure::<dyn FnMut(JsValue, JsValue) -> JsValue>::new(move |adapter: JsValue, description: JsValue| {
            let device: Promise = original.call1(&adapter, &description).expect("a promise").unchecked_into();
            let keep = Closure::<dyn FnMut(JsValue)>::new(|device: JsValue| {
                Reflect::set(&global(), &"device".into(), &device).expect("the global object takes it");
            });
            let _ = device.then(&keep);
            keep.forget();
            device.into()
        });
    // Closures don't see what they are called on: a function of the language's own hands it to them.
    let bound =
        Function::new_with_args("closure", "return function (description) { return closure(this, description); }");
    let method = bound.call1(&JsValue::NULL, asked.as_ref()).expect("a function");
    Reflect::set(&prototype, &"requestDevice".into(), &method).expect("methods can be replaced");
    asked.forget();
}

fn destroy() {
    let device = get(&global(), "device");
    let method: Function = get(&device, "destroy").unchecked_into();
    method.call0(&device).expect("devices can be destroyed");
}

#[wasm_bindgen_test]
async fn a_lost_device_is_told_of_and_replaced() {
    keep_devices();
    for moment in Moment::ALL {
        let mut engine = gpu(None).await;
        let verdict = check_loss(engine.as_mut(), moment, &destroy).await;
        assert_eq!(verdict, Ok(()), "{moment:?}");
    }
    let (mut engine, mut verdict) = (gpu(None).await, Verdict::default());
    for case in cases(1).iter().take(3) {
        verdict.add(engine.as_mut(), case).await;
    }
    assert!(verdict.failures.is_empty(), "after the loss: {:?}", verdict.failures);
}
