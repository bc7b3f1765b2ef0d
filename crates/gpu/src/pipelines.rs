//! Pipelines and bind groups: one pipeline for each text, one bind group for each step.

use std::collections::{HashMap, HashSet};

use convoke_core::kernels::{Bound, Shader, Target};
use convoke_core::plan::PlanStep;
use convoke_core::step::Step;

use crate::device::Device;

/// Step blocks lie this far apart in their ring: WebGPU's alignment of dynamic offsets.
pub(crate) const STEP_STRIDE: usize = 256;

/// A step that is ready to be dispatched.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub pipeline: wgpu::ComputePipeline,
    pub bind_group: wgpu::BindGroup,
    pub shader: Shader,
    pub label: String,
}

/// What has been compiled on a device.
#[derive(Debug)]
pub(crate) struct Pipelines {
    target: Target,
    compiled: HashMap<String, wgpu::ComputePipeline>,
    /// What the program before had compiled, until the next one is ready.
    earlier: HashMap<String, wgpu::ComputePipeline>,
}

impl Pipelines {
    /// Nothing compiled yet; shaders will be written for `target`.
    pub fn new(target: Target) -> Self {
        Self { target, compiled: HashMap::new(), earlier: HashMap::new() }
    }

    /// A new program begins: of what the one before had compiled, it keeps what it uses.
    pub fn begin(&mut self) {
        self.earlier = std::mem::take(&mut self.compiled);
    }

    /// The program is complete: what it has no use for is let go, or an engine that loads many would only ever grow.
    pub fn end(&mut self) {
        self.earlier.clear();
    }

    /// Lets go what none of these uses.
    pub fn keep<'a>(&mut self, used: impl Iterator<Item = &'a Dispatch>) {
        let used: HashSet<&str> = used.map(|dispatch| dispatch.shader.source.as_str()).collect();
        self.compiled.retain(|source, _| used.contains(source.as_str()));
    }

    /// What shaders are written for.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The shader of a step.
    pub fn shader(&self, step: &PlanStep) -> Shader {
        step.kernel.shader(self.target)
    }

    /// Whether the shader's text has been compiled before.
    pub fn has(&self, shader: &Shader) -> bool {
        self.compiled.contains_key(&shader.source) || self.earlier.contains_key(&shader.source)
    }

    /// Makes a step ready: compiles its shader, unless that text has been compiled before, and binds its slices. Says also
    /// whether the pipeline is new.
    pub fn dispatch(
        &mut self,
        device: &Device,
        step: &PlanStep,
        shader: Shader,
        buffers: &[wgpu::Buffer],
        ring: &wgpu::Buffer,
    ) -> (Dispatch, bool) {
        let mut new = false;
        let pipeline = match self.compiled.get(&shader.source) {
            Some(pipeline) => pipeline.clone(),
            None => {
                let earlier = self.earlier.remove(&shader.source);
                new = earlier.is_none();
                let pipeline = earlier.unwrap_or_else(|| compile(device, &shader, step));
                self.compiled.insert(shader.source.clone(), pipeline.clone());
                pipeline
            }
        };
        let bind_group = bind(device, &pipeline, &shader, step, buffers, ring);
        let label = format!("{} {}", step.kernel.stem(), step.label);
        (Dispatch { pipeline, bind_group, shader, label }, new)
    }
}

fn compile(device: &Device, shader: &Shader, step: &PlanStep) -> wgpu::ComputePipeline {
    let label = Some(step.kernel.stem());
    let layout = layout(device, shader, step);
    let layout = device.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let description =
        wgpu::ShaderModuleDescriptor { label, source: wgpu::ShaderSource::Wgsl(shader.source.as_str().into()) };
    let checks = wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };
    // SAFETY: every loop of the shaders counts up to a bound that is fixed when the text is filled, or to a length in the step
    // block, so none is infinite; everything else stays checked. A counter in each loop would slow the inner ones.
    let module = unsafe { device.device.create_shader_module_trusted(description, checks) };
    device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            // Every kernel writes what it reads of its workgroup's memory.
            zero_initialize_workgroup_memory: false,
            ..wgpu::PipelineCompilationOptions::default()
        },
        cache: None,
    })
}

fn layout(device: &Device, shader: &Shader, step: &PlanStep) -> wgpu::BindGroupLayout {
    let entry = |binding, ty, has_dynamic_offset| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
        count: None,
    };
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform, true)];
    for (binding, bound) in (1..).zip(&shader.bindings) {
        let read_only = matches!(bound, Bound::Read(_));
        entries.push(entry(binding, wgpu::BufferBindingType::Storage { read_only }, false));
    }
    let label = Some(step.kernel.stem());
    device.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries })
}

fn bind(
    device: &Device,
    pipeline: &wgpu::ComputePipeline,
    shader: &Shader,
    step: &PlanStep,
    buffers: &[wgpu::Buffer],
    ring: &wgpu::Buffer,
) -> wgpu::BindGroup {
    let range = |buffer, offset: usize, bytes: usize| {
        let (offset, size) = (offset as u64, wgpu::BufferSize::new(bytes as u64));
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size })
    };
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: range(ring, 0, size_of::<Step>()) }];
    for (binding, bound) in (1..).zip(&shader.bindings) {
        let slice = match *bound {
            Bound::Read(position) => step.reads[position],
            Bound::Write(position) => step.writes[position],
        };
        // Shaders may read whole rows of four, so a binding ends on one; slices lie far enough apart for it.
        let bytes = slice.bytes.next_multiple_of(16);
        let resource = range(&buffers[slice.buffer.0], slice.offset, bytes);
        entries.push(wgpu::BindGroupEntry { binding, resource });
    }
    let layout = pipeline.get_bind_group_layout(0);
    let label = Some(step.label.as_str());
    device.device.create_bind_group(&wgpu::BindGroupDescriptor { label, layout: &layout, entries: &entries })
}
