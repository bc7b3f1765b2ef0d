//! Rows out of one tensor into another: reads `x`, writes a part of `y`.

use convoke_shaders::copy as template;

use super::shader::{self, Shader, Target};
use crate::plan::Flops;
use crate::shape::Extent;

/// `y[r · to_stride + to_offset + i] = x[r · from_stride + from_offset + i]` for each `r < rows` and `i < len`. What lies between
/// the rows of `y` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Copy {
    /// The number of rows.
    pub rows: Extent,
    /// Elements of a row that are copied.
    pub len: usize,
    /// From one row of `x` to the next.
    pub from_stride: usize,
    /// Where the copied part of a row of `x` begins.
    pub from_offset: usize,
    /// From one row of `y` to the next.
    pub to_stride: usize,
    /// Where the copied part of a row of `y` begins.
    pub to_offset: usize,
}

impl Copy {
    /// Nothing is computed.
    pub fn flops(&self) -> Flops {
        Flops::default()
    }

    /// The kernel as WGSL.
    pub fn shader(&self, target: Target) -> Shader {
        let workgroup = target.workgroup();
        let params = template::Params {
            workgroup: workgroup as u32,
            row_len: self.len as u32,
            from_stride: self.from_stride as u32,
            from_offset: self.from_offset as u32,
            to_stride: self.to_stride as u32,
            to_offset: self.to_offset as u32,
        };
        let rows = format!("fn rows() -> u32 {{ return {}; }}", shader::extent(self.rows));
        let source = params.fill(&[("rows", &rows)]);
        Shader::new(source, [1, 1, 0]).over(workgroup, [(self.rows.times(self.len), 1)])
    }
}
