//! `--device`, and what goes with several.

use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use convoke::device::{DeviceRequest, DevicesRequest, open_several};
use convoke::engine::{DeviceInfo, DeviceKind, Engine};
use convoke::plan::Program;
use convoke::train::{Engines, Split};
use convoke::{Trace, block_on};

use crate::failure::{Failure, Result};

/// Opens the device asked for; threads are for the CPU engine alone.
pub fn open(device: Option<&DeviceRequest>, threads: Option<NonZeroUsize>) -> Result<Box<dyn Engine>> {
    let engine = block_on(convoke::device::open(device.unwrap_or(&DeviceRequest::Auto), threads))?;
    check_threads(threads, &[engine.info()])?;
    Ok(engine)
}

fn check_threads(threads: Option<NonZeroUsize>, infos: &[&DeviceInfo]) -> Result<()> {
    if threads.is_some() && infos.iter().all(|info| info.kind != DeviceKind::Cpu) {
        let name = infos.first().map_or("none", |info| &info.name);
        let problem = format!("--threads is for the CPU, and the device is {name}; add --device cpu");
        return Err(Failure::Usage(problem));
    }
    Ok(())
}

/// On what a run computes.
#[derive(Args, Clone, Debug)]
pub struct DeviceArgs {
    /// What to compute on: auto, cpu, gpu, gpu:K, or a part of a device's name; several with commas between them, or all [default: auto]
    ///
    /// auto takes a graphics processor where there is one, else the CPU. gpu insists on a graphics driver, gpu:K on the K-th that
    /// `convoke devices` lists. With several, such as gpu:0,gpu:1,cpu, each step's batch is split among them; all takes every device that
    /// `convoke devices` lists. A device that fails leaves, and the others go on.
    #[arg(long, value_name = "DEVICE,…")]
    pub device: Option<DevicesRequest>,

    /// How each batch is split over several devices: auto, equal, or a ratio such as 3:1 [default: auto]
    ///
    /// auto measures before the first step what each can do, and corrects the shares while training; a device whose share would be under what it
    /// costs to take part gets none. With auto, a run follows from the clock too: its losses are the same up to rounding, not bit for bit.
    #[arg(long, value_name = "HOW")]
    pub split: Option<Split>,

    /// Seconds that one of several devices may take for its share of a step before it is left behind, above 0 [default: 60]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub device_timeout: Option<f64>,

    /// Threads of the CPU engine; results don't depend on it [default: one for each processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub threads: Option<NonZeroUsize>,
}

impl DeviceArgs {
    /// Opens the devices asked for, or `otherwise` where none was, with that one's split where none was asked for. Where there is a trace, they are
    /// recorded in it.
    pub fn open(&self, otherwise: &DevicesRequest, split: Split, trace: Option<&Trace>) -> Result<Engines> {
        let request = self.device.as_ref().unwrap_or(otherwise);
        let timeout = self.device_timeout.unwrap_or(60.0);
        let deadline = Duration::try_from_secs_f64(timeout).ok().filter(|deadline| !deadline.is_zero());
        let deadline = deadline.ok_or_else(|| {
            let problem = format!("--device-timeout is {timeout}; it has to be above 0 seconds, such as 60");
            Failure::Usage(problem)
        })?;
        let several = block_on(request.each()).len() > 1;
        for (given, name) in [(self.split.is_some(), "--split"), (self.device_timeout.is_some(), "--device-timeout")] {
            if given && !several {
                let problem = format!(
                    "{name} is for several devices, and there is one ({request}); add --device gpu:0,cpu or --device all"
                );
                return Err(Failure::Usage(problem));
            }
        }
        let engines = block_on(open_several(request, self.split.clone().unwrap_or(split), self.threads, trace))?;
        check_threads(self.threads, &engines.infos())?;
        Ok(engines.with_deadline(deadline))
    }
}

/// A device in words.
pub fn describe(info: &DeviceInfo) -> String {
    format!("{} ({}; {})", info.name, info.backend, info.driver)
}

/// Devices in words, one after another.
pub fn describe_all(devices: &[(DeviceInfo, Rc<Program>)]) -> String {
    devices.iter().map(|(info, _)| describe(info)).collect::<Vec<_>>().join(", ")
}
