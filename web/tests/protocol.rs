//! The worker's side of the messages, spoken to through a port.
#![cfg(target_family = "wasm")]

use std::cell::RefCell;
use std::rc::Rc;

use convoke_web::serve;
use js_sys::{Array, Promise, Reflect, Uint8Array};
use serde_json::{Value, json};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Blob, MessageChannel, MessageEvent, MessagePort};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Rows and columns of a picture.
const SIDE: usize = 4;

/// A worker, and all that it has said.
struct Page {
    port: MessagePort,
    heard: Rc<RefCell<Vec<JsValue>>>,
    asked: u32,
}

impl Page {
    fn open() -> Self {
        let channel = MessageChannel::new().unwrap();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let hearing = heard.clone();
        let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            hearing.borrow_mut().push(event.data());
        });
        channel.port2().set_onmessage(Some(hear.into_js_value().unchecked_ref()));
        serve(channel.port1().unchecked_into());
        Self { port: channel.port2(), heard, asked: 0 }
    }

    /// Waits for a message.
    async fn wait(&self, wanted: impl Fn(&JsValue) -> bool) -> JsValue {
        for _ in 0..3000 {
            if let Some(found) = self.heard.borrow().iter().find(|message| wanted(message)) {
                return found.clone();
            }
            sleep(10).await;
        }
        panic!("the worker did not say it in 30 s; it said {:?}", self.heard.borrow());
    }

    async fn ask_object(&mut self, command: JsValue) -> JsValue {
        self.asked += 1;
        let (request, id) = (js_sys::Object::new(), f64::from(self.asked));
        Reflect::set(&request, &"id".into(), &id.into()).unwrap();
        Reflect::set(&request, &"command".into(), &command).unwrap();
        self.port.post_message(&request).unwrap();
        self.wait(|message| get(message, "id").as_f64() == Some(id)).await
    }

    /// Asks, and expects an answer.
    async fn ask(&mut self, command: Value) -> JsValue {
        let answer = self.ask_object(js(&command)).await;
        assert_eq!(text(&answer, "type"), "reply", "{command}: {answer:?}");
        get(&answer, "reply")
    }

    /// Asks, and expects a failure; returns its code.
    async fn fail(&mut self, command: Value) -> String {
        let answer = self.ask_object(js(&command)).await;
        assert_eq!(text(&answer, "type"), "failed", "{command}: {answer:?}");
        let error = get(&answer, "error");
        assert!(text(&error, "message").len() > 20, "a sentence: {error:?}");
        text(&error, "code")
    }

    /// Opens forty pictures, half of them bright, as IDX files.
    async fn open_pictures(&mut self) -> JsValue {
        let idx = |header: &[u8], data: &[u8]| Uint8Array::from([header, data].concat().as_slice());
        let count = 40u8;
        let pixels: Vec<u8> =
            (0..count).flat_map(|i| (0..16).map(move |pixel| (i % 2) * 150 + (i * 7 + pixel * 5) % 100)).collect();
        let labels: Vec<u8> = (0..count).map(|i| i % 2).collect();
        let images = idx(&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4], &pixels);
        let labels = idx(&[0, 0, 8, 1, 0, 0, 0, count], &labels);
        let names =
            ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"];
        let files = Array::new();
        for (name, bytes) in names.iter().zip([&images, &images, &labels, &labels]) {
            let file = js(&json!({ "path": name }));
            let blob = Blob::new_with_u8_array_sequence(&Array::of1(bytes)).unwrap();
            Reflect::set(&file, &"file".into(), &blob).unwrap();
            files.push(&file);
        }
        let side = SIDE as u32;
        let command = json!({
            "type": "openData", "source": { "type": "files", "name": "bright" }, "input": [1, side, side],
            "seed": 0, "testFraction": 0.2, "leaveOut": [],
        });
        let command = js(&command);
        Reflect::set(&get(&command, "source"), &"files".into(), &files).unwrap();
        let answer = self.ask_object(command).await;
        assert_eq!(text(&answer, "type"), "reply", "{answer:?}");
        get(&answer, "reply")
    }
}

fn js(value: &Value) -> JsValue {
    js_sys::JSON::parse(&value.to_string()).unwrap()
}

fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or_default()
}

fn text(value: &JsValue, name: &str) -> String {
    get(value, name).as_string().unwrap_or_default()
}

fn number(value: &JsValue, name: &str) -> f64 {
    get(value, name).as_f64().unwrap_or(f64::NAN)
}

async fn sleep(milliseconds: i32) {
    let timer = Promise::new(&mut |resolve, _| {
        let set = get(&js_sys::global(), "setTimeout").unchecked_into::<js_sys::Function>();
        set.call2(&JsValue::NULL, &resolve, &milliseconds.into()).unwrap();
    });
    JsFuture::from(timer).await.unwrap();
}

fn model() -> Value {
    json!({ "type": "object", "model": {
        "name": "tiny", "input": [1, SIDE, SIDE], "classes": 2,
        "layers": [
            { "type": "conv2d", "name": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1 },
            { "type": "relu", "name": "relu" },
            { "type": "flatten", "name": "flat" },
            { "type": "linear", "name": "fc", "out_features": "classes" },
        ],
    } })
}

fn start(epochs: u32) -> Value {
    let settings =
        json!({ "epochs": epochs, "batchSize": 8, "optimizer": { "type": "sgd", "lr": 0.05, "momentum": 0.9 } });
    json!({ "type": "start", "model": model(), "settings": settings, "device": "cpu", "name": "test" })
}

#[wasm_bindgen_test]
async fn the_worker_says_that_it_is_ready_and_answers_by_number() {
    let mut page = Page::open();
    page.wait(|message| text(message, "type") == "ready").await;
    let presets = page.ask(json!({ "type": "presets" })).await;
    let types: Array = get(&presets, "layerTypes").unchecked_into();
    assert!(types.includes(&"conv2d".into(), 0));
    let devices = page.ask(json!({ "type": "devices" })).await;
    let all: Array = get(&devices, "devices").unchecked_into();
    assert!(all.iter().any(|device| text(&device, "kind") == "cpu"));
}

#[wasm_bindgen_test]
async fn what_can_not_be_done_says_why() {
    let mut page = Page::open();
    assert_eq!(page.fail(json!({ "type": "dance" })).await, "request");
    assert_eq!(page.fail(json!({ "type": "pictures" })).await, "request");
    assert_eq!(page.fail(start(1)).await, "no-data");
    assert_eq!(page.fail(json!({ "type": "pause" })).await, "no-run");
    assert_eq!(page.fail(json!({ "type": "log", "run": "none" })).await, "no-run");
    assert_eq!(page.fail(json!({ "type": "filters", "model": { "type": "opened" } })).await, "no-model");
}

#[wasm_bindgen_test]
async fn a_wrong_model_is_described_up_to_where_it_is_wrong() {
    let mut page = Page::open();
    let mut wrong = model();
    wrong["model"]["layers"][2]["type"] = "max_pool2d".into();
    wrong["model"]["layers"][2]["kernel_size"] = 9.into();
    let report = page.ask(json!({ "type": "describeModel", "model": wrong, "batchSize": 8 })).await;
    assert_eq!(text(&get(&report, "problem"), "layer"), "flat");
    assert_eq!(Array::from(&get(&report, "layers")).length(), 2);
    let whole = page.ask(json!({ "type": "describeModel", "model": model(), "batchSize": 8 })).await;
    assert!(get(&whole, "problem").is_undefined(), "{whole:?}");
    assert_eq!(number(&get(&whole, "totals"), "parameters"), 4.0 * 9.0 + 4.0 + 64.0 * 2.0 + 2.0);
    let text_again = page
        .ask(json!({ "type": "describeModel", "model": { "type": "toml", "toml": text(&whole, "toml") }, "batchSize": 8 }))
        .await;
    assert_eq!(text(&text_again, "toml"), text(&whole, "toml"));
}

#[wasm_bindgen_test]
async fn a_run_is_paused_stepped_stopped_resumed_and_kept() {
    let mut page = Page::open();
    let data = page.open_pictures().await;
    assert_eq!((number(&data, "train"), number(&data, "test")), (40.0, 40.0));
    let run = text(&get(&page.ask(start(4000)).await, "run"), "id");
    let paused = get(&page.ask(json!({ "type": "pause" })).await, "run");
    assert_eq!(text(&paused, "state"), "paused");
    let step = number(&paused, "step");
    let stepped = get(&page.ask(json!({ "type": "step" })).await, "run");
    assert_eq!((text(&stepped, "state").as_str(), number(&stepped, "step")), ("paused", step + 1.0));
    page.ask(json!({ "type": "continue" })).await;
    let filters = page.ask(json!({ "type": "filters", "model": { "type": "run", "run": run } })).await;
    assert_eq!(number(&get(&filters, "tiles"), "count"), 4.0);
    let stopped = get(&page.ask(json!({ "type": "stop" })).await, "run");
    assert_eq!(text(&stopped, "state"), "stopped");
    let log = page.ask(json!({ "type": "log", "run": run })).await;
    let losses = |log: &JsValue| -> Vec<f64> {
        Array::from(&get(log, "steps")).iter().map(|step| number(&step, "loss")).collect()
    };
    assert_eq!(losses(&log).len() as f64, number(&stopped, "step"), "every step that counts is in the log");

    // Another worker, as after a reload, goes on with it; the losses before stay what they were.
    let mut later = Page::open();
    let resumed = get(&later.ask(json!({ "type": "resume", "run": run, "device": "cpu" })).await, "run");
    assert_eq!(number(&resumed, "step"), number(&stopped, "step"));
    later.ask(json!({ "type": "step" })).await;
    let longer = later.ask(json!({ "type": "log", "run": run })).await;
    assert!(losses(&longer).len() > losses(&log).len());
    assert_eq!(&losses(&longer)[..losses(&log).len()], losses(&log).as_slice());
    later.ask(json!({ "type": "stop" })).await;
    let model = later.ask(json!({ "type": "export", "run": run, "what": "model" })).await;
    assert_eq!(text(&model, "name"), "model.safetensors");
    let open = js(&json!({ "type": "openModel", "name": "mine" }));
    Reflect::set(&open, &"bytes".into(), &get(&model, "bytes")).unwrap();
    assert_eq!(text(&later.ask_object(open).await, "type"), "reply");
    // The run has its pictures; for the model of a file there are none until some are open.
    let test = |model| json!({ "type": "predict", "model": model, "picture": { "type": "test", "index": 1 } });
    later.ask(test(json!({ "type": "run", "run": run }))).await;
    assert_eq!(later.fail(test(json!({ "type": "opened" }))).await, "no-data");
    later.open_pictures().await;
    let seen = later.ask(test(json!({ "type": "opened" }))).await;
    let classes = Array::from(&get(&seen, "classes"));
    let sum: f64 = classes.iter().map(|class| number(&class, "probability")).sum();
    assert!((sum - 1.0).abs() < 1e-6);
    later.ask(json!({ "type": "delete", "run": run })).await;
    assert_eq!(later.fail(json!({ "type": "log", "run": run })).await, "no-run");
}

#[wasm_bindgen_test]
async fn a_run_ends_and_is_understood() {
    let mut page = Page::open();
    page.open_pictures().await;
    let run = text(&get(&page.ask(start(30)).await, "run"), "id");
    page.wait(|message| {
        let run = get(&get(message, "event"), "run");
        text(&run, "state") == "finished"
    })
    .await;
    let model = json!({ "type": "run", "run": run });
    let evaluation = page.ask(json!({ "type": "evaluate", "model": model, "wrong": 5 })).await;
    assert!(number(&evaluation, "accuracy") > 0.9, "bright is told from dark: {evaluation:?}");
    let counts: f64 = Array::from(&get(&evaluation, "confusion")).iter().filter_map(|n| n.as_f64()).sum();
    assert_eq!(counts, 40.0);
    let maps = page.ask(json!({ "type": "featureMaps", "model": model, "picture": 0 })).await;
    assert_eq!(Array::from(&get(&maps, "layers")).length(), 4);
    page.ask(json!({ "type": "rename", "run": run, "name": "bright or dark" })).await;
    let runs = Array::from(&get(&page.ask(json!({ "type": "runs" })).await, "runs"));
    assert!(runs.iter().any(|run| text(&run, "name") == "bright or dark"));
    page.ask(json!({ "type": "delete", "run": run })).await;
}
