// Convolution. A thread computes TILE_O output channels × TILE_H rows × TILE_W columns of one sample in registers; threads of a
// row follow each other. Weights are used for all pixels of the tile, pixels for all channels and taps.
#import shared/step
#import shared/thread
#import shared/channels
#import shared/window
#import shared/input_span
#import shared/epilogue

/// Output channels that a thread computes.
override TILE_O: u32 = 4;
/// Output rows that a thread computes.
override TILE_H: u32 = 1;

@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<Y>;

const TILES_X: u32 = (OUT_W + TILE_W - 1u) / TILE_W;
const TILES_Y: u32 = (OUT_H + TILE_H - 1u) / TILE_H;
const TILES_O: u32 = (GROUP_OUT + TILE_O - 1u) / TILE_O;
const PARTS: u32 = KERNEL_W / TAPS;
const THREADS: u32 = GROUPS * TILES_O * TILES_Y * TILES_X;

// One row of a window on the tile's pixels. A function, so that it is parsed once and not for each channel.
fn add_products(
    sums: ptr<function, array<f32, TILE_O * TILE_H * TILE_W>>,
    o: u32,
    w: array<f32, TAPS>,
    spans: ptr<function, array<array<f32, SPAN>, TILE_H>>,
) {
    // unroll
    for (var r = 0u; r < TILE_H; r++) {
        // unroll
        for (var p = 0u; p < TILE_W; p++) {
            // unroll
            for (var b = 0u; b < TAPS; b++) {
                (*sums)[o + r * TILE_W + p] += w[b] * (*spans)[r][p * STRIDE_W + b * DILATION_W];
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
    if (thread >= step.samples * THREADS) {
        return;
    }
    let left = select(thread % TILES_X * TILE_W, 0u, TILES_X == 1u);
    thread /= TILES_X;
    let top = thread % TILES_Y * TILE_H;
    thread /= TILES_Y;
    let first_o = thread % TILES_O * TILE_O;
    thread /= TILES_O;
    let g = thread % GROUPS;
    let n = thread / GROUPS;

    var sums: array<f32, TILE_O * TILE_H * TILE_W>;
    // One loop over channels, rows and parts of rows of the window: each level of nesting would copy all sums.
    for (var k = 0u; k < GROUP_IN * KERNEL_H * PARTS; k++) {
        let c = k / (KERNEL_H * PARTS);
        let a = k / PARTS % KERNEL_H;
        let b0 = k % PARTS * TAPS;
        let plane = ((n * GROUPS + g) * GROUP_IN + c) * IN_H;
        var spans: array<array<f32, SPAN>, TILE_H>;
        // unroll
        for (var r = 0u; r < TILE_H; r++) {
            let row = i32((top + r) * STRIDE_H + a * DILATION_H) - i32(PADDING_H);
            let base = (plane + u32(clamp(row, 0, i32(IN_H) - 1))) * IN_W;
            let first = i32(left * STRIDE_W + b0 * DILATION_W) - i32(PADDING_W);
            spans[r] = x_span(base, first, u32(row) < IN_H);
        }
        // unroll
        for (var o = 0u; o < TILE_O; o++) {
            let kernel = (g * GROUP_OUT + min(first_o + o, GROUP_OUT - 1u)) * GROUP_IN + c;
            let at = (kernel * KERNEL_H + a) * KERNEL_W + b0;
            var w: array<f32, TAPS>;
            // unroll
            for (var b = 0u; b < TAPS; b++) {
                w[b] = weight[at + b];
            }
            add_products(&sums, o * (TILE_H * TILE_W), w, &spans);
        }
    }

    // unroll
    for (var o = 0u; o < TILE_O; o++) {
        if (first_o + o < GROUP_OUT) {
            let channel = g * GROUP_OUT + first_o + o;
            let at = per_channel(channel);
            // unroll
            for (var r = 0u; r < TILE_H; r++) {
                let base = ((n * GROUPS * GROUP_OUT + channel) * OUT_H + top + r) * OUT_W + left;
                // unroll
                for (var q = 0u; q < TILE_W / Y_LANES; q++) {
                    if ((top + r < OUT_H) & (left + q * Y_LANES < OUT_W)) {
                        var lanes: array<f32, Y_LANES>;
                        // unroll
                        for (var j = 0u; j < Y_LANES; j++) {
                            lanes[j] = sums[(o * TILE_H + r) * TILE_W + q * Y_LANES + j];
                        }
                        let i = base + q * Y_LANES;
                        y[i / Y_LANES] = epilogue(y_pack(lanes), i, at);
                    }
                }
            }
        }
    }
}
