//! Several devices at once, each on a thread of its own.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use convoke_core::engine::{Engine, EngineError};
use convoke_cpu::CpuEngine;
use convoke_train::{Engines, Split};

use super::{DeviceRequest, devices, open};
use crate::{Threaded, Trace, block_on};

/// Which devices to compute on together. As text: `all`, or requests with commas between them, such as `gpu:0,gpu:1,cpu`; one twice is
/// opened twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DevicesRequest {
    /// Every device that [`devices`] lists; of those with the same name, one card behind two interfaces, the first.
    All,
    /// These, in the order in which their gradients are summed.
    These(Vec<DeviceRequest>),
}

impl Default for DevicesRequest {
    /// One, whichever is best.
    fn default() -> Self {
        Self::These(vec![DeviceRequest::Auto])
    }
}

impl FromStr for DevicesRequest {
    type Err = EngineError;

    /// # Errors
    /// [`EngineError::NotFound`] where a part is no [`DeviceRequest`].
    fn from_str(text: &str) -> Result<Self, EngineError> {
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        // Names such as "llvmpipe (LLVM 15.0.6, 256 bits)" have commas of their own.
        let mut depth = 0;
        let apart = |c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            c == ',' && depth == 0
        };
        text.split(apart).map(str::parse).collect::<Result<_, _>>().map(Self::These)
    }
}

impl fmt::Display for DevicesRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::These(requests) => {
                let requests: Vec<String> = requests.iter().map(ToString::to_string).collect();
                f.write_str(&requests.join(","))
            }
        }
    }
}

impl DevicesRequest {
    /// The single devices that are meant.
    pub async fn each(&self) -> Vec<DeviceRequest> {
        match self {
            Self::These(requests) => requests.clone(),
            Self::All => {
                let mut seen = Vec::new();
                let all = devices().await.into_iter().filter(|device| {
                    let new = !seen.contains(&device.name);
                    seen.push(device.name.clone());
                    new
                });
                all.filter_map(|device| device.id.parse().ok()).collect()
            }
        }
    }
}

/// Opens the devices asked for: one as [`open`] does; several each on a [`Threaded`] engine, with an owner on the CPU.
/// `threads` is how many the CPU engine uses. Where there is a trace, all of them are recorded in it.
///
/// # Errors
/// As [`open`].
pub async fn open_several(
    request: &DevicesRequest,
    split: Split,
    threads: Option<NonZeroUsize>,
    trace: Option<&Trace>,
) -> Result<Engines, EngineError> {
    let requests = request.each().await;
    if let [one] = requests.as_slice() {
        let engine = traced(trace, open(one, threads).await?, 1, "device");
        return Ok(waiting(trace, engine, 1).into());
    }
    let threaded = |(number, request): (usize, DeviceRequest)| -> Result<Box<dyn Engine>, EngineError> {
        let here = trace.cloned();
        let open = move || Ok(traced(here.as_ref(), block_on(open(&request, threads))?, number, "replica"));
        Ok(waiting(trace, Box::new(Threaded::new(open)?), number))
    };
    let number = requests.len() + 1;
    let replicas = (1..).zip(requests).map(threaded).collect::<Result<Vec<_>, _>>()?;
    let owner = traced(trace, Box::new(CpuEngine::new(threads)?), number, "owner");
    Ok(Engines::several(waiting(trace, owner, number), replicas, split))
}

fn traced(trace: Option<&Trace>, engine: Box<dyn Engine>, number: usize, role: &str) -> Box<dyn Engine> {
    match trace {
        Some(trace) => trace.engine(engine, number, role),
        None => engine,
    }
}

fn waiting(trace: Option<&Trace>, engine: Box<dyn Engine>, number: usize) -> Box<dyn Engine> {
    match trace {
        Some(trace) => trace.waiting(engine, number),
        None => engine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_back_from_their_text() {
        for text in ["all", "auto", "gpu:0,gpu:1", "gpu:0,cpu,gpu:0", "llvmpipe (LLVM 15.0.6, 256 bits),cpu"] {
            assert_eq!(text.parse::<DevicesRequest>().unwrap().to_string(), text);
        }
        let two = DevicesRequest::These(vec![DeviceRequest::Name("llvmpipe (a, b)".into()), DeviceRequest::Cpu]);
        assert_eq!("llvmpipe (a, b), cpu".parse(), Ok(two));
        for text in ["", "gpu:0,", ",cpu", "gpu:x,cpu"] {
            assert!(text.parse::<DevicesRequest>().is_err(), "{text}");
        }
    }

    #[test]
    fn two_engines_on_the_processor_are_opened_beside_an_owner() {
        let requests = "cpu,cpu".parse().unwrap();
        let engines = block_on(open_several(&requests, Split::Equal, NonZeroUsize::new(1), None)).unwrap();
        assert_eq!(engines.infos().len(), 2);
        let error = block_on(open_several(&"cpu,gpu:77".parse().unwrap(), Split::Auto, None, None)).unwrap_err();
        assert!(error.to_string().contains("gpu:77"), "{error}");
    }
}
