//! One row a sample.

use serde::{Deserialize, Serialize};

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::ops;

/// `[N, …] → [N, features]`: all of a sample's elements in a row, channels outermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Flatten {
    pub(super) fn build(&self, builder: &mut Builder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let x = builder.one("flatten", inputs)?;
        let dims = vec![builder.graph.ty(x).inner()];
        builder.graph.apply1(ops::Reshape { dims }, &[x])
    }
}
