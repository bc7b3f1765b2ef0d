// A convolution's gradient with respect to its weight, summed over one chunk of samples. A thread computes TILE_O output channels ×
// TILE_C input channels × TAPS columns of one row of the window, and walks over its chunk's samples and their output rows.
#import shared/step
#import shared/thread
#import shared/channels
#import shared/window
#import shared/input_span

/// Samples in a chunk.
override CHUNK: u32 = 4;
/// Output channels that a thread computes.
override TILE_O: u32 = 4;
/// Input channels that a thread computes.
override TILE_C: u32 = 2;

// slot: gy
alias G = f32;
const G_LANES: u32 = 1u;

fn g_lane(v: G, i: u32) -> f32 {
    return v;
}
// end

@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read> gy: array<G>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

const TILES_O: u32 = (GROUP_OUT + TILE_O - 1u) / TILE_O;
const TILES_C: u32 = (GROUP_IN + TILE_C - 1u) / TILE_C;
const TILES_B: u32 = KERNEL_W / TAPS;
const THREADS: u32 = GROUPS * TILES_O * TILES_C * KERNEL_H * TILES_B;
// How far ahead of the row's first column the last column of the first output's window lies, in loaded columns.
const AHEAD: u32 = SHIFT + (TAPS - 1u) * DILATION_W;
const SEGMENTS: u32 = (OUT_W + TILE_W - 1u) / TILE_W;

// Some columns of the gradient with the inputs from `first` that they see. A function, so that it is parsed once and not for each part of the row.
fn add_products(
    sums: ptr<function, array<f32, TILE_O * TILE_C * TAPS>>,
    values: ptr<function, array<array<f32, G_LANES>, TILE_O>>,
    spans: ptr<function, array<array<f32, SPAN>, TILE_C>>,
    first: u32,
) {
    // unroll
    for (var o = 0u; o < TILE_O; o++) {
        // unroll
        for (var c = 0u; c < TILE_C; c++) {
            // unroll
            for (var b = 0u; b < TAPS; b++) {
                // unroll
                for (var j = 0u; j < G_LANES; j++) {
                    (*sums)[(o * TILE_C + c) * TAPS + b] += (*values)[o][j] * (*spans)[c][first + j * STRIDE_W + b * DILATION_W];
                }
            }
        }
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    var thread = linear_thread(group, groups, local);
    if (thread >= (step.samples + CHUNK - 1u) / CHUNK * THREADS) {
        return;
    }
    let b0 = select(thread % TILES_B * TAPS, 0u, TILES_B == 1u);
    thread /= TILES_B;
    let a = thread % KERNEL_H;
    thread /= KERNEL_H;
    let first_c = thread % TILES_C * TILE_C;
    thread /= TILES_C;
    let first_o = thread % TILES_O * TILE_O;
    thread /= TILES_O;
    let g = thread % GROUPS;
    let chunk = thread / GROUPS;

    var sums: array<f32, TILE_O * TILE_C * TAPS>;
    // One loop over samples, rows and parts of rows: each level of nesting would copy all sums.
    let first_n = chunk * CHUNK;
    for (var k = 0u; k < (min(step.samples, first_n + CHUNK) - first_n) * OUT_H * SEGMENTS; k++) {
        let n = first_n + k / (OUT_H * SEGMENTS);
        let i = k / SEGMENTS % OUT_H;
        let left = k % SEGMENTS * TILE_W;
        let row = i32(i * STRIDE_H + a * DILATION_H) - i32(PADDING_H);
        let inside = u32(row) < IN_H;
        let first = i32(left * STRIDE_W + b0 * DILATION_W) - i32(PADDING_W);
        var spans: array<array<f32, SPAN>, TILE_C>;
        // Columns are loaded where they are first needed, so that few values are held at a time.
        // unroll
        for (var q = 0u; q < TILE_W / G_LANES; q++) {
            // unroll
            for (var c = 0u; c < TILE_C; c++) {
                let plane = (n * GROUPS + g) * GROUP_IN + min(first_c + c, GROUP_IN - 1u);
                let base = (plane * IN_H + u32(clamp(row, 0, i32(IN_H) - 1))) * IN_W;
                // unroll
                for (var l = min(q, 1u) * ((q * G_LANES * STRIDE_W + AHEAD - STRIDE_W) / X_LANES + 1u); l < ((q + 1u) * G_LANES * STRIDE_W + AHEAD - STRIDE_W) / X_LANES + 1u; l++) {
                    let v = x_vector(base, first, inside, l);
                    // unroll
                    for (var j = 0u; j < X_LANES; j++) {
                        if (l * X_LANES + j >= SHIFT && l * X_LANES + j < SHIFT + SPAN) {
                            spans[c][l * X_LANES + j - SHIFT] = x_lane(v, j);
                        }
                    }
                }
            }
            var values: array<array<f32, G_LANES>, TILE_O>;
            // unroll
            for (var o = 0u; o < TILE_O; o++) {
                let plane = (n * GROUPS + g) * GROUP_OUT + min(first_o + o, GROUP_OUT - 1u);
                let base = (plane * OUT_H + i) * OUT_W + left;
                let within = left + q * G_LANES < OUT_W;
                let v = select(G(), gy[select(0u, base + q * G_LANES, within) / G_LANES], within);
                // unroll
                for (var j = 0u; j < G_LANES; j++) {
                    values[o][j] = g_lane(v, j);
                }
            }
            add_products(&sums, &values, &spans, q * (G_LANES * STRIDE_W));
        }
    }

    // unroll
    for (var o = 0u; o < TILE_O; o++) {
        // unroll
        for (var c = 0u; c < TILE_C; c++) {
            if ((first_o + o < GROUP_OUT) & (first_c + c < GROUP_IN)) {
                let kernel = ((chunk * GROUPS + g) * GROUP_OUT + first_o + o) * GROUP_IN + first_c + c;
                let at = (kernel * KERNEL_H + a) * KERNEL_W + b0;
                // unroll
                for (var b = 0u; b < TAPS; b++) {
                    partials[at + b] = sums[(o * TILE_C + c) * TAPS + b];
                }
            }
        }
    }
}
