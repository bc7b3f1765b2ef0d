//! What devices do alone, and what they do together.

use std::time::Instant;

use convoke::block_on;
use convoke::device::{DeviceRequest, DevicesRequest, open_several};
use convoke::train::{DeviceShare, Split};
use serde::Serialize;

use super::{Subject, measure};
use crate::failure::{Failure, Result};
use crate::status::Status;
use crate::table::table;
use crate::text;

/// What `--scaling --json` prints.
#[derive(Debug, Serialize)]
pub struct Scaling {
    model: String,
    batch_size: usize,
    commit: &'static str,
    split: String,
    alone: Vec<Alone>,
    together: Vec<Together>,
}

/// A device by itself.
#[derive(Debug, Serialize)]
struct Alone {
    device: String,
    samples_per_second: f64,
    windows: Vec<f64>,
}

/// The first so many devices.
#[derive(Debug, Serialize)]
struct Together {
    devices: usize,
    samples_per_second: f64,
    windows: Vec<f64>,
    /// As a share of the sum of their single speeds.
    efficiency: f64,
    /// How each batch was split at the end.
    shares: Vec<DeviceShare>,
}

/// Measures each of the devices asked for alone, then more and more of them together.
pub fn scaling(subject: &Subject<'_>, status: &Status) -> Result<Scaling> {
    let args = &subject.args.device;
    let asked = args.device.clone().unwrap_or(DevicesRequest::All);
    let requests = block_on(asked.each());
    if requests.len() < 2 {
        let problem =
            format!("--scaling compares several devices, and {asked} is one; add --device gpu:0,cpu or --device all");
        return Err(Failure::Usage(problem));
    }
    if let Some(Split::Ratio(parts)) = &args.split
        && parts.len() != requests.len()
    {
        let problem = format!(
            "--split has {} parts and there are {} devices; give one part for each",
            parts.len(),
            requests.len()
        );
        return Err(Failure::Usage(problem));
    }
    let split = args.split.clone().unwrap_or_default();
    let run = |requests: &[DeviceRequest]| -> Result<(Vec<f64>, String, Vec<DeviceShare>)> {
        let request = DevicesRequest::These(requests.to_vec());
        // A ratio is for all of them; fewer have the beginning of it.
        let split = match &split {
            Split::Ratio(parts) => Split::Ratio(parts[..requests.len()].to_vec()),
            split => split.clone(),
        };
        let engines = block_on(open_several(&request, split, args.threads, None))?;
        let name = engines.infos()[0].name.clone();
        let mut trainer = subject.trainer(engines, status)?;
        let start = Instant::now();
        let first = block_on(trainer.steps(1, &|| start.elapsed()))?;
        let speed = measure(&mut trainer, subject.args.seconds, first, status)?;
        Ok((speed.windows, name, trainer.shares()))
    };
    let median = |windows: &[f64]| windows[windows.len() / 2];
    let mut alone = Vec::new();
    for request in &requests {
        let (windows, device, _) = run(std::slice::from_ref(request))?;
        alone.push(Alone { device, samples_per_second: median(&windows), windows });
    }
    let mut together = Vec::new();
    for devices in 2..=requests.len() {
        let (windows, _, shares) = run(&requests[..devices])?;
        let sum: f64 = alone[..devices].iter().map(|alone| alone.samples_per_second).sum();
        let samples_per_second = median(&windows);
        let efficiency = samples_per_second / sum;
        together.push(Together { devices, samples_per_second, windows, efficiency, shares });
    }
    Ok(Scaling {
        model: subject.network.spec.name.clone(),
        batch_size: subject.args.batch_size,
        commit: super::COMMIT,
        split: split.to_string(),
        alone,
        together,
    })
}

impl Scaling {
    /// The figures for people.
    pub fn describe(&self) -> String {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for alone in &self.alone {
            rows.push(vec![alone.device.clone(), text::rate(alone.samples_per_second), String::new(), String::new()]);
        }
        for together in &self.together {
            let sum: f64 = together.shares.iter().map(|share| share.weight).sum();
            let shares: Vec<String> = together.shares.iter().map(|share| text::percent(share.weight / sum)).collect();
            rows.push(vec![
                format!("the first {}", together.devices),
                text::rate(together.samples_per_second),
                text::percent(together.efficiency),
                shares.join(" : "),
            ]);
        }
        format!(
            "model       {} in batches of {}, split {}\n\n{}",
            self.model,
            self.batch_size,
            self.split,
            table(&["devices", "samples/s", "of their sum", "shares"], &rows, 1)
        )
    }
}
