//! What an engine is: something that holds a program's buffers and runs its plans.
//!
//! The trait names futures but drives none: the GPU's answers come when they come, natively under a small executor, in
//! a tab under the event loop. No bound asks for `Send`, which browser objects don't have.

use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;

use crate::plan::{PlanKind, Program, Slice};
use crate::step::Step;

/// An answer that comes later.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + 'a>>;

/// What went wrong in an engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The device went away: unplugged, reset, or taken by the driver.
    #[error(
        "the device {name} was lost ({reason}); state is as of the last checkpoint: resume from it, or choose another device"
    )]
    Lost {
        /// The device.
        name: String,
        /// What the driver said.
        reason: String,
    },
    /// The device can't give the memory.
    #[error("{name} can't allocate {bytes} bytes for {what}; choose a smaller batch or another device")]
    OutOfMemory {
        /// The device.
        name: String,
        /// What the memory was for.
        what: String,
        /// How much was asked for.
        bytes: usize,
    },
    /// A driver refused what should be valid: a defect of Convoke or of the driver.
    #[error("{name} refused {what}: {reason}")]
    Refused {
        /// The device.
        name: String,
        /// What was asked.
        what: String,
        /// What the driver said.
        reason: String,
    },
    /// No device answers to the name.
    #[error("no device {asked}: {found}")]
    NotFound {
        /// What was asked for.
        asked: String,
        /// What there is, and what to do.
        found: String,
    },
}

/// What kind of device an engine computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// A graphics processor.
    Gpu,
    /// A graphics driver that computes on the CPU.
    SoftwareGpu,
    /// The CPU, without a graphics driver.
    Cpu,
}

/// An engine's device, for people and records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The adapter's or processor's name.
    pub name: String,
    /// What kind it is.
    pub kind: DeviceKind,
    /// The interface through which it is driven: "Vulkan", "Metal", "cpu".
    pub backend: String,
    /// The driver and its version, or the instruction set in use.
    pub driver: String,
}

/// What a plan must keep within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest range that a step may bind, in bytes.
    pub max_binding_bytes: usize,
    /// The largest buffer, in bytes.
    pub max_buffer_bytes: usize,
    /// The most storage buffers that a step may bind.
    pub max_storage_buffers: usize,
    /// Slices begin at multiples of this many bytes.
    pub offset_alignment: usize,
}

impl Limits {
    /// What WebGPU promises on every adapter.
    pub const WEBGPU: Self = Self {
        max_binding_bytes: 128 << 20,
        max_buffer_bytes: 256 << 20,
        max_storage_buffers: 8,
        offset_alignment: 256,
    };

    /// What keeps within both.
    pub fn common(self, other: Self) -> Self {
        Self {
            max_binding_bytes: self.max_binding_bytes.min(other.max_binding_bytes),
            max_buffer_bytes: self.max_buffer_bytes.min(other.max_buffer_bytes),
            max_storage_buffers: self.max_storage_buffers.min(other.max_storage_buffers),
            offset_alignment: self.offset_alignment.max(other.offset_alignment),
        }
    }
}

/// One run of one plan, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Which plan.
    pub plan: PlanKind,
    /// What the run is told.
    pub step: Step,
    /// The first of the plan's steps.
    from: usize,
    /// Where its steps end: past the end where it runs to it.
    to: usize,
}

impl Run {
    /// A run of a whole plan.
    pub fn new(plan: PlanKind, step: Step) -> Self {
        Self { plan, step, from: 0, to: usize::MAX }
    }

    /// A run of some of a plan's steps. Parts that follow one another, in one submission or in several, are the whole.
    pub fn part(plan: PlanKind, step: Step, steps: Range<usize>) -> Self {
        Self { plan, step, from: steps.start, to: steps.end }
    }

    /// The first of the plan's steps that it runs, by its position in the plan.
    pub fn first_step(self) -> usize {
        self.from
    }

    /// Its part of what there is for each of the plan's steps.
    pub fn of<T>(self, steps: &[T]) -> &[T] {
        let to = self.to.min(steps.len());
        &steps[self.from.min(to)..to]
    }
}

/// How long one step of a plan took.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    /// The step's position in its plan.
    pub step: usize,
    /// Seconds.
    pub seconds: f64,
}

/// What a device reaches at best, measured on it just now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceilings {
    /// Floating-point operations a second of a loop of independent f32 multiply-adds in registers, two for each.
    pub flops_per_second: f64,
    /// Bytes a second of a copy between two large buffers, read and written bytes both counted.
    pub copy_bytes_per_second: f64,
}

/// Something that runs programs.
///
/// Calls take effect in the order in which they are made: a write is seen by the runs submitted after it, a read sees
/// all runs submitted before it. No call waits for the device.
pub trait Engine {
    /// The device.
    fn info(&self) -> &DeviceInfo;

    /// What programs for this engine must keep within.
    fn limits(&self) -> Limits;

    /// Allocates the program's buffers, zeroed, and prepares its plans; what was loaded before is dropped. `progress`
    /// is told how many of how many preparations are done.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`], [`EngineError::Refused`] or [`EngineError::Lost`].
    fn load<'a>(&'a mut self, program: Rc<Program>, progress: &'a mut dyn FnMut(usize, usize)) -> Pending<'a, ()>;

    /// Writes words to the start of a slice.
    ///
    /// # Errors
    /// [`EngineError::Lost`].
    ///
    /// # Panics
    /// Where the words don't fit into the slice, or nothing is loaded: the caller's defect, never the user's input.
    fn write(&mut self, slice: Slice, words: &[u32]) -> Result<(), EngineError>;

    /// Starts runs, in order, as one submission.
    ///
    /// # Errors
    /// [`EngineError::Lost`] or [`EngineError::Refused`].
    fn submit(&mut self, runs: &[Run]) -> Result<(), EngineError>;

    /// Copies slices out, as they are after everything submitted so far. The future may be awaited later, while more
    /// is submitted.
    fn read(&mut self, slices: &[Slice]) -> Pending<'static, Vec<Vec<u32>>>;

    /// Does a run, with the same results as [`submit`](Self::submit), and says how long each of its steps took; or `None` where the device
    /// can't tell: then nothing has run.
    fn profile<'a>(&'a mut self, run: Run) -> Pending<'a, Option<Vec<StepTime>>>;

    /// Measures what the device reaches at best, for a bench to hold its figures against; takes about a second, and
    /// leaves what is loaded as it is. `None` where there is no clock.
    fn ceilings<'a>(&'a mut self) -> Pending<'a, Option<Ceilings>>;
}
