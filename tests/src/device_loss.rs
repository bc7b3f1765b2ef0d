//! What engines say when their device goes away.

use std::rc::Rc;

use convoke_core::engine::{Engine, EngineError, Limits, Run};
use convoke_core::ops::{Example, MatMul};
use convoke_core::plan::{GraphProgram, PlanKind, compile_graph};
use convoke_core::reference::Batch;
use convoke_core::shape::TensorType;

use crate::{OpGraph, step_of};

/// When a device goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the first program is loaded.
    BeforeLoading,
    /// While a program is being loaded.
    WhileLoading,
    /// Between two calls.
    BetweenCalls,
    /// While an answer is awaited.
    WhileReading,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BeforeLoading, Self::WhileLoading, Self::BetweenCalls, Self::WhileReading];
}

/// Lets an engine's device go away by `destroy`, and checks that the first thing that is awaited says so, and everything
/// after it.
///
/// # Errors
/// What said something else, in words.
pub async fn check_loss(engine: &mut dyn Engine, moment: Moment, destroy: &dyn Fn()) -> Result<(), String> {
    let compiled = product();
    let program = Rc::new(compiled.program.clone());
    let run = Run::new(PlanKind::Predict, step_of(Batch::whole(3)));
    match moment {
        Moment::BeforeLoading => {
            destroy();
            lost("load", engine.load(program.clone(), &mut |_, _| {}).await)?;
        }
        Moment::WhileLoading => {
            lost("load", engine.load(program.clone(), &mut |_, _| destroy()).await)?;
        }
        Moment::BetweenCalls => {
            engine.load(program.clone(), &mut |_, _| {}).await.map_err(|e| format!("load: {e}"))?;
            destroy();
            // Whether a call that waits for nothing knows it already is the driver's matter.
            if let Err(error) = engine.submit(&[run]) {
                lost("submit", Err::<(), _>(error))?;
            }
            lost("read", engine.read(&compiled.outputs).await)?;
        }
        Moment::WhileReading => {
            engine.load(program.clone(), &mut |_, _| {}).await.map_err(|e| format!("load: {e}"))?;
            engine.submit(&[run]).map_err(|e| format!("submit: {e}"))?;
            let answer = engine.read(&compiled.outputs);
            destroy();
            // An answer that was under way may still arrive.
            if let Err(error) = answer.await {
                lost("read", Err::<(), _>(error))?;
            }
            lost("the next read", engine.read(&compiled.outputs).await)?;
        }
    }
    lost("load", engine.load(program, &mut |_, _| {}).await)
}

/// A program of one matrix product.
fn product() -> GraphProgram {
    let matmul = MatMul { transpose_a: false, transpose_b: true };
    let example = Example::of_numbers(matmul, [TensorType::batched([9]), TensorType::fixed([4, 9])]);
    let OpGraph { graph, outputs, .. } = OpGraph::new(&example).expect("the example fits");
    compile_graph(&graph, &outputs, 3, &Limits::WEBGPU).expect("the example is small")
}

fn lost<T>(what: &str, result: Result<T, EngineError>) -> Result<(), String> {
    match result {
        Err(EngineError::Lost { .. }) => Ok(()),
        Err(other) => Err(format!("{what}: {other}")),
        Ok(_) => Err(format!("{what}: nothing was said of the loss")),
    }
}
