//! A run's figures: reads `logits [N, classes]`, `labels [N]` (u32), `losses [N]`; writes words `4·slot …` of the metrics ring, and
//! adds to `tallies` (u32) where there are any.

use convoke_shaders::metrics as template;
use super::shader::{Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// Writes `[Σ losses as f32 bits, samples whose first largest logit is the label, samples, 1 if a loss was NaN or infinite]`
/// to the four words at `4 · step.slot`.
///
/// With [`Tally::TopFive`] it adds to word 0 of `tallies` the samples whose label is among the five largest logits (of equal ones the
/// first count as larger). With [`Tally::Confusion`] it also adds 1 to word `1 + label · classes + predicted` for each sample.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Metrics {
    /// The number of classes.
    pub classes: usize,
    /// What is counted besides.
    pub tally: Tally,
}

/// What is counted of each sample beyond whether it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tally {
    /// Nothing, as in training.
    Nothing,
    /// Labels among the five largest logits.
    TopFive,
    /// These, and which class was taken for which.
    Confusion,
}

impl Tally {
    /// The most classes that are counted in pairs: 4 MiB of counts.
    pub const MOST_CLASSES: usize = 1024;

    /// What an evaluation of so many classes counts.
    pub fn of_classes(classes: usize) -> Self {
        if classes <= Self::MOST_CLASSES { Self::Confusion } else { Self::TopFive }
    }

    /// The words of `tallies`.
    pub fn words(self, classes: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::TopFive => 1,
            Self::Confusion => 1 + classes * classes,
        }
    }
}

impl Metrics {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(if self.tally == Tally::Nothing { 1 } else { 2 }, &[Extent::Batch(self.classes)])
    }
}

/// The slot `tally` for the five largest; the confusion matrix is added in its place.
const TOP_FIVE: &str = "@group(0) @binding(5) var<storage, read_write> tallies: array<atomic<u32>>;
fn tally(n: u32, best: u32) {
    let label = labels[n];
    if (label >= CLASSES) {
        return;
    }
    let own = logits[n * CLASSES + label];
    var larger = 0u;
    for (var c = 0u; c < CLASSES; c++) {
        let logit = logits[n * CLASSES + c];
        larger += select(0u, 1u, logit > own || (logit == own && c < label));
    }
    if (larger < 5u) {
        atomicAdd(&tallies[0], 1u);
    }
    CONFUSION
}";

/// The shader.
impl Metrics {
    /// The kernel as WGSL.
    pub fn shader(&self, _: Target) -> Shader {
        let workgroup = 64;
        let pair = "atomicAdd(&tallies[1u + label * CLASSES + best], 1u);";
        let tally = match self.tally {
            Tally::Nothing => None,
            Tally::TopFive => Some(TOP_FIVE.replace("CONFUSION", "")),
            Tally::Confusion => Some(TOP_FIVE.replace("CONFUSION", pair)),
        };
        let slots: Vec<(&str, &str)> = tally.iter().map(|text| ("tally", text.as_str())).collect();
        let source = template::Params { workgroup: workgroup as u32, classes: self.classes as u32 }.fill(&slots);
        Shader::new(source, [3, 1 + slots.len(), 0]).over(workgroup, [(Extent::Fixed(1), 1)])
    }
}
