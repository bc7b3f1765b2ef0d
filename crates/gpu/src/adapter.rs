//! Which adapters there are.

use convoke_core::engine::{DeviceInfo, DeviceKind, EngineError};
use convoke_core::kernels::Target;

use crate::device::Device;
use crate::engine::GpuEngine;

/// A graphics adapter that an engine can be opened on.
#[derive(Clone, Debug)]
pub struct Adapter {
    inner: wgpu::Adapter,
    /// A browser's adapter gives one device; for another, another is asked for.
    #[cfg(target_family = "wasm")]
    instance: wgpu::Instance,
    info: DeviceInfo,
}

/// All adapters, in the order in which the system lists them. Each call looks anew, through an instance of its own: engines that are
/// opened from different calls share no driver threads.
pub async fn adapters() -> Vec<Adapter> {
    let mut description = wgpu::InstanceDescriptor::new_without_display_handle();
    // Software drivers such as SwiftShader implement all that is used here, without having passed every conformance test.
    description.flags |= wgpu::InstanceFlags::ALLOW_UNDERLYING_NONCOMPLIANT_ADAPTER;
    // Everything that the engine asks of a driver is checked by its tests; the layers would cost every user's start.
    description.flags -= wgpu::InstanceFlags::DEBUG | wgpu::InstanceFlags::VALIDATION;
    let instance = wgpu::Instance::new(description);
    #[cfg(not(target_family = "wasm"))]
    let found = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
    #[cfg(target_family = "wasm")]
    let found = instance.request_adapter(&wgpu::RequestAdapterOptions::default()).await.into_iter().collect::<Vec<_>>();
    found.into_iter().map(|inner| Adapter::new(inner, &instance)).collect()
}

impl Adapter {
    fn new(inner: wgpu::Adapter, _instance: &wgpu::Instance) -> Self {
        let info = inner.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::Cpu => DeviceKind::SoftwareGpu,
            _ => DeviceKind::Gpu,
        };
        let driver = [info.driver, info.driver_info].join(" ").trim().to_string();
        // What a browser says of its adapter is known only when a device is opened.
        let name = if info.name.is_empty() { "the browser's adapter".into() } else { info.name };
        let info = DeviceInfo { name, kind, backend: format!("{:?}", info.backend), driver };
        Self {
            inner,
            #[cfg(target_family = "wasm")]
            instance: _instance.clone(),
            info,
        }
    }

    /// The adapter's name, kind and driver.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// The limits that matter to Convoke, by WebGPU's names, in bytes or counts.
    pub fn limits(&self) -> Vec<(&'static str, u64)> {
        let limits = self.inner.limits();
        vec![
            ("maxBufferSize", limits.max_buffer_size),
            ("maxStorageBufferBindingSize", limits.max_storage_buffer_binding_size),
            ("maxStorageBuffersPerShaderStage", limits.max_storage_buffers_per_shader_stage.into()),
            ("maxComputeInvocationsPerWorkgroup", limits.max_compute_invocations_per_workgroup.into()),
            ("maxComputeWorkgroupStorageSize", limits.max_compute_workgroup_storage_size.into()),
            ("maxComputeWorkgroupsPerDimension", limits.max_compute_workgroups_per_dimension.into()),
        ]
    }

    /// The features that WebGPU knows, by its names, and that the adapter has.
    pub fn features(&self) -> Vec<String> {
        let webgpu = self.inner.features() & wgpu::Features::all_webgpu_mask();
        webgpu.iter_names().map(|(name, _)| name.to_ascii_lowercase().replace('_', "-")).collect()
    }

    /// Opens an engine on the adapter.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where the driver gives no device.
    pub async fn open(&self) -> Result<GpuEngine, EngineError> {
        self.open_for(self.target()).await
    }

    /// What the adapter's shaders are written for.
    pub fn target(&self) -> Target {
        let lanes = self.inner.get_info().subgroup_max_size;
        match self.info.kind {
            DeviceKind::SoftwareGpu if (1..=4).contains(&lanes) => Target::NarrowCpu,
            DeviceKind::SoftwareGpu => Target::Cpu,
            _ => Target::Gpu,
        }
    }

    /// Opens an engine whose shaders are written for another kind of adapter than this one may be: slower, and as right. So
    /// one adapter shows of all shaders that they are.
    ///
    /// # Errors
    /// As [`Adapter::open`].
    pub async fn open_for(&self, target: Target) -> Result<GpuEngine, EngineError> {
        let offered = self.inner.limits();
        let mut limits = wgpu::Limits::defaults().or_worse_values_from(&offered);
        limits.max_buffer_size = offered.max_buffer_size;
        limits.max_storage_buffer_binding_size = offered.max_storage_buffer_binding_size;
        let timestamps = self.inner.features() & wgpu::Features::TIMESTAMP_QUERY;
        let description = wgpu::DeviceDescriptor {
            label: Some("convoke"),
            required_features: timestamps,
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let refused = |reason| EngineError::Refused { name: self.info.name.clone(), what: "a device".into(), reason };
        #[cfg(not(target_family = "wasm"))]
        let opened = self.inner.request_device(&description).await;
        #[cfg(target_family = "wasm")]
        let opened = {
            let adapter = self.instance.request_adapter(&wgpu::RequestAdapterOptions::default()).await;
            adapter.map_err(|e| refused(e.to_string()))?.request_device(&description).await
        };
        let (device, queue) = opened.map_err(|e| refused(e.to_string()))?;
        let info = DeviceInfo { name: self.name_of(&device), ..self.info.clone() };
        Ok(GpuEngine::new(Device::new(device, queue, info), target))
    }

    /// The adapter's name. A browser tells little: whose it is, and of which family.
    fn name_of(&self, _device: &wgpu::Device) -> String {
        #[cfg(target_family = "wasm")]
        if let Some(device) = _device.as_webgpu() {
            let info = device.adapter_info();
            let family = [info.vendor(), info.architecture()].join(" ");
            if info.description().is_empty() && !family.trim().is_empty() {
                return family.trim().to_string();
            }
        }
        self.info.name.clone()
    }
}
