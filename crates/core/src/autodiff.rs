//! Reverse-mode differentiation: graph in, graph out.

use crate::error::Result;
use crate::graph::{Graph, Source, ValueId};
use crate::ops::Add;

/// Extends `graph` by the gradients of a sum of values with respect to `wrt`.
///
/// Each seed is a value and the gradient that arrives at it from outside, of the same shape. So a part of a graph can
/// be differentiated: its outputs seeded with what the rest sends back. The answer holds, for each of `wrt`, its gradient, or
/// `None` where no seeded value depends on it.
///
/// # Errors
/// [`Error::NotDifferentiable`](crate::error::Error::NotDifferentiable) where the path leads through an op without a derivative.
pub fn differentiate(graph: &mut Graph, seeds: &[(ValueId, ValueId)], wrt: &[ValueId]) -> Result<Vec<Option<ValueId>>> {
    let nodes = graph.nodes.len();
    let varies = depends_on(graph, wrt);
    let mut gradients: Vec<Option<ValueId>> = vec![None; graph.values.len()];
    for &(value, seed) in seeds {
        accumulate(graph, &mut gradients, value, seed)?;
    }
    for index in (0..nodes).rev() {
        let node = graph.nodes[index].clone();
        let arriving: Vec<Option<ValueId>> = node.outputs.iter().map(|v| gradients[v.0]).collect();
        if arriving.iter().all(Option::is_none) || !node.outputs.iter().any(|v| varies[v.0]) {
            continue;
        }
        graph.enter(node.layer.clone());
        let leaving = node.op.derivative(graph, &node, &arriving)?;
        for (&input, gradient) in node.inputs.iter().zip(leaving) {
            if let (Some(gradient), true) = (gradient, varies[input.0]) {
                accumulate(graph, &mut gradients, input, gradient)?;
            }
        }
    }
    Ok(wrt.iter().map(|v| gradients[v.0]).collect())
}

/// For each value that stands in the graph now, whether it depends on one of `roots`.
fn depends_on(graph: &Graph, roots: &[ValueId]) -> Vec<bool> {
    let mut varies = vec![false; graph.values.len()];
    roots.iter().for_each(|v| varies[v.0] = true);
    for id in 0..graph.values.len() {
        if let Source::Node(node) = graph.values[id].source {
            varies[id] |= graph.nodes[node].inputs.iter().any(|v| varies[v.0]);
        }
    }
    varies
}

fn accumulate(graph: &mut Graph, gradients: &mut [Option<ValueId>], value: ValueId, gradient: ValueId) -> Result<()> {
    gradients[value.0] = Some(match gradients[value.0] {
        Some(earlier) => graph.apply1(Add, &[earlier, gradient])?,
        None => gradient,
    });
    Ok(())
}
