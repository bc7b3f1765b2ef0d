//! The step block: what changes from one run of a plan to the next.

/// What a run of a plan is told. Kernels find it in a uniform buffer (GPU) or are handed it (CPU).
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Step {
    /// Samples in this run, `N`.
    pub samples: u32,
    /// Which entry of the metrics ring this run writes.
    pub slot: u32,
    /// Where this run's `N` indices begin in the index ring.
    pub first_index: u32,
    /// The step's number, from 1, modulo 2³²: what the gate writes down when the step is broken.
    pub number: u32,
    /// 1 / (samples of the global batch).
    pub inverse_samples: f32,
    /// The learning rate.
    pub learning_rate: f32,
    /// The optimizer's step size with its bias correction: `lr / (1 − beta1^t)` for Adam.
    pub step_size: f32,
    /// `1 / √(1 − beta2^t)` for Adam.
    pub inverse_sqrt_correction: f32,
}
