//! What normalising layers share.

use super::Builder;
use crate::error::Result;
use crate::graph::{Init, ValueId};

/// The usual addition to the variance.
pub(super) fn eps() -> f32 {
    1e-5
}

/// The one input, weight and bias of each channel (1 and 0 at first), and the number of channels.
pub(super) fn parameters(
    builder: &mut Builder<'_>,
    op: &str,
    eps: f32,
    inputs: &[ValueId],
) -> Result<(ValueId, [ValueId; 2], usize)> {
    let x = builder.one(op, inputs)?;
    if !(eps.is_finite() && eps > 0.0) {
        return Err(builder.problem(op, format!("eps is {eps}; it has to be above 0, such as 0.00001")));
    }
    let ty = builder.graph.ty(x);
    let Some(&channels) = ty.dims.first() else {
        return Err(builder.problem(op, format!("wants channels, [N, channels, …], and was given {ty}")));
    };
    let weight = builder.parameter("weight", [channels], Init::Constant(1.0))?;
    let bias = builder.parameter("bias", [channels], Init::Constant(0.0))?;
    Ok((x, [weight, bias], channels))
}
