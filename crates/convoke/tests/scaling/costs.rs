//! What a step costs: the planner's figures, and devices.

use convoke::engine::Limits;
use convoke::kernels::Gather;
use convoke::loss::Loss;
use convoke::plan::{CompileOptions, Flops, PlanKind, PlanStep, Program, compile};
use convoke::prelude::{ModelSpec, Optimizer};

/// What computes. Links are those between a replica and the memory of its host.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    pub name: &'static str,
    /// Floating-point operations a second, as training reaches them.
    pub flops: f64,
    /// Bytes a second that kernels move.
    pub memory: f64,
    /// Seconds that a kernel takes besides.
    pub launch: f64,
    /// Seconds from a question to its answer.
    pub answer: f64,
    /// Bytes a second out of the device, and into it.
    pub read: f64,
    pub write: f64,
}

/// A kernel's cost: operations, and bytes as `bytes[0] + bytes[1] · samples`.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    flops: Flops,
    bytes: [f64; 2],
}

impl Kernel {
    /// The roofline: what takes longer, computing or moving.
    fn seconds(&self, device: &Device, samples: usize) -> f64 {
        let bytes = self.bytes[0] + self.bytes[1] * samples as f64;
        (self.flops.at(samples) as f64 / device.flops).max(bytes / device.memory) + device.launch
    }
}

/// A model as the planner has it.
pub struct Model {
    pub name: &'static str,
    program: Program,
    gradients: Vec<Kernel>,
    update: Vec<Kernel>,
}

/// Gradients that are ready at once.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// Seconds after the step's beginning.
    pub at: f64,
    pub bytes: f64,
}

impl Model {
    pub fn plan(name: &'static str, input: [usize; 3]) -> Self {
        let (small, large) = (program(name, input, FEW), program(name, input, MANY));
        let kernels = |kind: PlanKind| {
            let (small, large) = (&small.plan(kind).steps, &large.plan(kind).steps);
            assert_eq!(small.len(), large.len(), "a plan has the same kernels for every batch");
            small.iter().zip(large).map(|(small, large)| kernel(small, large)).collect()
        };
        let (gradients, update) = (kernels(PlanKind::Gradients), kernels(PlanKind::Update));
        Self { name, program: large, gradients, update }
    }

    /// Bytes of all gradients, which are those of all parameters.
    pub fn bytes(&self) -> f64 {
        self.buckets(usize::MAX).iter().map(|bucket| 4.0 * bucket.len() as f64).sum()
    }

    /// Operations of a step for a sample.
    pub fn flops(&self) -> u64 {
        self.gradients.iter().map(|kernel| kernel.flops.per_sample).sum()
    }

    fn buckets(&self, at_least: usize) -> Vec<convoke::plan::Bucket> {
        self.program.buckets(at_least)
    }

    /// The step of one replica that has all to itself.
    pub fn alone(&self, device: &Device, samples: usize) -> f64 {
        self.backward(device, samples) + self.update.iter().map(|kernel| kernel.seconds(device, 1)).sum::<f64>()
    }

    /// Forward and backward pass.
    pub fn backward(&self, device: &Device, samples: usize) -> f64 {
        self.gradients.iter().map(|kernel| kernel.seconds(device, samples)).sum()
    }

    /// When gradients are there, in buckets of at least so many bytes.
    pub fn ready(&self, device: &Device, samples: usize, at_least: usize) -> Vec<Ready> {
        let until = |steps: usize| self.gradients[..steps].iter().map(|kernel| kernel.seconds(device, samples)).sum();
        let ready = |bucket: convoke::plan::Bucket| Ready { at: until(bucket.ready), bytes: 4.0 * bucket.len() as f64 };
        self.buckets(at_least).into_iter().map(ready).collect()
    }
}

/// Batches from which the bytes of other batches follow.
const FEW: usize = 8;
const MANY: usize = 64;

fn kernel(few: &PlanStep, many: &PlanStep) -> Kernel {
    let bytes = |step: &PlanStep| step.reads.iter().chain(&step.writes).map(|slice| slice.bytes as f64).sum::<f64>();
    let each = (bytes(many) - bytes(few)) / (MANY - FEW) as f64;
    Kernel { flops: many.kernel.flops(), bytes: [(bytes(few) - each * FEW as f64).max(0.0), each] }
}

fn program(name: &str, input: [usize; 3], capacity: usize) -> Program {
    let network = ModelSpec::preset_for(name, input).unwrap().build().unwrap();
    let [channels, height, width] = network.spec.input;
    let (mean, inverse_std) = (vec![0.0; channels], vec![1.0; channels]);
    let gather = Gather { source_channels: channels, channels, plane: height * width, mean, inverse_std };
    let most = isize::MAX as usize;
    let options = CompileOptions {
        capacity,
        slots: 1,
        pictures: capacity,
        gather,
        augment: None,
        loss: Loss::default(),
        training: Some(Optimizer::default().rule().into()),
        limits: Limits { max_binding_bytes: most, max_buffer_bytes: most, ..Limits::WEBGPU },
    };
    compile(&network, &options).unwrap()
}
