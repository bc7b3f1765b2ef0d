// Rows out of one tensor into another.
#import shared/step
#import shared/thread

/// Elements of a row that are copied.
override ROW_LEN: u32 = 4;
/// From one row of `x` to the next.
override FROM_STRIDE: u32 = 4;
/// Where the copied part of a row of `x` begins.
override FROM_OFFSET: u32 = 0;
/// From one row of `y` to the next.
override TO_STRIDE: u32 = 4;
/// Where the copied part of a row of `y` begins.
override TO_OFFSET: u32 = 0;

// slot: rows
fn rows() -> u32 {
    return step.samples;
}
// end

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let row = thread / ROW_LEN;
    let i = thread % ROW_LEN;
    if (row < rows()) {
        y[row * TO_STRIDE + TO_OFFSET + i] = x[row * FROM_STRIDE + FROM_OFFSET + i];
    }
}
