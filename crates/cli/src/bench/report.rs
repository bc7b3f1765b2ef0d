//! What a bench tells.

use std::time::Duration;

use convoke::engine::{Ceilings, DeviceInfo, DeviceKind};
use convoke::prelude::Trainer;
use convoke::train::DeviceShare;
use serde::Serialize;

use super::kernels::KernelTime;
use super::{REPEATED, Speed, training_flops};
use crate::table::table;
use crate::text;

/// The memory that a bench has taken.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The program's buffers, the pictures included.
    program: usize,
    /// The most that the process has held so far, where the system tells.
    process: Option<usize>,
}

impl Memory {
    /// Looks at it now.
    pub fn of(trainer: &mut Trainer) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok());
        let program = trainer.devices().iter().map(|(_, program)| program.bytes()).sum();
        Self { program, process: kibibytes.map(|count| count * 1024) }
    }

    /// A graphics processor's memory is not the process's, a CPU's is.
    fn peak(self, kind: DeviceKind) -> usize {
        match self.process {
            Some(process) if kind == DeviceKind::Gpu => process + self.program,
            Some(process) => process,
            None => self.program,
        }
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version of Convoke, by its commit.
    commit: &'static str,
    model: String,
    device: String,
    backend: String,
    driver: String,
    batch_size: usize,
    /// The median of the windows.
    samples_per_second: f64,
    /// Samples a second of each window, sorted.
    windows: Vec<f64>,
    /// From before the device is opened to the first loss: planning, kernels and the pictures' upload included.
    first_step_seconds: f64,
    /// The same once more in the same process: the driver has seen the kernels by then.
    warm_first_step_seconds: f64,
    /// How the batch was split at the end, where there are several devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shares: Vec<DeviceShare>,
    /// The most memory that was held: the process's, and on a graphics processor the program's besides.
    peak_bytes: usize,
    program_bytes: usize,
    process_peak_bytes: Option<usize>,
    steps: usize,
    first_loss: f64,
    last_loss: f64,
    /// How many losses of a second run were the same, bit for bit.
    repeated_losses: usize,
    flops_per_step: u64,
    gflops_per_second: f64,
    /// What the device reaches at best in multiply-adds, and in copying with both ways counted.
    ceiling_gflops_per_second: Option<f64>,
    ceiling_gbytes_per_second: Option<f64>,
    /// `gflops_per_second` as a share of its ceiling, 0 to 1.
    share_of_ceiling: Option<f64>,
    /// Steps that would run on the naive reference: none, since an engine that lacks a kernel does not compile.
    reference_steps: [&'static str; 0],
    kernels: Option<Vec<KernelTime>>,
}

impl Report {
    /// Puts the figures together.
    pub fn new(
        model: &str,
        trainer: &mut Trainer,
        [first_step, again]: [Duration; 2],
        speed: &Speed,
        memory: Memory,
        ceilings: Option<Ceilings>,
        kernels: Option<Vec<KernelTime>>,
    ) -> Self {
        let samples_per_second = speed.windows[speed.windows.len() / 2];
        let devices = trainer.devices();
        let of = |part: fn(&DeviceInfo) -> &String| {
            devices.iter().map(|(info, _)| part(info).as_str()).collect::<Vec<_>>().join(" + ")
        };
        let kind = devices[0].0.kind;
        let batch_size = trainer.step_samples();
        let flops_per_step = training_flops(&devices[0].1, batch_size);
        let flops_per_second = flops_per_step as f64 * samples_per_second / batch_size as f64;
        let (first_loss, last_loss) = (speed.losses[0], speed.losses[speed.losses.len() - 1]);
        Self {
            commit: super::COMMIT,
            model: model.into(),
            device: of(|info| &info.name),
            backend: of(|info| &info.backend),
            driver: of(|info| &info.driver),
            batch_size,
            samples_per_second,
            windows: speed.windows.clone(),
            first_step_seconds: first_step.as_secs_f64(),
            warm_first_step_seconds: again.as_secs_f64(),
            shares: trainer.shares(),
            peak_bytes: memory.peak(kind),
            program_bytes: memory.program,
            process_peak_bytes: memory.process,
            steps: speed.losses.len(),
            first_loss,
            last_loss,
            repeated_losses: speed.losses.len().min(REPEATED),
            flops_per_step,
            gflops_per_second: flops_per_second / 1e9,
            ceiling_gflops_per_second: ceilings.map(|c| c.flops_per_second / 1e9),
            ceiling_gbytes_per_second: ceilings.map(|c| c.copy_bytes_per_second / 1e9),
            share_of_ceiling: ceilings.map(|c| flops_per_second / c.flops_per_second),
            reference_steps: [],
            kernels,
        }
    }

    /// The figures for people.
    pub fn describe(&self) -> String {
        let share = |share: Option<f64>| share.map_or("unknown".into(), text::percent);
        let [low, high] = [self.windows[0], self.windows[self.windows.len() - 1]].map(text::rate);
        let ceilings = match (self.ceiling_gflops_per_second, self.ceiling_gbytes_per_second) {
            (Some(flops), Some(bytes)) => format!("{flops:.1} GFLOP/s of multiply-adds, {bytes:.1} GB/s of copying"),
            _ => "unknown: the device has no clock".into(),
        };
        let mut text = format!(
            "model       {} in batches of {}\n\
             device      {} ({}; {})\n\
             speed       {} samples/s: the median of {} windows, {low} to {high}\n\
             first step  {:.2} s, from opening the device to the first loss; {:.2} s once more\n\
             memory      {} at most; {} in the program's buffers\n\
             losses      {:.4} at first, {:.4} after {} steps; {} repeated bit for bit\n\
             operations  {:.1} GFLOP/s, {} of the ceiling\n\
             ceilings    {ceilings}\n\
             on the naive reference: no step\n",
            self.model,
            self.batch_size,
            self.device,
            self.backend,
            self.driver,
            text::rate(self.samples_per_second),
            self.windows.len(),
            self.first_step_seconds,
            self.warm_first_step_seconds,
            text::bytes(self.peak_bytes),
            text::bytes(self.program_bytes),
            self.first_loss,
            self.last_loss,
            text::grouped(self.steps as u64),
            self.repeated_losses,
            self.gflops_per_second,
            share(self.share_of_ceiling),
        );
        match &self.kernels {
            Some(kernels) => {
                text += &format!("\n{}", kernel_table(kernels));
                if kernels.iter().any(|kernel| kernel.share_of_ceiling.is_some_and(|share| share > 1.0)) {
                    text += "Above 100 %: the data lay in caches, which are faster than the memory of the ceiling.\n";
                }
            }
            None if self.shares.is_empty() => text += "\nThis device can't time single kernels.\n",
            None => text += &format!("\n{}\n", text::shares(self.steps as u64, &self.shares)),
        }
        text
    }
}

fn kernel_table(kernels: &[KernelTime]) -> String {
    let all: f64 = kernels.iter().map(|kernel| kernel.microseconds).sum();
    let rows: Vec<Vec<String>> = kernels
        .iter()
        .map(|kernel| {
            vec![
                kernel.label.clone(),
                kernel.kernel.into(),
                format!("{:.0}", kernel.microseconds),
                text::percent(if all > 0.0 { kernel.microseconds / all } else { 0.0 }),
                format!("{:.1}", kernel.gflops_per_second),
                format!("{:.1}", kernel.gbytes_per_second),
                kernel.share_of_ceiling.map_or(String::new(), text::percent),
            ]
        })
        .collect();
    table(&["layer", "kernel", "µs", "share", "GFLOP/s", "GB/s", "of ceiling"], &rows, 2)
}
