// A convolution's gradient with respect to its input, gathered: each input pixel collects from the outputs whose windows it lies
// in. A thread computes TILE_C channels × TILE_H rows × TILE_W columns of one sample.
#import shared/step
#import shared/thread
#import shared/channels
#import shared/window
#import shared/epilogue

/// Input channels that a thread computes.
override TILE_C: u32 = 4;
/// Input rows that a thread computes, a stride apart.
override TILE_H: u32 = 1;
/// Input columns that a thread computes: all of a row, or a multiple of the stride (of 1 where columns are not written out).
override TILE_W: u32 = 4;
/// Rows of the window that meet the same output rows are so many apart: stride / gcd(stride, dilation).
override STEP_A: u32 = 1;
/// The same for columns; used where columns are not written out.
override STEP_B: u32 = 1;
/// The first output column that the tile at column 0 collects from: ⌈(padding − (kernel − 1) · dilation) / stride⌉.
override FIRST: i32 = -1;
/// How many output columns the tile collects from: ⌊(TILE_W − 1 + padding) / stride⌋ − FIRST + 1.
override SPAN: u32 = 6;
/// Whether the columns of the tile and of the window are written out; otherwise TILE_W is 1.
override WRITTEN_OUT: bool = true;

// slot: gy
alias G = f32;
const G_LANES: u32 = 1u;

fn g_lane(v: G, i: u32) -> f32 {
    return v;
}
// end

@group(0) @binding(1) var<storage, read> gy: array<G>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> gx: array<Y>;

const TILES_X: u32 = (IN_W + TILE_W - 1u) / TILE_W;
// Rows are numbered by their remainder first, so that neighbouring threads meet the same rows of the window.
const ROWS: u32 = ((IN_H + STRIDE_H - 1u) / STRIDE_H + TILE_H - 1u) / TILE_H;
const TILES_C: u32 = (GROUP_IN + TILE_C - 1u) / TILE_C;
const THREADS: u32 = GROUPS * TILES_C * STRIDE_H * ROWS * TILES_X;
const TAPS: u32 = KERNEL_H * KERNEL_W;
const TURNS: u32 = (KERNEL_H + STEP_A - 1u) / STEP_A;
const SHIFT: i32 = (FIRST % i32(G_LANES) + i32(G_LANES)) % i32(G_LANES);
const LOADS: u32 = (u32(SHIFT) + SPAN + G_LANES - 1u) / G_LANES;

// The first of the window's taps, from 0 in steps, whose outputs lie a whole number of strides away; `count` where none does.
fn first_tap(reach: u32, stride: u32, dilation: u32, count: u32) -> u32 {
    var tap = 0u;
    while ((tap < count) & ((reach + tap * dilation * (stride - 1u)) % stride != 0u)) {
        tap++;
    }
    return tap;
}

fn gy_span(base: u32, first: i32, inside: bool) -> array<f32, SPAN> {
    var span: array<f32, SPAN>;
    // unroll
    for (var q = 0u; q < LOADS; q++) {
        let column = first - SHIFT + i32(q * G_LANES);
        let within = inside & (u32(column) < OUT_W);
        let v = select(G(), gy[(base + u32(clamp(column, 0, i32(OUT_W - G_LANES)))) / G_LANES], within);
        // unroll
        for (var j = 0u; j < G_LANES; j++) {
            if (i32(q * G_LANES + j) >= SHIFT && i32(q * G_LANES + j) < SHIFT + i32(SPAN)) {
                span[i32(q * G_LANES + j) - SHIFT] = g_lane(v, j);
            }
        }
    }
    return span;
}

// One row of a window on the tile's pixels. A function, so that it is parsed once and not for each channel.
fn add_products(
    sums: ptr<function, array<f32, TILE_C * TILE_H * TILE_W>>,
    c: u32,
    w: array<f32, KERNEL_W>,
    spans: ptr<function, array<array<f32, SPAN>, TILE_H>>,
) {
    // slot: products
    // unroll
    for (var r = 0u; r < TILE_H; r++) {
        // unroll
        for (var p = 0u; p < TILE_W; p++) {
            // unroll
            for (var b = 0u; b < KERNEL_W; b++) {
                const AWAY = i32(p + PADDING_W) - i32(b * DILATION_W) - FIRST * i32(STRIDE_W);
                if (AWAY % i32(STRIDE_W) == 0) {
                    (*sums)[c + r * TILE_W + p] += w[b] * (*spans)[r][AWAY / i32(STRIDE_W)];
                }
            }
        }
    }
    // end
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
    let top = thread % ROWS * TILE_H * STRIDE_H + thread / ROWS % STRIDE_H;
    thread /= ROWS * STRIDE_H;
    let first_c = thread % TILES_C * TILE_C;
    thread /= TILES_C;
    let g = thread % GROUPS;
    let n = thread / GROUPS;

    var sums: array<f32, TILE_C * TILE_H * TILE_W>;
    let reach = top + PADDING_H;
    let first_a = select(first_tap(reach, STRIDE_H, DILATION_H, KERNEL_H), 0u, STRIDE_H == 1u);
    // One loop over channels and rows of the window: each level of nesting would copy all sums.
    for (var k = 0u; k < GROUP_OUT * TURNS; k++) {
        let o = g * GROUP_OUT + k / TURNS;
        let a = first_a + k % TURNS * STEP_A;
        let up = i32(reach) - i32(a * DILATION_H);
        let met = a < KERNEL_H;
        let plane = (n * GROUPS * GROUP_OUT + o) * OUT_H;
        let taps = min(a, KERNEL_H - 1u) * KERNEL_W;
        if (WRITTEN_OUT) {
            var spans: array<array<f32, SPAN>, TILE_H>;
            // unroll
            for (var r = 0u; r < TILE_H; r++) {
                let i = (up + i32(r * STRIDE_H)) / i32(STRIDE_H);
                let inside = met & (up + i32(r * STRIDE_H) >= 0) & (i < i32(OUT_H));
                let base = (plane + u32(clamp(i, 0, i32(OUT_H) - 1))) * OUT_W;
                spans[r] = gy_span(base, i32(left / STRIDE_W) + FIRST, inside);
            }
            // slot: taps
            // unroll
            for (var c = 0u; c < TILE_C; c++) {
                let at = (o * GROUP_IN + min(first_c + c, GROUP_IN - 1u)) * TAPS + taps;
                var w: array<f32, KERNEL_W>;
                // unroll
                for (var b = 0u; b < KERNEL_W; b++) {
                    w[b] = weight[at + b];
                }
                add_products(&sums, c * (TILE_H * TILE_W), w, &spans);
            }
            // end
        } else {
            for (var b = first_tap(left + PADDING_W, STRIDE_W, DILATION_W, KERNEL_W); b < KERNEL_W; b += STEP_B) {
                let along = i32(left + PADDING_W) - i32(b * DILATION_W);
                let within = met & (u32(up) < OUT_H * STRIDE_H) & (u32(along) < OUT_W * STRIDE_W);
                let j = u32(clamp(along, 0, i32(OUT_W * STRIDE_W) - 1)) / STRIDE_W;
                let base = (plane + u32(clamp(up, 0, i32(OUT_H * STRIDE_H) - 1)) / STRIDE_H) * OUT_W;
                let v = select(0.0, g_lane(gy[(base + j) / G_LANES], 0u), within);
                // unroll
                for (var c = 0u; c < TILE_C; c++) {
                    let at = (o * GROUP_IN + min(first_c + c, GROUP_IN - 1u)) * TAPS + taps;
                    sums[c * TILE_W] += weight[at + b] * v;
                }
            }
        }
    }
    // unroll
    for (var c = 0u; c < TILE_C; c++) {
        if (first_c + c < GROUP_IN) {
            let channel = g * GROUP_IN + first_c + c;
            let at = per_channel(channel);
            // unroll
            for (var r = 0u; r < TILE_H; r++) {
                let row = top + r * STRIDE_H;
                let base = ((n * GROUPS * GROUP_IN + channel) * IN_H + row) * IN_W + left;
                // unroll
                for (var q = 0u; q < TILE_W / Y_LANES; q++) {
                    if ((row < IN_H) & (left + q * Y_LANES < IN_W)) {
                        var lanes: array<f32, Y_LANES>;
                        // unroll
                        for (var j = 0u; j < Y_LANES; j++) {
                            lanes[j] = sums[(c * TILE_H + r) * TILE_W + q * Y_LANES + j];
                        }
                        let i = base + q * Y_LANES;
                        gx[i / Y_LANES] = epilogue(y_pack(lanes), i, at);
                    }
                }
            }
        }
    }
}
