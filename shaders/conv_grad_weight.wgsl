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
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

const TILES_O: u32 = (GROUP_OUT + TILE_O - 1u) / TILE_O;
const TILES_C: u32 = (GROUP_IN + TILE_C - 1u) / TILE_C;
const TILES_B: u32 = KERNEL_W / TAPS;
const THREADS: u32 = GROUPS * TILES_O * TILES_C * KERNEL_H * TILES_B;
const SEGMENTS: u32 = (OUT_W + TILE_W - 1u) / TILE_W;

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
    for (var n = chunk * CHUNK; n < min(step.samples, (chunk + 1u) * CHUNK); n++) {
        for (var i = 0u; i < OUT_H; i++) {
            let row = i32(i * STRIDE_H + a * DILATION_H) - i32(PADDING_H);
            let inside = row >= 0 && row < i32(IN_H);
            for (var segment = 0u; segment < SEGMENTS; segment++) {
                let left = select(segment * TILE_W, 0u, SEGMENTS == 1u);
                let first = i32(left * STRIDE_W + b0 * DILATION_W) - i32(PADDING_W);
                var spans: array<array<f32, SPAN>, TILE_C>;
                // unroll
                for (var c = 0u; c < TILE_C; c++) {
                    let plane = (n * GROUPS + g) * GROUP_IN + min(first_c + c, GROUP_IN - 1u);
                    let base = (plane * IN_H + u32(clamp(row, 0, i32(IN_H) - 1))) * IN_W;
                    spans[c] = x_span(base, first, inside);
                }
                // unroll
                for (var o = 0u; o < TILE_O; o++) {
                    let plane = (n * GROUPS + g) * GROUP_OUT + min(first_o + o, GROUP_OUT - 1u);
                    let base = (plane * OUT_H + i) * OUT_W + left;
                    // unroll
                    for (var q = 0u; q < TILE_W / G_LANES; q++) {
                        let within = left + q * G_LANES < OUT_W;
                        let v = select(G(), gy[select(0u, base + q * G_LANES, within) / G_LANES], within);
                        // unroll
                        for (var j = 0u; j < G_LANES; j++) {
                            let value = g_lane(v, j);
                            // unroll
                            for (var c = 0u; c < TILE_C; c++) {
                                // unroll
                                for (var b = 0u; b < TAPS; b++) {
                                    sums[(o * TILE_C + c) * TAPS + b] += value * spans[c][(q * G_LANES + j) * STRIDE_W + b * DILATION_W];
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    // unroll
    for (var o = 0u; o < TILE_O; o++) {
        // unroll
        for (var c = 0u; c < TILE_C; c++) {
            if (first_o + o < GROUP_OUT && first_c + c < GROUP_IN) {
                let kernel = ((chunk * GROUPS + g) * GROUP_OUT + first_o + o) * GROUP_IN + first_c + c;
                let at = (kernel * KERNEL_H + a) * KERNEL_W + b0;
                // unroll
                for (var b = 0u; b < TAPS; b++) {
                    partial[at + b] = sums[(o * TILE_C + c) * TAPS + b];
                }
            }
        }
    }
}
