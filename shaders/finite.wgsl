// The gate: writes the step's number into the flag where a gradient, or this run's losses, is NaN or infinite. By the exponent's bits, for adapters may
// assume that there are no such numbers.
#import shared/step
#import shared/thread

/// The number of vectors of gradients.
override COUNT: u32 = 16;
/// Vectors that one thread looks at.
override TILE: u32 = 8;

const EXPONENT: u32 = 0x7f800000u;

// slot: v
alias V = u32;

fn is_broken(v: V) -> bool {
    return (v & EXPONENT) == EXPONENT;
}
// end

@group(0) @binding(1) var<storage, read> gradients: array<V>;
@group(0) @binding(2) var<storage, read> metrics: array<u32>;
@group(0) @binding(3) var<storage, read_write> flag: atomic<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    var bad = (thread == 0u) & (metrics[4u * step.slot + 3u] != 0u);
    for (var i = thread * TILE; i < min(COUNT, (thread + 1u) * TILE); i++) {
        bad = bad | is_broken(gradients[i]);
    }
    // Only the first broken step is written down. All threads that get here write the same number.
    if (bad && atomicLoad(&flag) == 0u) {
        atomicStore(&flag, max(step.number, 1u));
    }
}
