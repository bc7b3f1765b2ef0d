//! Kernels as WGSL: what all of them share in filling their templates.

use std::fmt::Write;

use crate::expr::{Broadcast, Epilogue, Expr};
use crate::functions::called;
use crate::shape::Extent;

/// The most workgroups that a dispatch may have along one dimension.
const MAX_WORKGROUPS: usize = 65_535;

/// What a shader is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A graphics processor: thousands of threads, each with few registers.
    Gpu,
    /// A graphics driver that computes on the CPU: few threads, whose registers spill into a fast cache, and for whom loads
    /// are dear.
    Cpu,
    /// The same with vectors of no more than four lanes, which it fills one by one whatever they are loaded from: a load costs
    /// as much as it has lanes.
    NarrowCpu,
    /// The same for steps that have begun: larger tiles, which take longer to compile, run faster, and compute the same bits.
    NarrowCpuLater,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gpu, Self::Cpu, Self::NarrowCpu, Self::NarrowCpuLater];

    /// What to go over to once steps run, if anything.
    pub fn later(self) -> Option<Self> {
        (self == Self::NarrowCpu).then_some(Self::NarrowCpuLater)
    }

    /// Threads in a workgroup of a kernel that holds a tile in each thread's registers.
    pub(super) fn tile_workgroup(self) -> usize {
        match self {
            Self::Gpu => 64,
            Self::Cpu | Self::NarrowCpu | Self::NarrowCpuLater => 8,
        }
    }

    /// Threads in a workgroup of a kernel that does little in each thread.
    pub(super) fn workgroup(self) -> usize {
        match self {
            Self::Gpu => 64,
            Self::Cpu | Self::NarrowCpu | Self::NarrowCpuLater => 32,
        }
    }
}

/// Which slice of a plan's step lies at a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// The slice of that position in the step's reads: read-only storage.
    Read(usize),
    /// The slice of that position in the step's writes: read-write storage.
    Write(usize),
}

/// A kernel's shader, and how it is dispatched. Binding 0 is the step block; the entry point is `main`.
#[derive(Clone, Debug, PartialEq)]
pub struct Shader {
    /// The WGSL source.
    pub source: String,
    /// What lies at bindings 1, 2, ….
    pub bindings: Vec<Bound>,
    /// The number of threads is the product of these lengths, each divided by its tile and rounded up.
    pub threads: Vec<(Extent, usize)>,
    /// Threads in a workgroup.
    pub workgroup: usize,
}

impl Shader {
    /// A shader with `reads` slices that are read at its first bindings, then `writes` that are written, then `operands` that are read.
    pub(super) fn new(source: String, [reads, writes, operands]: [usize; 3]) -> Self {
        let fixed = (0..reads).map(Bound::Read).chain((0..writes).map(Bound::Write));
        let bindings = fixed.chain((reads..reads + operands).map(Bound::Read)).collect();
        Self { source, bindings, threads: Vec::new(), workgroup: 1 }
    }

    /// Sets how many threads run.
    pub(super) fn over(mut self, workgroup: usize, threads: impl Into<Vec<(Extent, usize)>>) -> Self {
        self.threads = threads.into();
        self.workgroup = workgroup;
        self
    }

    /// The workgroups of a run of `samples` samples along x, y and z: a line of them, folded where a dimension can't hold it.
    pub fn workgroups(&self, samples: usize) -> [u32; 3] {
        let threads: usize = self.threads.iter().map(|(length, tile)| length.at(samples).div_ceil(*tile)).product();
        let groups = threads.div_ceil(self.workgroup).max(1);
        let y = groups.div_ceil(MAX_WORKGROUPS);
        [groups.div_ceil(y) as u32, y as u32, 1]
    }
}

/// The widest vector, 4, 2 or 1 lanes, that divides all of the lengths.
pub(super) fn lanes(lengths: &[usize]) -> usize {
    [4, 2].into_iter().find(|lanes| lengths.iter().all(|l| l % lanes == 0)).unwrap_or(1)
}

/// What a length is a multiple of, whatever the batch.
pub(super) fn factor(length: Extent) -> usize {
    match length {
        Extent::Fixed(count) => count,
        Extent::Batch(times) | Extent::Chunks { times, .. } => times,
    }
}

/// The WGSL type of `lanes` values of type `f32` or `u32`.
pub(super) fn vector(scalar: &str, lanes: usize) -> String {
    if lanes == 1 { scalar.to_string() } else { format!("vec{lanes}{}", &scalar[..1]) }
}

/// A length as a WGSL expression.
pub(super) fn extent(length: Extent) -> String {
    match length {
        Extent::Fixed(count) => format!("{count}u"),
        Extent::Batch(times) => format!("(step.samples * {times}u)"),
        Extent::Chunks { samples, times } => format!("((step.samples + {}u) / {samples}u * {times}u)", samples - 1),
    }
}

/// The declarations by which a template reads vectors: `alias X`, `X_LANES` and `x_lane`, for the name `X`.
pub(super) fn unpack(name: &str, scalar: &str, lanes: usize) -> String {
    let (ty, lower) = (vector(scalar, lanes), name.to_ascii_lowercase());
    let lane = if lanes == 1 { "v" } else { "v[i]" };
    format!(
        "alias {name} = {ty};\nconst {name}_LANES: u32 = {lanes}u;\nfn {lower}_lane(v: {name}, i: u32) -> {scalar} {{ return {lane}; }}"
    )
}

/// The declarations by which a template writes vectors: `alias Y`, `Y_LANES` and `y_pack`, for the name `Y`.
pub(super) fn pack(name: &str, scalar: &str, lanes: usize) -> String {
    let (ty, lower) = (vector(scalar, lanes), name.to_ascii_lowercase());
    let values: Vec<String> = (0..lanes).map(|i| format!("lanes[{i}]")).collect();
    format!(
        "alias {name} = {ty};\nfn {lower}_pack(lanes: array<{scalar}, Y_LANES>) -> {name} {{ return {ty}({}); }}",
        values.join(", ")
    )
}

/// The operands of an expression as WGSL: declarations, and each one's value at the `lanes` elements from `i`.
struct Operands {
    declarations: String,
    values: Vec<String>,
    /// Values that are the same for a whole channel, in terms of `channel`.
    per_channel: Vec<String>,
}

/// Writes out `operands`, bound from `binding`. `channel` says, where the kernel knows an element's channel before the element,
/// how its output is indexed by channel: operands indexed so are loaded once a channel.
fn operands(operands: &[Broadcast], binding: usize, lanes: usize, channel: Option<Broadcast>) -> Operands {
    let mut out = Operands { declarations: String::new(), values: Vec::new(), per_channel: Vec::new() };
    for (k, broadcast) in operands.iter().enumerate() {
        let each_sample = |i: usize, inner: usize| format!("operand{k}[(i + {i}u) / {inner}u]");
        let each_channel =
            |i: usize, channels: usize, inner: usize| format!("operand{k}[(i + {i}u) / {inner}u % {channels}u]");
        let splat = |inner: usize, load: &dyn Fn(usize) -> String| {
            // Neighbours share the element where a vector never crosses from one to the next.
            let count = if inner.is_multiple_of(lanes) { 1 } else { lanes };
            format!("Y({})", (0..count).map(load).collect::<Vec<_>>().join(", "))
        };
        let (vectors, value) = match *broadcast {
            Broadcast::Element => (true, format!("operand{k}[i / Y_LANES]")),
            Broadcast::Scalar => (false, format!("Y(operand{k}[0])")),
            Broadcast::Channel { inner, .. } if Some(*broadcast) == channel => {
                let load = if inner == 1 {
                    format!("operand{k}[channel / Y_LANES]")
                } else {
                    format!("Y(operand{k}[channel])")
                };
                out.per_channel.push(load);
                (inner == 1, format!("at[{}]", out.per_channel.len() - 1))
            }
            Broadcast::Channel { channels, inner: 1 } if channels % lanes == 0 => {
                (true, format!("operand{k}[i % {channels}u / Y_LANES]"))
            }
            Broadcast::Channel { channels, inner } => (false, splat(inner, &|i| each_channel(i, channels, inner))),
            Broadcast::Sample { inner } => (false, splat(inner, &|i| each_sample(i, inner))),
            Broadcast::Place { channels, inner } if inner.is_multiple_of(lanes) => {
                let all = channels * inner;
                (true, format!("operand{k}[(i / {all}u * {inner}u + i % {inner}u) / Y_LANES]"))
            }
            Broadcast::Place { channels, inner } => {
                let all = channels * inner;
                let each = |i: usize| format!("operand{k}[(i + {i}u) / {all}u * {inner}u + (i + {i}u) % {inner}u]");
                (false, format!("Y({})", (0..lanes).map(each).collect::<Vec<_>>().join(", ")))
            }
        };
        let element = if vectors { "Y" } else { "f32" };
        let at = binding + k;
        writeln!(out.declarations, "@group(0) @binding({at}) var<storage, read> operand{k}: array<{element}>;")
            .expect("writing to a string");
        out.values.push(value);
    }
    out
}

/// The text of an `epilogue` slot: the output's vectors, the operands from `binding` on, and the function.
pub(super) fn epilogue(epilogue: &Epilogue, binding: usize, lanes: usize, channel: Broadcast) -> String {
    let Operands { declarations, values, per_channel } = operands(&epilogue.operands, binding, lanes, Some(channel));
    let inputs: Vec<String> = std::iter::once("value".to_string()).chain(values).collect();
    let expr = epilogue.expr.wgsl(&inputs, "Y");
    let count = per_channel.len().max(1);
    let (pack, functions) = (pack("Y", "f32", lanes), called(&expr, lanes));
    format!(
        "const Y_LANES: u32 = {lanes}u;\n{pack}\n{functions}\n{declarations}alias PerChannel = array<Y, {count}>;
fn per_channel(channel: u32) -> PerChannel {{ return PerChannel({}); }}
fn epilogue(value: Y, i: u32, at: PerChannel) -> Y {{ return {expr}; }}",
        per_channel.join(", ")
    )
}

/// The text of a `map`'s `expression` slot.
pub(super) fn expression(expr: &Expr, broadcasts: &[Broadcast], binding: usize, lanes: usize) -> String {
    let Operands { declarations, values, .. } = operands(broadcasts, binding, lanes, None);
    let (ty, expr) = (vector("f32", lanes), expr.wgsl(&values, "Y"));
    let functions = called(&expr, lanes);
    format!(
        "alias Y = {ty};\nconst Y_LANES: u32 = {lanes}u;\n{functions}\n{declarations}fn value(i: u32) -> Y {{ return Y({expr}); }}"
    )
}

/// The parameters of a template over a window: the window's own, and those that are listed.
macro_rules! window_params {
    ($template:ident, $window:expr, { $($field:ident: $value:expr),* $(,)? }) => {{
        let window = $window;
        let [out_h, out_w] = window.output();
        $template::Params {
            in_h: window.input[0] as u32,
            in_w: window.input[1] as u32,
            out_h: out_h as u32,
            out_w: out_w as u32,
            kernel_h: window.kernel[0] as u32,
            kernel_w: window.kernel[1] as u32,
            stride_h: window.stride[0] as u32,
            stride_w: window.stride[1] as u32,
            padding_h: window.padding[0] as u32,
            padding_w: window.padding[1] as u32,
            dilation_h: window.dilation[0] as u32,
            dilation_w: window.dilation[1] as u32,
            $($field: $value,)*
        }
    }};
}

/// The parameters of a template over a convolution: its channels', its window's, and those that are listed.
macro_rules! conv_params {
    ($template:ident, $geometry:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        $crate::kernels::shader::window_params!($template, &$geometry.window, {
            groups: $geometry.groups as u32,
            group_in: $geometry.group_in() as u32,
            group_out: $geometry.group_out() as u32,
            $($field: $value,)*
        })
    };
}
pub(super) use {conv_params, window_params};
