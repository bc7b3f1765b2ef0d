// A sum along one axis of `[outer, reduce, inner]`. Sums are taken in blocks, so that long ones stay accurate.
#import shared/step
#import shared/thread

/// A constant factor.
override SCALE: f32 = 1.0;
/// Whether a whole workgroup works on each output, for long sums of which there are few; otherwise a thread does.
override SHARED_SUM: bool = false;

// slot: extents
fn outer() -> u32 {
    return 1u;
}

fn reduced() -> u32 {
    return step.samples;
}

fn inner() -> u32 {
    return 16u;
}

fn mean_factor() -> f32 {
    return 1.0;
}
// end

// What is summed, at the elements from `i`. Lanes run along `inner`, or along the axis where `inner` is 1.
// slot: expression
alias Y = f32;
const Y_LANES: u32 = 1u;

@group(0) @binding(2) var<storage, read> operand0: array<f32>;

fn value(i: u32) -> Y {
    return operand0[i];
}
// end

// slot: result
alias Z = Y;
const ALONG_AXIS: bool = false;

fn z_of(sum: Y) -> Z {
    return sum;
}

const START: f32 = 0.0;

fn joined(a: Y, b: Y) -> Y {
    return a + b;
}
// end

@group(0) @binding(1) var<storage, read_write> y: array<Z>;

const BLOCK: u32 = 64u;
// slot: shared
fn workgroup_sum(value: Z, local: u32) -> Z {
    return value;
}
// end

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let output = select(linear_thread(group, groups, local), linear_group(group, groups), SHARED_SUM);
    let first = select(0u, local, SHARED_SUM);
    let stride = select(1u, WORKGROUP, SHARED_SUM);
    // In vectors of Y_LANES: elements between two terms, terms, and outputs of each `outer`.
    let pitch = select(inner() / Y_LANES, 1u, ALONG_AXIS);
    let terms = select(reduced(), reduced() / Y_LANES, ALONG_AXIS);
    let valid = output < outer() * pitch;
    let base = output / pitch * terms * pitch + output % pitch;

    var total = Y(START);
    for (var r = first; r < select(0u, terms, valid); r += BLOCK * stride) {
        var sum = Y(START);
        for (var k = r; k < min(terms, r + BLOCK * stride); k += stride) {
            sum = joined(sum, value((base + k * pitch) * Y_LANES));
        }
        total = joined(total, sum);
    }
    let result = workgroup_sum(z_of(total) * (SCALE * mean_factor()), local);
    if (valid & (first == 0u)) {
        y[output] = result;
    }
}
