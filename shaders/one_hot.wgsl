// Labels as rows of targets. A thread writes one target.
#import shared/step
#import shared/thread

/// The number of classes.
override CLASSES: u32 = 10;
/// What the label's class has beyond the others.
override ON: f32 = 1.0;
/// What every class has.
override OFF: f32 = 0.0;

@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> targets: array<f32>;

// slot: share
fn share(n: u32, c: u32) -> f32 {
    return select(0.0, 1.0, labels[n] == c);
}

fn is_sound(n: u32) -> bool {
    return labels[n] < CLASSES;
}
// end

// slot: weight
fn weight(c: u32) -> f32 {
    return 1.0;
}
// end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let i = linear_thread(group, groups, local);
    if (i >= step.samples * CLASSES) {
        return;
    }
    let n = i / CLASSES;
    let c = i % CLASSES;
    let value = weight(c) * (ON * share(n, c) + OFF);
    // NaN by its bits, which depend on the input: a constant NaN is not valid WGSL.
    targets[i] = bitcast<f32>(select(0x7fc00000u, bitcast<u32>(value), is_sound(n)));
}
