// Images of another size: each output is a weighted sum over a block of the input.
#import shared/step
#import shared/thread

/// Planes of a sample.
override CHANNELS: u32 = 1;
/// The input's height.
override IN_H: u32 = 4;
/// The input's width.
override IN_W: u32 = 4;
/// The output's height.
override OUT_H: u32 = 4;
/// The output's width.
override OUT_W: u32 = 4;

// For each output row and column: the first input row or column and how many there are, and their weights.
// slot: tables
fn row_span(i: u32) -> vec2u {
    return vec2u(i, 1u);
}

fn row_weight(i: u32, tap: u32) -> f32 {
    return 1.0;
}

fn column_span(i: u32) -> vec2u {
    return vec2u(i, 1u);
}

fn column_weight(i: u32, tap: u32) -> f32 {
    return 1.0;
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
    let column = thread % OUT_W;
    let row = thread / OUT_W % OUT_H;
    let plane = thread / (OUT_W * OUT_H);
    if (plane >= step.samples * CHANNELS) {
        return;
    }
    let rows = row_span(row);
    let columns = column_span(column);
    var sum = 0.0;
    for (var a = 0u; a < rows.y; a++) {
        let base = (plane * IN_H + rows.x + a) * IN_W + columns.x;
        var of_row = 0.0;
        for (var b = 0u; b < columns.y; b++) {
            of_row += column_weight(column, b) * x[base + b];
        }
        sum += row_weight(row, a) * of_row;
    }
    y[thread] = sum;
}
