// The optimizer's step on all parameters. A thread updates one vector of them, unless the flag says that the step is broken.
#import shared/step
#import shared/thread

/// The number of vectors.
override COUNT: u32 = 16;

@group(0) @binding(1) var<storage, read> gradients: array<V>;
@group(0) @binding(2) var<storage, read> flag: array<u32>;
@group(0) @binding(3) var<storage, read_write> parameters: array<V>;

// slot: rule
alias V = f32;

@group(0) @binding(4) var<storage, read_write> velocity: array<V>;

fn update(i: u32) {
    let p = parameters[i];
    let v = V(0.9) * velocity[i] + gradients[i];
    velocity[i] = v;
    parameters[i] = p - V(step.learning_rate) * v;
}
// end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    if ((thread < COUNT) & (flag[0] == 0u)) {
        update(thread);
    }
}
