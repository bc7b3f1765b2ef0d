// Softmax cross-entropy. A thread computes one sample's loss.
#import shared/step
#import shared/thread
#import shared/logits

// slot: loss
@group(0) @binding(2) var<storage, read> labels: array<u32>;

fn loss(n: u32, largest: f32, log_sum: f32) -> f32 {
    let label = labels[n];
    let loss = log_sum - (logits[n * CLASSES + min(label, CLASSES - 1u)] - largest);
    // NaN by its bits, which depend on the input: a constant NaN is not valid WGSL.
    return bitcast<f32>(select(0x7fc00000u, bitcast<u32>(loss), label < CLASSES));
}
// end

@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let n = linear_thread(group, groups, local);
    if (n >= step.samples) {
        return;
    }
    let base = n * CLASSES;
    let largest = largest_logit(base);
    let sum = sum_of_powers(base, largest);
    losses[n] = loss(n, largest, log_f32(sum));
}
