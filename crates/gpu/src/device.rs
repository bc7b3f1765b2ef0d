//! A device with its queue, and what it complained of.

use std::sync::{Arc, Mutex};

use convoke_core::engine::{DeviceInfo, EngineError};

/// What a driver reports outside of any call.
#[derive(Debug, Default)]
struct Complaints {
    lost: Option<String>,
    refused: Option<String>,
}

/// A device, shared by the engine and its answers under way.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub info: DeviceInfo,
    complaints: Arc<Mutex<Complaints>>,
}

impl Device {
    pub fn new(device: wgpu::Device, queue: wgpu::Queue, info: DeviceInfo) -> Self {
        let complaints = Arc::new(Mutex::new(Complaints::default()));
        let (lost, refused) = (complaints.clone(), complaints.clone());
        device.set_device_lost_callback(move |reason, message| {
            if let Ok(mut complaints) = lost.lock() {
                complaints.lost = Some(format!("{reason:?}: {message}"));
            }
        });
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            if let Ok(mut complaints) = refused.lock() {
                complaints.refused.get_or_insert_with(|| error.to_string().replace('\n', " "));
            }
        }));
        Self { device, queue, info, complaints }
    }

    /// What the driver complained of since the last time, as an error of the call at hand. A device that was lost stays lost.
    pub fn check(&self, what: &str) -> Result<(), EngineError> {
        self.tend();
        let Ok(mut complaints) = self.complaints.lock() else { return Ok(()) };
        let name = self.info.name.clone();
        if let Some(reason) = complaints.lost.clone() {
            return Err(EngineError::Lost { name, reason });
        }
        match complaints.refused.take() {
            Some(reason) => Err(EngineError::Refused { name, what: what.into(), reason }),
            None => Ok(()),
        }
    }

    /// The error of an answer that the driver broke off. It breaks off valid ones only where it loses the device, and may say so
    /// before it says that the device is lost, and why.
    pub fn broken_off(&self, what: &str, reason: String) -> EngineError {
        if let Err(known) = self.check(what) {
            return known;
        }
        if let Ok(mut complaints) = self.complaints.lock() {
            complaints.lost = Some(reason.clone());
        }
        EngineError::Lost { name: self.info.name.clone(), reason }
    }

    /// Waits until the driver has looked at all that it was sent: what it refuses of it, it has then complained of.
    #[cfg(target_family = "wasm")]
    pub async fn settle(&self) {
        drop(self.device.push_error_scope(wgpu::ErrorFilter::Validation).pop().await);
    }

    /// Waits until the driver has done all that it was sent. What it refuses it says within each call, but of its loss it
    /// tells only when nothing is under way.
    #[cfg(not(target_family = "wasm"))]
    pub async fn settle(&self) {
        use std::sync::atomic::{AtomicBool, Ordering};
        let done = Arc::new(AtomicBool::new(false));
        let told = done.clone();
        self.queue.on_submitted_work_done(move || told.store(true, Ordering::Relaxed));
        std::future::poll_fn(|context| {
            self.tend();
            if done.load(Ordering::Relaxed) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }

    /// A buffer of at least so many bytes.
    pub fn buffer(&self, label: &str, bytes: usize, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: (bytes as u64).next_multiple_of(4).max(4),
            usage,
            mapped_at_creation: false,
        })
    }

    /// Lets the driver look after what it has under way, without waiting. Browsers do this by themselves.
    pub fn tend(&self) {
        #[cfg(not(target_family = "wasm"))]
        // An error here is the loss of the device, which its own callback reports.
        drop(self.device.poll(wgpu::PollType::Poll));
    }
}
