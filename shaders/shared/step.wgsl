/// What a run of a plan is told. Kernels find it in a uniform buffer (GPU) or are handed it (CPU).
struct Step {
    /// Samples in this run, `N`.
    samples: u32,
    /// Which entry of the metrics ring this run writes.
    slot: u32,
    /// Where this run's `N` indices begin in the index ring.
    first_index: u32,
    /// The step's number, from 1, modulo 2³²: what the gate writes down when the step is broken.
    number: u32,
    /// 1 / (samples of the global batch).
    inverse_samples: f32,
    /// The learning rate.
    learning_rate: f32,
    /// The optimizer's step size with its bias correction: `lr / (1 − beta1^t)` for Adam.
    step_size: f32,
    /// `1 / √(1 − beta2^t)` for Adam.
    inverse_sqrt_correction: f32,
    /// The low word of the seed that the run's random numbers follow from.
    seed_low: u32,
    /// The high word of the seed.
    seed_high: u32,
    /// The position of this run's first sample in the global batch, where several runs share a step.
    first_sample: u32,
    /// Where classes are weighted: the samples of the global batch, divided by the sum of their classes' weights.
    weight_scale: f32,
}

@group(0) @binding(0) var<uniform> step: Step;
