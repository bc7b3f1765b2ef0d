// The batch out of the dataset, each picture seen through its view. A thread finds a vector of neighbouring pixels, in all of the model's
// channels. Points and interpolation are in integers, and so the same on every device.
#import shared/step
#import shared/thread

/// Channels in the dataset: 1, or as many as the model wants.
override SOURCE_CHANNELS: u32 = 3;
/// Channels that the model wants.
override CHANNELS: u32 = 3;
/// Rows of a picture.
override HEIGHT: u32 = 4;
/// Columns of a picture.
override WIDTH: u32 = 4;
/// Whether views may show points between pixels.
override INTERPOLATED: bool = true;
/// Whether views may change colours.
override COLOURED: bool = true;
/// Whether each sample is mixed of two pictures.
override MIXED: bool = false;

// slot: normalisation
fn mean(c: u32) -> f32 {
    return 0.5;
}

fn inverse_std(c: u32) -> f32 {
    return 2.0;
}
// end

// slot: x
alias X = f32;
const X_LANES: u32 = 1u;

fn x_of(v: vec4f, i: u32) -> X {
    return v[i];
}
// end

@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> indices: array<u32>;
@group(0) @binding(4) var<storage, read> augmentation: array<u32>;
@group(0) @binding(5) var<storage, read_write> x: array<X>;
@group(0) @binding(6) var<storage, read_write> y: array<u32>;

// What else is written of sample `n`, whose mix lies at `mix`.
// slot: targets
fn write_targets(n: u32, mix: u32) {
}
// end

const PLANE: u32 = HEIGHT * WIDTH;
const WORDS: u32 = (SOURCE_CHANNELS * PLANE + 3u) / 4u;
const VIEW: u32 = 13u;
const MIX: u32 = 7u;
const BLOCK: u32 = VIEW + u32(MIXED) * (MIX + VIEW);

alias Colours = array<f32, CHANNELS>;

fn integer(at: u32) -> i32 {
    return bitcast<i32>(augmentation[at]);
}

fn number(at: u32) -> f32 {
    return bitcast<f32>(augmentation[at]);
}

fn within(rectangle: u32, row: i32, column: i32) -> bool {
    let rows = row >= integer(rectangle) && row < integer(rectangle + 2u);
    return rows && column >= integer(rectangle + 1u) && column < integer(rectangle + 3u);
}

fn byte_at(sample: u32, c: u32, row: i32, column: i32) -> u32 {
    let i = c * PLANE + u32(row) * WIDTH + u32(column);
    return (pixels[sample * WORDS + i / 4u] >> (i % 4u * 8u)) & 255u;
}

// The value at a point in 1/65536 pixels, 0 … 255.
fn value_at(sample: u32, c: u32, column: i32, row: i32) -> f32 {
    if (!INTERPOLATED) {
        return f32(byte_at(sample, c, (row + 32768) >> 16u, (column + 32768) >> 16u));
    }
    let left = clamp(column >> 16u, 0, i32(WIDTH) - 1);
    let right = clamp((column >> 16u) + 1, 0, i32(WIDTH) - 1);
    let top = clamp(row >> 16u, 0, i32(HEIGHT) - 1);
    let bottom = clamp((row >> 16u) + 1, 0, i32(HEIGHT) - 1);
    let across = u32(column >> 8u) & 255u;
    let down = u32(row >> 8u) & 255u;
    let above = (256u - across) * byte_at(sample, c, top, left) + across * byte_at(sample, c, top, right);
    let below = (256u - across) * byte_at(sample, c, bottom, left) + across * byte_at(sample, c, bottom, right);
    return f32((256u - down) * above + down * below) * (1.0 / 65536.0);
}

// What a pixel of a view shows, normalised.
fn shown(view: u32, sample: u32, row: i32, column: i32) -> Colours {
    var colours: Colours;
    if (within(view + 9u, row, column)) {
        return colours;
    }
    let at_column = integer(view) * column + integer(view + 1u) * row + integer(view + 2u);
    let at_row = integer(view + 3u) * column + integer(view + 4u) * row + integer(view + 5u);
    let nearest = vec2i(at_column + 32768, at_row + 32768) >> vec2u(16u);
    let inside = all(nearest >= vec2i(0)) && all(nearest < vec2i(i32(WIDTH), i32(HEIGHT)));
    var values: array<f32, SOURCE_CHANNELS>;
    if (inside) {
        // unroll
        for (var c = 0u; c < SOURCE_CHANNELS; c++) {
            values[c] = value_at(sample, c, at_column, at_row);
        }
    }
    if (COLOURED && inside) {
        var luma = 0.0;
        // unroll
        for (var c = 0u; c < SOURCE_CHANNELS; c++) {
            luma += values[c] * vec4f(0.299, 0.587, 0.114, 0.0)[c % 4u];
        }
        let saturation = number(view + 8u);
        // unroll
        for (var c = 0u; c < SOURCE_CHANNELS; c++) {
            let grey = select(values[c], luma, SOURCE_CHANNELS == 3u);
            let mixed = saturation * values[c] + (1.0 - saturation) * grey;
            values[c] = clamp(number(view + 6u) * mixed + number(view + 7u), 0.0, 255.0);
        }
    }
    // unroll
    for (var c = 0u; c < CHANNELS; c++) {
        colours[c] = (values[c % SOURCE_CHANNELS] / 255.0 - mean(c)) * inverse_std(c);
    }
    return colours;
}

// What a pixel of a sample shows.
fn sample_at(block: u32, sample: u32, row: i32, column: i32) -> Colours {
    if (!MIXED) {
        return shown(block, sample, row, column);
    }
    let mix = block + VIEW;
    let weight = select(number(mix + 1u), 0.0, within(mix + 3u, row, column));
    var first: Colours;
    var second: Colours;
    if (weight > 0.0) {
        first = shown(block, sample, row, column);
    }
    if (weight < 1.0) {
        second = shown(mix + MIX, augmentation[mix], row, column);
    }
    // unroll
    for (var c = 0u; c < CHANNELS; c++) {
        first[c] = weight * first[c] + (1.0 - weight) * second[c];
    }
    return first;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let at = linear_thread(group, groups, local) * X_LANES;
    if (at >= step.samples * PLANE) {
        return;
    }
    let n = at / PLANE;
    let first = at % PLANE;
    let sample = indices[step.first_index + n];
    let block = (step.first_index + n) * BLOCK;
    if (first == 0u) {
        y[n] = labels[sample];
        write_targets(n, block + VIEW);
    }
    var found: array<Colours, X_LANES>;
    // unroll
    for (var q = 0u; q < X_LANES; q++) {
        found[q] = sample_at(block, sample, i32((first + q) / WIDTH), i32((first + q) % WIDTH));
    }
    // unroll
    for (var c = 0u; c < CHANNELS; c++) {
        var v: vec4f;
        // unroll
        for (var q = 0u; q < X_LANES; q++) {
            v[q] = found[q][c];
        }
        x[((n * CHANNELS + c) * PLANE + first) / X_LANES] = x_of(v, 0u);
    }
}
