//! Sum of inputs: a residual connection.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// The sum of the two or more tensors of one shape that `from` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

impl Add {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let [first, second, rest @ ..] = inputs else {
            let problem = format!("takes two inputs or more, and was given {}; name them: from = [\"a\", \"b\"]", inputs.len());
            return Err(builder.problem("add", problem));
        };
        let sum = builder.graph.apply1(ops::Add, &[*first, *second])?;
        rest.iter().try_fold(sum, |sum, &next| builder.graph.apply1(ops::Add, &[sum, next]))
    }
}
