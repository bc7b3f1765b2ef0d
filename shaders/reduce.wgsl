// A sum along one axis of `[outer, reduce, inner]`. Sums are taken in blocks, so that long ones stay accurate.
#import shared/step
#import shared/thread

/// A constant factor.
override SCALE: f32 = 1.0;
/// Whether the sum is divided by the samples of the global batch.
override MEAN_OVER_BATCH: bool = false;
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
// end

// Lanes run along `inner`, or along the axis where `inner` is 1.
// slot: x
alias X = f32;
const X_LANES: u32 = 1u;

fn x_sum(v: X) -> f32 {
    return v;
}
// end

// slot: y
alias Y = X;
const ALONG_AXIS: bool = false;

fn y_of(sum: X) -> Y {
    return sum;
}
// end

@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;

const BLOCK: u32 = 64u;
// slot: shared
fn workgroup_sum(value: Y, local: u32) -> Y {
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
    // In vectors of X_LANES: elements between two terms, terms, and outputs of each `outer`.
    let pitch = select(inner() / X_LANES, 1u, ALONG_AXIS);
    let terms = select(reduced(), reduced() / X_LANES, ALONG_AXIS);
    let valid = output < outer() * pitch;
    let base = output / pitch * terms * pitch + output % pitch;

    var total = X();
    for (var r = first; r < select(0u, terms, valid); r += BLOCK * stride) {
        var sum = X();
        for (var k = r; k < min(terms, r + BLOCK * stride); k += stride) {
            sum += x[base + k * pitch];
        }
        total += sum;
    }
    let factor = SCALE * select(1.0, step.inverse_samples, MEAN_OVER_BATCH);
    let result = workgroup_sum(y_of(total) * factor, local);
    if (valid & (first == 0u)) {
        y[output] = result;
    }
}
