//! The gate: reads `gradients [len]`, `metrics` (the ring, words); in place `flag` (one u32).

use convoke_shaders::finite as template;
use super::shader::{Shader, Target, lanes, vector};
use crate::plan::Flops;
use crate::shape::Extent;

/// Sets `flag`, where it is 0, to `step.number` (1 if that is 0) when any gradient, or this run's losses (word 3 of its metrics), is NaN or infinite, by the bits of the
/// exponent, for adapters may assume that there are none. It never clears it: after a broken step no later one
/// changes a weight either, until the host clears the flag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finite {
    /// The number of gradients, padding included.
    pub len: usize,
}

impl Finite {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(1, &[Extent::Fixed(self.len)])
    }
}

/// Vectors that one thread looks at.
const TILE: usize = 8;

/// The shader.
impl Finite {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let lanes = lanes(&[self.len]);
        let workgroup = target.workgroup();
        let count = self.len / lanes;
        let params = template::Params { workgroup: workgroup as u32, count: count as u32, tile: TILE as u32 };
        let ty = vector("u32", lanes);
        let test = if lanes == 1 { "(v & EXPONENT) == EXPONENT" } else { "any((v & V(EXPONENT)) == V(EXPONENT))" };
        let v = format!("alias V = {ty};\nfn is_broken(v: V) -> bool {{ return {test}; }}");
        Shader::new(params.fill(&[("v", &v)]), [2, 1, 0]).over(workgroup, [(Extent::Fixed(count), TILE)])
    }
}
