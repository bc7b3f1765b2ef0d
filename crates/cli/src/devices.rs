//! `convoke devices`.

use std::process::ExitCode;

use clap::Args;
use convoke::block_on;
use convoke::device::{Device, devices};

use crate::failure::Result;
use crate::{output, text};

/// List what there is to compute on: graphics adapters with their limits and features, and the CPU
///
/// The name in front, or a part of the device's own, is what --device takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  convoke devices\n  convoke train --device gpu:0")]
pub struct DevicesArgs {
    /// Print a JSON list with an object for each device
    #[arg(long)]
    json: bool,
}

/// Lists the devices.
pub fn run(args: &DevicesArgs) -> Result<ExitCode> {
    let devices = block_on(devices());
    if args.json {
        output::json(&devices.iter().map(Listed::from).collect::<Vec<_>>())?;
    } else {
        devices.iter().try_for_each(print)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A device as JSON: limits as an object.
#[derive(serde::Serialize)]
struct Listed<'a> {
    id: &'a str,
    name: &'a str,
    kind: &'a str,
    backend: &'a str,
    driver: &'a str,
    limits: std::collections::BTreeMap<&'static str, u64>,
    features: &'a [String],
}

impl<'a> From<&'a Device> for Listed<'a> {
    fn from(device: &'a Device) -> Self {
        let Device { id, name, kind, backend, driver, limits, features } = device;
        Self { id, name, kind, backend, driver, limits: limits.iter().copied().collect(), features }
    }
}

fn print(device: &Device) -> Result<()> {
    let Device { id, name, kind, backend, driver, limits, features } = device;
    output::line(format!("{id:<6} {name}"))?;
    output::line(format!("       {kind}, {backend}, {driver}"))?;
    for (limit, value) in limits {
        let value = match usize::try_from(*value) {
            Ok(bytes) if limit.ends_with("Size") => text::bytes(bytes),
            _ => text::grouped(*value),
        };
        output::line(format!("       {limit:<34} {value}"))?;
    }
    if !features.is_empty() {
        output::line(format!("       features: {}", features.join(", ")))?;
    }
    Ok(())
}
