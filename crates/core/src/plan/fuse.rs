//! Fusion: pointwise steps move into the step that makes what they read.

use std::collections::HashMap;

use crate::expr::{Broadcast, Expr};
use crate::kernels::{Kernel, Map};
use crate::lower::{LoweredStep, Lowering, TensorId};

/// Folds each map into the producer of one of its operands, where that producer has an epilogue or is a map itself,
/// nobody else reads the operand, and the result binds at most `max_storage_buffers`. Tensors in `kept` stay.
pub(super) fn fuse(lowering: &mut Lowering<'_>, kept: &[TensorId], max_storage_buffers: usize) {
    let mut steps = std::mem::take(&mut lowering.steps);
    let mut index = 0;
    while index < steps.len() {
        let removed = (0..steps[index].reads.len()).find_map(|operand| {
            let producer = fusable(lowering, &steps, kept, index, operand, max_storage_buffers)?;
            let fused = merge(&steps[producer], &steps[index], operand)?;
            steps[index] = fused;
            Some(producer)
        });
        match removed {
            // The merged step stands one place earlier now, and is looked at again: another operand may follow.
            Some(producer) if reads_of(&steps, steps[producer].writes[0]) == 0 => {
                steps.remove(producer);
                index -= 1;
            }
            Some(_) => {}
            None => index += 1,
        }
    }
    lowering.steps = steps;
}

/// The largest expression that fusion makes, in nodes. One that reads an operand twice doubles what is folded into it, so a chain of
/// such would grow without bound.
const LARGEST_EXPRESSION: usize = 64;

fn reads_of(steps: &[LoweredStep], tensor: TensorId) -> usize {
    steps.iter().flat_map(|s| &s.reads).filter(|&&t| t == tensor).count()
}

/// The step that makes operand `operand` of the map at `index`, if the map may be folded into it.
fn fusable(
    lowering: &Lowering<'_>,
    steps: &[LoweredStep],
    kept: &[TensorId],
    index: usize,
    operand: usize,
    max_storage_buffers: usize,
) -> Option<usize> {
    let step = &steps[index];
    let Kernel::Map(map) = &step.kernel else { return None };
    let tensor = step.reads[operand];
    let producer = steps[..index].iter().position(|s| s.writes.contains(&tensor))?;
    if kept.contains(&tensor) {
        return None;
    }
    // A number without operands is written into every expression that reads it.
    if matches!(&steps[producer].kernel, Kernel::Map(constant) if constant.operands.is_empty()) {
        return Some(producer);
    }
    let alone = reads_of(steps, tensor) == 1;
    let same_places = map.operands[operand] == Broadcast::Element && lowering.extent(tensor) == map.len;
    let bound = steps[producer].reads.len() + step.reads.len() - 1 + steps[producer].writes.len();
    (alone && same_places && bound <= max_storage_buffers).then_some(producer)
}

/// The producer with the map behind it; `None` where the producer has no slot for it.
fn merge(producer: &LoweredStep, step: &LoweredStep, operand: usize) -> Option<LoweredStep> {
    let Kernel::Map(map) = &step.kernel else { return None };
    let others = || (0..step.reads.len()).filter(|&k| k != operand);
    let mut merged = producer.clone();
    merged.writes.clone_from(&step.writes);
    merged.label.clone_from(&step.label);
    merged.reads.extend(others().map(|k| step.reads[k]));
    let broadcasts = others().map(|k| map.operands[k]);
    // Where the map's operands stand in the merged expression: after the producer's own.
    let place = |first: usize| -> HashMap<usize, usize> { others().enumerate().map(|(n, k)| (k, first + n)).collect() };
    let combine = |own: &Expr, places: &HashMap<usize, usize>| {
        map.expr.substitute(&|k| if k == operand { own.clone() } else { Expr::Input(places[&k]) })
    };
    let own = match &mut merged.kernel {
        Kernel::Map(first) => first.expr.size(),
        other => other.epilogue_mut()?.expr.size(),
    };
    if own * map.expr.size() > LARGEST_EXPRESSION {
        return None;
    }
    if let Kernel::Map(first) = &mut merged.kernel {
        let expr = combine(&first.expr, &place(first.operands.len()));
        let operands = first.operands.iter().copied().chain(broadcasts).collect();
        merged.kernel = Map { len: map.len, expr, operands }.into();
    } else {
        let epilogue = merged.kernel.epilogue_mut()?;
        epilogue.expr = combine(&epilogue.expr, &place(epilogue.operands.len() + 1));
        epilogue.operands.extend(broadcasts);
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use crate::engine::Limits;
    use crate::graph::Graph;
    use crate::kernels::Kernel;
    use crate::ops::LeakyRelu;
    use crate::plan::compile_graph;
    use crate::shape::TensorType;

    use super::LARGEST_EXPRESSION;

    #[test]
    fn a_long_chain_of_maps_is_fused_in_pieces_of_bounded_size() {
        let mut graph = Graph::default();
        let mut value = graph.input(TensorType::batched([4])).unwrap();
        for _ in 0..40 {
            value = graph.apply1(LeakyRelu { slope: 0.1 }, &[value]).unwrap();
        }
        let program = compile_graph(&graph, &[value], 2, &Limits::WEBGPU).unwrap().program;
        let maps: Vec<_> = program.plans.iter().flat_map(|plan| &plan.steps).collect();
        assert!(maps.len() < 40, "nothing was fused");
        for step in maps {
            let Kernel::Map(map) = &step.kernel else { panic!("{:?} is no map", step.kernel) };
            assert!(map.expr.size() <= LARGEST_EXPRESSION, "{} nodes", map.expr.size());
        }
    }
}
