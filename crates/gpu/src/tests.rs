//! What needs the device itself: its loss.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use convoke_core::engine::{Engine, EngineError, Limits, Run};
use convoke_core::graph::Graph;
use convoke_core::ops::Relu;
use convoke_core::plan::{GraphProgram, PlanKind, compile_graph};
use convoke_core::shape::TensorType;
use convoke_core::step::Step;

use crate::{GpuEngine, adapters};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

/// An engine on each adapter.
fn engines() -> Vec<GpuEngine> {
    let adapters = block_on(adapters());
    assert!(!adapters.is_empty(), "there is no adapter: install a Vulkan driver, such as mesa-vulkan-drivers");
    adapters.iter().map(|adapter| block_on(adapter.open()).expect("the adapter opens")).collect()
}

fn program() -> GraphProgram {
    let mut graph = Graph::default();
    let input = graph.input(TensorType::batched([100])).expect("a first input fits");
    let output = graph.apply1(Relu, &[input]).expect("any tensor has a ReLU");
    compile_graph(&graph, &[output], 4, &Limits::WEBGPU).expect("the graph is small")
}

/// Whether a call says of the loss; what it says instead is shown.
fn is_lost<T>(result: Result<T, EngineError>) -> bool {
    let error = result.err();
    println!("{error:?}");
    matches!(error, Some(EngineError::Lost { .. }))
}

#[test]
fn a_lost_device_is_told_of_by_every_call() {
    let compiled = program();
    let program = Rc::new(compiled.program.clone());
    let run = Run::new(PlanKind::Predict, Step { samples: 4, ..Step::default() });
    for mut engine in engines() {
        block_on(engine.load(program.clone(), &mut |_, _| {})).expect("the program loads");
        engine.submit(&[run]).expect("the program runs");
        let under_way = engine.read(&compiled.outputs);
        engine.device.device.destroy();
        // What was under way may still arrive.
        let arrived = block_on(under_way);
        assert!(arrived.is_ok() || is_lost(arrived.clone()), "{arrived:?}");
        assert!(is_lost(block_on(engine.read(&compiled.outputs))), "a read");
        assert!(is_lost(engine.submit(&[run])), "a submission");
        assert!(is_lost(engine.write(compiled.outputs[0], &[0])), "a write");
        assert!(is_lost(block_on(engine.load(program.clone(), &mut |_, _| {}))), "loading");
    }
}

#[test]
fn a_device_lost_between_calls_is_told_of_by_the_next() {
    let compiled = program();
    let program = Rc::new(compiled.program.clone());
    let run = Run::new(PlanKind::Predict, Step { samples: 4, ..Step::default() });
    type Call<'a> = &'a dyn Fn(&mut GpuEngine) -> bool;
    let calls: [Call<'_>; 4] = [
        &|engine| is_lost(block_on(engine.load(program.clone(), &mut |_, _| {}))),
        &|engine| is_lost(engine.submit(&[run])),
        &|engine| is_lost(engine.write(compiled.outputs[0], &[0])),
        &|engine| is_lost(block_on(engine.profile(run))),
    ];
    for (number, call) in calls.iter().enumerate() {
        for mut engine in engines() {
            block_on(engine.load(program.clone(), &mut |_, _| {})).expect("the program loads");
            engine.device.device.destroy();
            assert!(call(&mut engine), "call {number} says nothing of the loss");
        }
    }
}
