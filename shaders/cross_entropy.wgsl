// Softmax cross-entropy. A thread computes one sample's loss.
#import shared/step
#import shared/thread
#import shared/logits

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
    let label = labels[n];
    let loss = log_f32(sum) - (logits[base + min(label, CLASSES - 1u)] - largest);
    // NaN by its bits, which depend on the input: a constant NaN is not valid WGSL.
    losses[n] = bitcast<f32>(select(0x7fc00000u, bitcast<u32>(loss), label < CLASSES));
}
