//! `--device`.

use std::num::NonZeroUsize;

use convoke::block_on;
use convoke::device::DeviceRequest;
use convoke::engine::{DeviceInfo, DeviceKind, Engine};

use crate::failure::{Failure, Result};

/// Opens the device asked for; threads are for the CPU engine alone.
pub fn open(device: Option<&DeviceRequest>, threads: Option<NonZeroUsize>) -> Result<Box<dyn Engine>> {
    let engine = block_on(convoke::device::open(device.unwrap_or(&DeviceRequest::Auto), threads))?;
    let info = engine.info();
    if threads.is_some() && info.kind != DeviceKind::Cpu {
        let problem = format!("--threads is for the CPU, and the device is {}; add --device cpu", info.name);
        return Err(Failure::Usage(problem));
    }
    Ok(engine)
}

/// A device in words.
pub fn describe(info: &DeviceInfo) -> String {
    format!("{} ({}; {})", info.name, info.backend, info.driver)
}
