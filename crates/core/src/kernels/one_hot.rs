//! Labels as rows of targets: reads `labels [N]` (u32), of mixed samples `second [N]` (u32) and `first_share [N]`, of weighted
//! classes `weights [classes]`; writes `targets [N, classes]`.

use convoke_shaders::one_hot as template;
use super::shader::{Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// `targets[n, c] = step.weight_scale · weights[c] · ((1 − label_smoothing) · share(n, c) + label_smoothing / classes)`, without the first two
/// factors where classes are not `weighted`.
///
/// `share(n, c)` is 1 where `c` is the label and 0 elsewhere; of `mixed` samples it is `first_share[n]` for the first label, plus
/// `1 − first_share[n]` for the second. A row is NaN where a label is not below `classes`.
#[derive(Clone, Debug, PartialEq)]
pub struct OneHot {
    /// The number of classes.
    pub classes: usize,
    /// The part of each target that is spread evenly over all classes, 0 … 1.
    pub label_smoothing: f32,
    /// Whether samples have two labels.
    pub mixed: bool,
    /// Whether classes have weights.
    pub weighted: bool,
}

impl OneHot {
    /// The floating-point operations of a run.
    pub fn flops(&self) -> Flops {
        Flops::of(2, &[Extent::Batch(self.classes)])
    }

    /// What a target is, before smoothing: the label's class has 1, the others nothing.
    pub fn on_and_off(&self) -> [f32; 2] {
        [1.0 - self.label_smoothing, self.label_smoothing / self.classes as f32]
    }

    /// The slots for what the kernel reads besides labels.
    fn slots(&self) -> Vec<(&'static str, String)> {
        let (mut slots, mut binding) = (Vec::new(), 3);
        let mut bind = |name: &str, ty: &str| {
            binding += 1;
            format!("@group(0) @binding({}) var<storage, read> {name}: array<{ty}>;\n", binding - 1)
        };
        if self.mixed {
            let text = bind("second", "u32") + &bind("first_share", "f32") + MIXED;
            slots.push(("share", text));
        }
        if self.weighted {
            slots.push(("weight", bind("weights", "f32") + WEIGHTED));
        }
        slots
    }
}

const MIXED: &str = "fn share(n: u32, c: u32) -> f32 {
    let first = first_share[n];
    return select(0.0, first, labels[n] == c) + select(0.0, 1.0 - first, second[n] == c);
}
fn is_sound(n: u32) -> bool {
    return max(labels[n], second[n]) < CLASSES;
}";

const WEIGHTED: &str = "fn weight(c: u32) -> f32 {
    return step.weight_scale * weights[c];
}";

/// The shader.
impl OneHot {
    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let workgroup = target.workgroup();
        let [on, off] = self.on_and_off();
        let params = template::Params { workgroup: workgroup as u32, classes: self.classes as u32, on, off };
        let slots = self.slots();
        let slots: Vec<(&str, &str)> = slots.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let more = 2 * usize::from(self.mixed) + usize::from(self.weighted);
        Shader::new(params.fill(&slots), [1, 1, more]).over(workgroup, [(Extent::Batch(self.classes), 1)])
    }
}
