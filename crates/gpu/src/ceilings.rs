//! What an adapter reaches at best: multiply-adds in registers, and copies between buffers.

use convoke_core::engine::{Ceilings, EngineError};

use crate::device::Device;
use crate::readback::Mapping;

/// Invocations of the multiply-add kernel, a multiple of its workgroup's 64.
const INVOCATIONS: u32 = 64 * 256;
/// Multiply-adds of four numbers that each invocation does in a turn of its loop.
const CHAINS: u32 = 8;
/// Turns of the loop.
const TURNS: u32 = 512;
/// Bytes that are copied at a time.
const COPIED: u64 = 32 << 20;
/// Timings of which the best counts: the others were disturbed.
const TIMINGS: usize = 5;

/// Measures both with timestamps; `None` where the adapter has none.
pub(crate) async fn measure(device: &Device) -> Result<Option<Ceilings>, EngineError> {
    if !device.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
        return Ok(None);
    }
    use wgpu::BufferUsages as Usage;
    let out = device.buffer("multiply-adds", INVOCATIONS as usize * 16, Usage::STORAGE);
    let pipeline = pipeline(device);
    let bind_group = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: out.as_entire_binding() }],
    });
    let [from, to] = [(); 2].map(|()| device.buffer("copy", COPIED as usize, Usage::COPY_SRC | Usage::COPY_DST));
    let (mut multiply_adds, mut copies) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TIMINGS {
        let compute = |pass: &mut wgpu::ComputePass<'_>| {
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(INVOCATIONS / 64, 1, 1);
        };
        multiply_adds = multiply_adds.min(time(device, |encoder| around(encoder, compute)).await?);
        copies = copies.min(time(device, |encoder| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, COPIED)).await?);
    }
    let flops = f64::from(INVOCATIONS) * f64::from(TURNS * CHAINS) * 8.0;
    Ok(Some(Ceilings { flops_per_second: flops / multiply_adds, copy_bytes_per_second: 2.0 * COPIED as f64 / copies }))
}

fn around(encoder: &mut wgpu::CommandEncoder, compute: impl Fn(&mut wgpu::ComputePass<'_>)) {
    compute(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
}

/// The seconds between two empty passes' timestamps around some work.
async fn time(device: &Device, work: impl Fn(&mut wgpu::CommandEncoder)) -> Result<f64, EngineError> {
    use wgpu::BufferUsages as Usage;
    let query_set = device.device.create_query_set(&wgpu::QuerySetDescriptor {
        label: None,
        ty: wgpu::QueryType::Timestamp,
        count: 2,
    });
    let mut encoder = device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let stamp = |encoder: &mut wgpu::CommandEncoder, start: Option<u32>, end: Option<u32>| {
        let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
            query_set: &query_set,
            beginning_of_pass_write_index: start,
            end_of_pass_write_index: end,
        });
        drop(encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes }));
    };
    stamp(&mut encoder, None, Some(0));
    work(&mut encoder);
    stamp(&mut encoder, Some(1), None);
    let resolved = device.buffer("timestamps", 16, Usage::QUERY_RESOLVE | Usage::COPY_SRC);
    let staging = device.buffer("timestamps", 16, Usage::COPY_DST | Usage::MAP_READ);
    encoder.resolve_query_set(&query_set, 0..2, &resolved, 0);
    encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, 16);
    device.queue.submit([encoder.finish()]);
    let words = Mapping::new(device.clone(), staging).await?;
    let tick = |i: usize| u64::from(words[2 * i + 1]) << 32 | u64::from(words[2 * i]);
    Ok(tick(1).saturating_sub(tick(0)).max(1) as f64 * f64::from(device.queue.get_timestamp_period()) * 1e-9)
}

/// A loop of independent chains of fused multiply-adds, whose result is stored so that it is not optimised away.
fn pipeline(device: &Device) -> wgpu::ComputePipeline {
    let names: Vec<String> = (0..CHAINS).map(|i| format!("x{i}")).collect();
    let declare: String =
        names.iter().enumerate().map(|(i, x)| format!("var {x} = vec4f(f32(id.x) + {i}.0);\n")).collect();
    let turn: String = names.iter().map(|x| format!("{x} = fma({x}, a, b);\n")).collect();
    let source = format!(
        "@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) id: vec3u) {{
            let a = vec4f(0.999 + f32(id.x) * 1e-9);
            let b = vec4f(0.001);
            {declare}
            for (var i = 0u; i < {TURNS}u; i++) {{ {turn} }}
            out[id.x] = {};
        }}",
        names.join(" + ")
    );
    let module = device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("multiply-adds"),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("multiply-adds"),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    })
}
