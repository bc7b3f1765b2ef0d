//! The validator: what every adapter relies on, checked without one.

use super::{Plan, PlanStep, Program, Slice};
use crate::engine::Limits;
use crate::error::{Error, Result};

/// Checks every plan of a program against the rules that WebGPU has and the given limits:
///
/// - a slice lies within its buffer, begins at an aligned offset and is no larger than a binding may be;
/// - no step binds more storage buffers than there may be;
/// - no step reads a buffer that it writes, and no two of its writes overlap;
/// - no buffer is larger than a buffer may be.
///
/// # Errors
/// [`Error::InvalidPlan`] for the first rule that is broken, [`Error::TooLarge`] for a buffer.
pub fn validate(program: &Program, limits: &Limits) -> Result<()> {
    for buffer in &program.buffers {
        if buffer.bytes > limits.max_buffer_bytes {
            let (what, bytes) = (buffer.label.clone(), buffer.bytes);
            return Err(Error::TooLarge { what, bytes, limit: limits.max_buffer_bytes });
        }
    }
    for plan in &program.plans {
        for (index, step) in plan.steps.iter().enumerate() {
            check(program, step, limits).map_err(|problem| invalid(plan, index, problem))?;
        }
    }
    Ok(())
}

fn invalid(plan: &Plan, step: usize, problem: String) -> Error {
    Error::InvalidPlan { plan: plan.name.clone(), step, problem }
}

fn check(program: &Program, step: &PlanStep, limits: &Limits) -> std::result::Result<(), String> {
    let all: Vec<Slice> = step.reads.iter().chain(&step.writes).copied().collect();
    if all.len() > limits.max_storage_buffers {
        return Err(format!("binds {} storage buffers of at most {}", all.len(), limits.max_storage_buffers));
    }
    for slice in &all {
        let Some(buffer) = program.buffers.get(slice.buffer.0) else {
            return Err(format!("names buffer {}, which does not exist", slice.buffer.0));
        };
        if slice.bytes == 0 || slice.offset + slice.bytes > buffer.bytes {
            return Err(format!("{slice:?} leaves {} of {} bytes", buffer.label, buffer.bytes));
        }
        if slice.offset % limits.offset_alignment != 0 {
            return Err(format!("{slice:?} is not aligned to {} bytes", limits.offset_alignment));
        }
        if slice.bytes > limits.max_binding_bytes {
            return Err(format!("{slice:?} is larger than a binding of {} bytes", limits.max_binding_bytes));
        }
    }
    for (i, write) in step.writes.iter().enumerate() {
        if let Some(read) = step.reads.iter().find(|r| r.buffer == write.buffer) {
            return Err(format!("reads {read:?} and writes {write:?} of one buffer"));
        }
        if let Some(other) = step.writes[..i].iter().find(|o| overlap(o, write)) {
            return Err(format!("writes {other:?} and {write:?}, which overlap"));
        }
    }
    Ok(())
}

fn overlap(a: &Slice, b: &Slice) -> bool {
    a.buffer == b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Finite, Kernel};
    use crate::plan::{Buffer, BufferId, Role};

    fn program(reads: Vec<Slice>, writes: Vec<Slice>) -> Program {
        let buffer = |label: &str| Buffer { label: label.into(), bytes: 4096, role: Role::Activations };
        let step = PlanStep { kernel: Kernel::Finite(Finite { len: 1 }), label: String::new(), reads, writes };
        let nothing = slice(0, 0, 4);
        Program {
            capacity: 1,
            slots: 1,
            buffers: vec![buffer("a"), buffer("b")],
            plans: vec![Plan { name: "test".into(), steps: vec![step], exchanges: Vec::new() }],
            parameters: Vec::new(),
            chunks: Vec::new(),
            ranges: Vec::new(),
            pixels: nothing,
            pictures: 0,
            picture_words: 1,
            labels: nothing,
            indices: nothing,
            augmentation: None,
            class_weights: None,
            metrics: nothing,
            tallies: nothing,
            flag: nothing,
            logits: nothing,
            classes: 1,
        }
    }

    fn slice(buffer: usize, offset: usize, bytes: usize) -> Slice {
        Slice { buffer: BufferId(buffer), offset, bytes }
    }

    fn problem(reads: Vec<Slice>, writes: Vec<Slice>) -> String {
        validate(&program(reads, writes), &Limits::WEBGPU).map_or_else(|e| e.to_string(), |()| "none".into())
    }

    #[test]
    fn a_sound_step_passes() {
        assert_eq!(problem(vec![slice(0, 256, 100)], vec![slice(1, 0, 256), slice(1, 256, 8)]), "none");
    }

    #[test]
    fn each_broken_rule_is_named() {
        let cases = [
            (vec![slice(0, 0, 4)], vec![slice(0, 256, 4)], "of one buffer"),
            (vec![], vec![slice(1, 0, 300), slice(1, 256, 4)], "overlap"),
            (vec![slice(0, 4, 4)], vec![], "not aligned"),
            (vec![slice(0, 4096, 4)], vec![], "leaves a"),
            (vec![slice(7, 0, 4)], vec![], "does not exist"),
            (vec![slice(0, 0, 4); 9], vec![], "9 storage buffers"),
        ];
        for (reads, writes, words) in cases {
            let problem = problem(reads, writes);
            assert!(problem.contains(words), "{problem:?} should speak of {words:?}");
        }
    }
}
