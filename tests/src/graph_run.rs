//! Running a bare graph on an engine: an op by itself, or a part of a network.

use std::collections::HashMap;
use std::rc::Rc;

use convoke_core::engine::{Engine, Limits, Run};
use convoke_core::graph::{Graph, ValueId};
use convoke_core::plan::{GraphProgram, PlanKind, Slice, compile_graph};
use convoke_core::reference::{Batch, Draws};
use convoke_core::shape::DType;
use convoke_core::step::Step;
use convoke_core::tensor::Tensor;

use crate::values::{elements, words};

/// What outputs hold before a run: not a number, so that an element that nobody writes is no result.
const UNWRITTEN: u32 = 0x7fa5_a5a5;
/// What inputs hold behind the batch: not a number, and not an index either.
const NOT_OF_THE_BATCH: u32 = 0xffff_ffff;

/// A graph loaded into an engine.
pub struct LoadedGraph<'e> {
    engine: &'e mut dyn Engine,
    compiled: GraphProgram,
    graph: Graph,
    wanted: Vec<ValueId>,
}

impl<'e> LoadedGraph<'e> {
    /// Compiles for any adapter's limits and loads; an engine that refuses is a failure.
    pub async fn new(
        engine: &'e mut dyn Engine,
        graph: &Graph,
        wanted: &[ValueId],
        capacity: usize,
    ) -> Result<Self, String> {
        Self::within(engine, graph, wanted, capacity, &Limits::WEBGPU).await
    }

    /// As [`LoadedGraph::new`], for an engine that has other limits.
    pub async fn within(
        engine: &'e mut dyn Engine,
        graph: &Graph,
        wanted: &[ValueId],
        capacity: usize,
        limits: &Limits,
    ) -> Result<Self, String> {
        let compiled = compile_graph(graph, wanted, capacity, limits).map_err(|e| e.to_string())?;
        let program = Rc::new(compiled.program.clone());
        engine.load(program, &mut |_, _| {}).await.map_err(|e| e.to_string())?;
        Ok(Self { engine, compiled, graph: graph.clone(), wanted: wanted.to_vec() })
    }

    /// Runs the graph on a batch and returns the wanted values.
    ///
    /// # Errors
    /// What the engine says, or which output was written behind the batch's part of it.
    ///
    /// # Panics
    /// Where an input or parameter has no value in `feeds`.
    pub async fn run(&mut self, feeds: &HashMap<ValueId, Tensor>, batch: Batch) -> Result<Vec<Tensor>, String> {
        for (&value, &slice) in &self.compiled.inputs.clone() {
            let tensor = feeds.get(&value).unwrap_or_else(|| panic!("value {} has no feed", value.0));
            assert_eq!(tensor.dims, self.graph.ty(value).resolve(batch.samples), "value {} has another shape", value.0);
            let data = words(self.graph.ty(value).dtype, &tensor.data);
            self.write_filled(slice, &data, NOT_OF_THE_BATCH)?;
        }
        for slice in self.compiled.outputs.clone() {
            self.write_filled(slice, &[], UNWRITTEN)?;
        }
        let step = step_of(batch);
        self.engine.submit(&[Run::new(PlanKind::Predict, step)]).map_err(|e| e.to_string())?;
        let outputs = self.engine.read(&self.compiled.outputs).await.map_err(|e| e.to_string())?;
        let results = outputs.into_iter().zip(&self.wanted).map(|(words, &value)| {
            let ty = self.graph.ty(value);
            let (own, rest) = words.split_at(ty.extent().at(batch.samples));
            if let Some(at) = rest.iter().position(|&word| word != UNWRITTEN) {
                return Err(format!("wrote element {at} behind the {} samples of {ty}", batch.samples));
            }
            if let (DType::U32, Some(at)) = (ty.dtype, own.iter().position(|&word| word == UNWRITTEN)) {
                return Err(format!("left element {at} of {ty} as it was"));
            }
            Ok(Tensor::new(ty.resolve(batch.samples), elements(ty.dtype, own)))
        });
        results.collect()
    }

    /// Writes `data`, and `rest` to all that is behind it.
    fn write_filled(&mut self, slice: Slice, data: &[u32], rest: u32) -> Result<(), String> {
        let mut all = data.to_vec();
        all.resize(slice.bytes / 4, rest);
        self.engine.write(slice, &all).map_err(|e| e.to_string())
    }
}

/// The step block of a run of so many samples.
pub fn step_of(batch: Batch) -> Step {
    let inverse_samples = (1.0 / batch.global as f64) as f32;
    let Draws { seed, step, first_sample } = batch.draws;
    Step {
        samples: batch.samples as u32,
        inverse_samples,
        weight_scale: 1.0,
        number: step,
        seed_low: seed as u32,
        seed_high: (seed >> 32) as u32,
        first_sample,
        ..Step::default()
    }
}

/// Runs a graph once: see [`LoadedGraph`].
///
/// # Errors
/// As [`LoadedGraph::new`] and [`LoadedGraph::run`].
pub async fn run_graph(
    engine: &mut dyn Engine,
    graph: &Graph,
    feeds: &HashMap<ValueId, Tensor>,
    wanted: &[ValueId],
    batch: Batch,
    capacity: usize,
) -> Result<Vec<Tensor>, String> {
    LoadedGraph::new(engine, graph, wanted, capacity).await?.run(feeds, batch).await
}
