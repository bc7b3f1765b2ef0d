// The gradient of softmax cross-entropy. A thread computes one sample's.
#import shared/step
#import shared/thread
#import shared/logits

// slot: target
@group(0) @binding(2) var<storage, read> labels: array<u32>;

fn target_sum(n: u32) -> f32 {
    return 1.0;
}

fn target_of(n: u32, c: u32) -> f32 {
    return select(0.0, 1.0, c == labels[n]);
}
// end

@group(0) @binding(3) var<storage, read> g: array<f32>;
@group(0) @binding(4) var<storage, read_write> glogits: array<f32>;

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
    let factor = g[n];
    let total = target_sum(n);
    for (var c = 0u; c < CLASSES; c++) {
        let share = exp_f32(logits[base + c] - largest) / sum;
        glogits[base + c] = factor * (share * total - target_of(n, c));
    }
}
