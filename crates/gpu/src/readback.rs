//! Reading buffers without waiting for them.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use convoke_core::engine::EngineError;

use crate::device::Device;

/// Where the driver leaves its answer.
#[derive(Debug, Default)]
struct Answer {
    mapped: Option<Result<(), String>>,
    waker: Option<Waker>,
}

/// A staging buffer that is being mapped; resolves to its words.
#[derive(Debug)]
pub(crate) struct Mapping {
    device: Device,
    buffer: wgpu::Buffer,
    answer: Arc<Mutex<Answer>>,
}

impl Mapping {
    /// Asks for a buffer with usage `MAP_READ`, whose contents have been submitted.
    pub fn new(device: Device, buffer: wgpu::Buffer) -> Self {
        let answer = Arc::new(Mutex::new(Answer::default()));
        let told = answer.clone();
        buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            if let Ok(mut answer) = told.lock() {
                answer.mapped = Some(result.map_err(|e| e.to_string()));
                if let Some(waker) = answer.waker.take() {
                    waker.wake();
                }
            }
        });
        Self { device, buffer, answer }
    }

    fn words(&self) -> Result<Vec<u32>, String> {
        let view = self.buffer.get_mapped_range(..).map_err(|e| e.to_string())?;
        let words = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        self.buffer.destroy();
        Ok(words)
    }
}

impl Future for Mapping {
    type Output = Result<Vec<u32>, EngineError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A lost device answers no more.
        self.device.check("the work before a read")?;
        let mapped = match self.answer.lock() {
            Ok(mut answer) => {
                answer.waker = Some(context.waker().clone());
                answer.mapped.take()
            }
            Err(_) => Some(Err("its callback failed".into())),
        };
        let Some(mapped) = mapped else {
            // Natively nobody but us looks after the device, so we ask to be polled again, under whatever executor; a patient one
            // naps in between.
            #[cfg(not(target_family = "wasm"))]
            context.waker().wake_by_ref();
            return Poll::Pending;
        };
        let words = mapped.and_then(|()| self.words());
        Poll::Ready(words.map_err(|reason| self.device.broken_off("a read", reason)))
    }
}
