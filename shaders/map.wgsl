// A pointwise expression.
#import shared/step
#import shared/thread

// slot: length
fn length() -> u32 {
    return step.samples;
}
// end

@group(0) @binding(1) var<storage, read_write> y: array<Y>;

// Operands, and their value at the elements from `i`.
// slot: expression
alias Y = f32;
const Y_LANES: u32 = 1u;

@group(0) @binding(2) var<storage, read> operand0: array<f32>;

fn value(i: u32) -> Y {
    return operand0[i];
}
// end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    if (thread < length() / Y_LANES) {
        y[thread] = value(thread * Y_LANES);
    }
}
