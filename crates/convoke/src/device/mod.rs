//! Devices: which there are, and how one is asked for.

#[cfg(all(feature = "native", not(target_family = "wasm")))]
mod several;

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use convoke_core::engine::{DeviceInfo, DeviceKind, Engine, EngineError};
use convoke_cpu::CpuEngine;
use convoke_gpu::{Adapter, adapters};
use serde::Serialize;

#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub use several::{DevicesRequest, open_several};

/// Which device to compute on. As text: `auto`, `cpu`, `gpu`, `gpu:K` or a part of a device's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceRequest {
    /// A graphics processor where there is one, else the CPU, else a graphics driver that computes on the CPU. One that can't
    /// be opened is passed over.
    #[default]
    Auto,
    /// The CPU, without a graphics driver.
    Cpu,
    /// A graphics processor where there is one, else a graphics driver that computes on the CPU.
    Gpu,
    /// The graphics adapter at this position of [`devices`].
    Index(usize),
    /// The device whose name holds this text, upper and lower case alike.
    Name(String),
}

impl FromStr for DeviceRequest {
    type Err = EngineError;

    /// # Errors
    /// [`EngineError::NotFound`] where the text is empty, or `gpu:` without a number behind it.
    fn from_str(text: &str) -> Result<Self, EngineError> {
        const FORMS: &str = "give auto, cpu, gpu, gpu:0, or a part of a device's name";
        let not_found = || EngineError::NotFound { asked: format!("`{text}`"), found: FORMS.into() };
        let lower = text.trim().to_lowercase();
        match (lower.as_str(), lower.strip_prefix("gpu:")) {
            ("", _) => Err(not_found()),
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("gpu", _) => Ok(Self::Gpu),
            (_, Some(position)) => position.parse().map(Self::Index).map_err(|_| not_found()),
            _ => Ok(Self::Name(text.trim().into())),
        }
    }
}

impl fmt::Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu => f.write_str("gpu"),
            Self::Index(position) => write!(f, "gpu:{position}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A device that an engine can be opened on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// What to ask for to get it: `cpu`, `gpu:0`.
    pub id: String,
    /// Its name, as the driver or the processor gives it.
    pub name: String,
    /// "gpu", "software gpu" (a graphics driver that computes on the CPU) or "cpu".
    pub kind: &'static str,
    /// The interface through which it is driven: "Vulkan", "Metal", "cpu".
    pub backend: String,
    /// The driver and its version, or the threads and the instruction set in use.
    pub driver: String,
    /// Limits by WebGPU's names, in bytes or counts; none for the CPU, which only memory limits.
    pub limits: Vec<(&'static str, u64)>,
    /// WebGPU's features that it has, by their names; none for the CPU.
    pub features: Vec<String>,
}

impl Device {
    fn new(id: String, info: &DeviceInfo) -> Self {
        let kind = match info.kind {
            DeviceKind::Gpu => "gpu",
            DeviceKind::SoftwareGpu => "software gpu",
            DeviceKind::Cpu => "cpu",
        };
        let DeviceInfo { name, backend, driver, .. } = info.clone();
        Self { id, name, kind, backend, driver, limits: Vec::new(), features: Vec::new() }
    }
}

/// All devices: graphics adapters in the system's order, then the CPU.
pub async fn devices() -> Vec<Device> {
    let adapters = adapters().await;
    let graphics = adapters.iter().enumerate().map(|(position, adapter)| Device {
        limits: adapter.limits(),
        features: adapter.features(),
        ..Device::new(DeviceRequest::Index(position).to_string(), adapter.info())
    });
    let cpu = CpuEngine::new(None).ok().map(|engine| Device::new("cpu".into(), engine.info()));
    graphics.chain(cpu).collect()
}

/// Opens the device asked for. `threads` is how many the CPU engine uses, one for each processor where it is `None`; results
/// don't depend on it, and graphics adapters take no notice of it.
///
/// # Errors
/// [`EngineError::NotFound`], which lists what there is, where no device answers to the request or several do;
/// [`EngineError::Refused`] where the driver or the operating system refuses.
pub async fn open(request: &DeviceRequest, threads: Option<NonZeroUsize>) -> Result<Box<dyn Engine>, EngineError> {
    let cpu = || CpuEngine::new(threads).map(|engine| Box::new(engine) as Box<dyn Engine>);
    if *request == DeviceRequest::Cpu {
        return cpu();
    }
    let adapters = adapters().await;
    let infos: Vec<DeviceInfo> = adapters.iter().map(|adapter| adapter.info().clone()).collect();
    let processor = CpuEngine::new(NonZeroUsize::new(1)).ok().map(|engine| engine.info().clone());
    let mut failed = None;
    for choice in choose(request, &infos, processor.as_ref())? {
        let opened = match choice {
            Choice::Cpu => cpu(),
            Choice::Adapter(position) => open_adapter(&adapters[position]).await,
        };
        match opened {
            Ok(engine) => return Ok(engine),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| not_found(request, &infos, processor.as_ref(), "there is none")))
}

async fn open_adapter(adapter: &Adapter) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(adapter.open().await?))
}

/// A device, once it is decided which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Cpu,
    Adapter(usize),
}

/// The devices that may answer a request, the best first: several only where the request leaves it open.
fn choose(
    request: &DeviceRequest,
    adapters: &[DeviceInfo],
    cpu: Option<&DeviceInfo>,
) -> Result<Vec<Choice>, EngineError> {
    let of_kind = |kind| (0..adapters.len()).filter(move |&i| adapters[i].kind == kind).map(Choice::Adapter);
    let graphics = || of_kind(DeviceKind::Gpu);
    let software = || of_kind(DeviceKind::SoftwareGpu);
    let refuse = |why: &str| Err(not_found(request, adapters, cpu, why));
    match request {
        DeviceRequest::Auto => Ok(graphics().chain([Choice::Cpu]).chain(software()).collect()),
        DeviceRequest::Cpu => Ok(vec![Choice::Cpu]),
        DeviceRequest::Gpu => match graphics().chain(software()).next() {
            Some(first) => Ok(vec![first]),
            None => refuse("no graphics driver is installed; install one (on Debian: mesa-vulkan-drivers)"),
        },
        DeviceRequest::Index(position) if *position < adapters.len() => Ok(vec![Choice::Adapter(*position)]),
        DeviceRequest::Index(_) => refuse(&format!("there are {} graphics adapters", adapters.len())),
        DeviceRequest::Name(name) => {
            let named = adapters.iter().enumerate().map(|(i, info)| (Choice::Adapter(i), info));
            let named: Vec<_> = named.chain(cpu.map(|info| (Choice::Cpu, info))).collect();
            match by_name(name, &named) {
                Ok(choice) => Ok(vec![choice]),
                Err(why) => refuse(why),
            }
        }
    }
}

/// The one device with this text in its name. Of several of the very same name, one card twice or one card behind two
/// interfaces, it is the first.
fn by_name(name: &str, devices: &[(Choice, &DeviceInfo)]) -> Result<Choice, &'static str> {
    let lower = name.to_lowercase();
    let holding = devices.iter().filter(|(_, info)| info.name.to_lowercase().contains(&lower));
    let exact = devices.iter().find(|(_, info)| info.name.to_lowercase() == lower);
    let holding: Vec<_> = exact.into_iter().chain(holding).collect();
    match holding.split_first() {
        None => Err("no name holds that"),
        Some((first, rest)) if exact.is_some() || rest.iter().all(|(_, info)| info.name == first.1.name) => Ok(first.0),
        Some(_) => Err("several names hold that"),
    }
}

fn not_found(request: &DeviceRequest, adapters: &[DeviceInfo], cpu: Option<&DeviceInfo>, why: &str) -> EngineError {
    let graphics = adapters.iter().enumerate().map(|(i, info)| format!("gpu:{i} is {} ({})", info.name, info.backend));
    let known: Vec<String> = graphics.chain(cpu.map(|info| format!("cpu is {}", info.name))).collect();
    EngineError::NotFound {
        asked: format!("`{request}`"),
        found: format!("{why}; choose one of these: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, kind: DeviceKind, backend: &str) -> DeviceInfo {
        DeviceInfo { name: name.into(), kind, backend: backend.into(), driver: String::new() }
    }

    fn machine() -> (Vec<DeviceInfo>, DeviceInfo) {
        let adapters = vec![
            info("llvmpipe (256 bits)", DeviceKind::SoftwareGpu, "Vulkan"),
            info("Radeon 780M", DeviceKind::Gpu, "Vulkan"),
            info("Radeon RX 7600", DeviceKind::Gpu, "Vulkan"),
            info("Radeon RX 7600", DeviceKind::Gpu, "Dx12"),
        ];
        (adapters, info("Ryzen 7 with Radeon Graphics", DeviceKind::Cpu, "cpu"))
    }

    fn choices(request: &str) -> Result<Vec<Choice>, String> {
        let (adapters, cpu) = machine();
        let request = request.parse::<DeviceRequest>().map_err(|e| e.to_string())?;
        choose(&request, &adapters, Some(&cpu)).map_err(|e| e.to_string())
    }

    #[test]
    fn a_graphics_processor_comes_before_the_cpu_and_that_before_a_software_driver() {
        let [a, b, c, d] = [0, 1, 2, 3].map(Choice::Adapter);
        assert_eq!(choices("auto"), Ok(vec![b, c, d, Choice::Cpu, a]));
        assert_eq!(choices("gpu"), Ok(vec![b]));
        assert_eq!(choices("GPU:0"), Ok(vec![a]));
        assert_eq!(choices("cpu"), Ok(vec![Choice::Cpu]));
        let software = [machine().0[0].clone()];
        assert_eq!(choose(&DeviceRequest::Gpu, &software, None), Ok(vec![a]));
        assert_eq!(choose(&DeviceRequest::Auto, &software, None), Ok(vec![Choice::Cpu, a]));
    }

    #[test]
    fn a_name_is_found_by_a_part_of_it() {
        assert_eq!(choices("LLVM"), Ok(vec![Choice::Adapter(0)]));
        assert_eq!(choices("ryzen"), Ok(vec![Choice::Cpu]));
        assert_eq!(choices("rx 7600"), Ok(vec![Choice::Adapter(2)]), "one card behind two interfaces");
        assert_eq!(choices("radeon 780m"), Ok(vec![Choice::Adapter(1)]));
    }

    #[test]
    fn what_is_unknown_or_ambiguous_is_told_with_what_there_is() {
        let list = "choose one of these: gpu:0 is llvmpipe (256 bits) (Vulkan), gpu:1 is Radeon 780M (Vulkan), gpu:2 is \
                    Radeon RX 7600 (Vulkan), gpu:3 is Radeon RX 7600 (Dx12), cpu is Ryzen 7 with Radeon Graphics";
        let error = |why: &str| Err(format!("no device {why}; {list}"));
        assert_eq!(choices("voodoo"), error("`voodoo`: no name holds that"));
        assert_eq!(choices("radeon"), error("`radeon`: several names hold that"));
        assert_eq!(choices("gpu:4"), error("`gpu:4`: there are 4 graphics adapters"));
        for text in ["", " ", "gpu:", "gpu:x", "gpu:-1"] {
            let error = choices(text).unwrap_err();
            assert!(error.ends_with("give auto, cpu, gpu, gpu:0, or a part of a device's name"), "{error}");
        }
        let error = choose(&DeviceRequest::Gpu, &[], None).unwrap_err().to_string();
        assert!(error.contains("no graphics driver is installed"), "{error}");
    }

    #[test]
    fn a_request_reads_back_from_its_text() {
        for request in ["auto", "cpu", "gpu", "gpu:3", "Radeon 780M"] {
            assert_eq!(request.parse::<DeviceRequest>().unwrap().to_string(), request);
        }
    }
}
