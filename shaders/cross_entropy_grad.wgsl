// The gradient of softmax cross-entropy. A thread computes one sample's.
#import shared/step
#import shared/thread
#import shared/exp_log

/// The number of classes.
override CLASSES: u32 = 10;

@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
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
    var largest = logits[base];
    for (var c = 1u; c < CLASSES; c++) {
        largest = max(largest, logits[base + c]);
    }
    var sum = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
        sum += exp_f32(logits[base + c] - largest);
    }
    let factor = g[n];
    let label = labels[n];
    for (var c = 0u; c < CLASSES; c++) {
        let share = exp_f32(logits[base + c] - largest) / sum;
        glogits[base + c] = factor * (share - select(0.0, 1.0, c == label));
    }
}
