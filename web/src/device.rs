//! Which devices a browser offers, and what to train on.

use convoke::device::{DeviceRequest, devices, open as open_device};
use convoke::engine::{DeviceInfo, DeviceKind, Engine, EngineError};
use js_sys::Reflect;

use crate::protocol::{DeviceChoice, DeviceReport, Reply};
use crate::turn::Turning;

/// Opens a device. The CPU lets the event loop take its turn between submissions.
///
/// # Errors
/// [`EngineError::NotFound`] where WebGPU is asked for and there is none; [`EngineError::Refused`].
pub(crate) async fn open(choice: DeviceChoice) -> Result<Box<dyn Engine>, EngineError> {
    if choice == DeviceChoice::Gpu
        && let Some(reason) = no_webgpu()
    {
        return Err(EngineError::NotFound { asked: "with WebGPU".into(), found: reason });
    }
    let request = match (choice, no_webgpu()) {
        (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, Some(_)) => DeviceRequest::Cpu,
        (DeviceChoice::Auto, None) => DeviceRequest::Auto,
        (DeviceChoice::Gpu, _) => DeviceRequest::Gpu,
    };
    let engine = match open_device(&request, None).await {
        Err(EngineError::NotFound { asked, .. }) => {
            return Err(EngineError::NotFound { asked, found: NO_ADAPTER.into() });
        }
        opened => opened?,
    };
    Ok(if engine.info().kind == DeviceKind::Cpu { Box::new(Turning(engine)) } else { engine })
}

/// The devices, and what the automatic choice takes.
pub(crate) async fn report() -> Reply {
    let (devices, no_gpu) = reports().await;
    // As `DeviceRequest::Auto` has it: a driver that computes on the CPU comes after the CPU itself.
    let auto = devices.iter().position(|report| report.kind == "gpu").unwrap_or(devices.len().saturating_sub(1));
    Reply::Devices { devices, auto: auto as u32, no_gpu }
}

/// The devices, the CPU last, and why WebGPU is not among them.
pub(crate) async fn reports() -> (Vec<DeviceReport>, Option<String>) {
    let mut reports: Vec<DeviceReport> = Vec::new();
    let mut no_gpu = no_webgpu();
    if no_gpu.is_none() {
        let found = devices().await;
        reports.extend(found.into_iter().filter(|device| device.kind != "cpu").map(|device| DeviceReport {
            choice: DeviceChoice::Gpu,
            name: device.name,
            kind: device.kind.into(),
            backend: device.backend,
            driver: device.driver,
        }));
        no_gpu = reports.is_empty().then(|| NO_ADAPTER.to_string());
    }
    if let Ok(engine) = open(DeviceChoice::Cpu).await {
        reports.push(describe(engine.info()));
    }
    (reports, no_gpu)
}

/// A device, for people.
pub(crate) fn describe(info: &DeviceInfo) -> DeviceReport {
    let (choice, kind) = match info.kind {
        DeviceKind::Gpu => (DeviceChoice::Gpu, "gpu"),
        DeviceKind::SoftwareGpu => (DeviceChoice::Gpu, "software gpu"),
        DeviceKind::Cpu => (DeviceChoice::Cpu, "cpu"),
    };
    let DeviceInfo { name, backend, driver, .. } = info.clone();
    DeviceReport { choice, name, kind: kind.into(), backend, driver }
}

const NO_ADAPTER: &str = "This browser has WebGPU, but no graphics adapter answers. Update the graphics driver, or turn on hardware \
                          acceleration in the browser's settings";

/// Why there is no WebGPU here, and what to do, or `None` where there is.
fn no_webgpu() -> Option<String> {
    let global = js_sys::global();
    let get = |object: &wasm_bindgen::JsValue, name: &str| Reflect::get(object, &name.into()).unwrap_or_default();
    if get(&get(&global, "navigator"), "gpu").is_truthy() {
        return None;
    }
    let reason = if get(&global, "isSecureContext").is_truthy() {
        "This browser has no WebGPU. Use a current Chrome, Edge, Firefox or Safari, or turn WebGPU on in its settings"
    } else {
        "Browsers offer WebGPU to pages from https and from localhost alone. Open this page through one of these"
    };
    Some(reason.into())
}
