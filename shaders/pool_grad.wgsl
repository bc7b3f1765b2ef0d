// A pool's gradient, gathered: each input pixel collects from the windows that it lies in, in their row-major order. A thread
// computes TILE_W neighbouring inputs of one row of one channel.
#import shared/step
#import shared/thread
#import shared/window
#import shared/epilogue

/// Whether the pool took the largest value.
override MAXIMUM: bool = true;
/// Channels.
override CHANNELS: u32 = 4;
/// Input columns that a thread computes: all of a row, or a multiple of the stride (of 1 where columns are not written out).
override TILE_W: u32 = 4;
/// The first output column that the tile at column 0 collects from: ⌈(padding − (kernel − 1) · dilation) / stride⌉.
override FIRST: i32 = -1;
/// How many output columns the tile collects from: ⌊(TILE_W − 1 + padding) / stride⌋ − FIRST + 1.
override SPAN: u32 = 6;
/// Whether the columns of the tile and the windows are written out; otherwise TILE_W is 1.
override WRITTEN_OUT: bool = true;

// slot: gy
alias G = f32;
alias I = u32;
const G_LANES: u32 = 1u;

fn g_lane(v: G, i: u32) -> f32 {
    return v;
}

fn i_lane(v: I, i: u32) -> u32 {
    return v;
}
// end

@group(0) @binding(1) var<storage, read> gy: array<G>;
// slot: index
@group(0) @binding(2) var<storage, read> index: array<I>;
@group(0) @binding(3) var<storage, read_write> gx: array<Y>;

fn load_index(at: u32) -> I {
    return index[at];
}
// end

const TILES_X: u32 = (IN_W + TILE_W - 1u) / TILE_W;
// Rows are numbered by their remainder first, so that neighbouring threads see as many windows.
const ROWS: u32 = (IN_H + STRIDE_H - 1u) / STRIDE_H;
const THREADS: u32 = CHANNELS * STRIDE_H * ROWS * TILES_X;
const SHIFT: i32 = (FIRST % i32(G_LANES) + i32(G_LANES)) % i32(G_LANES);
const LOADS: u32 = (u32(SHIFT) + SPAN + G_LANES - 1u) / G_LANES;
// The most rows of windows that a row lies in.
const MEETS: u32 = (KERNEL_H - 1u) * DILATION_H / STRIDE_H + 1u;
const SHARE: f32 = 1.0 / f32(KERNEL_H * KERNEL_W);

// The first window of a row that reaches to the column `along` of the padded input.
fn first_window(along: u32) -> u32 {
    const EXTENT = (KERNEL_W - 1u) * DILATION_W;
    return (max(along, EXTENT) - EXTENT + STRIDE_W - 1u) / STRIDE_W;
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
    let row = thread % ROWS * STRIDE_H + thread / ROWS % STRIDE_H;
    let plane = thread / (ROWS * STRIDE_H);
    if (row >= IN_H) {
        return;
    }

    var sums: array<f32, TILE_W>;
    let reach = row + PADDING_H;
    for (var t = 0u; t < MEETS; t++) {
        // The window row, and the row of the window that lies here.
        let window = i32(reach / STRIDE_H) - i32(MEETS - 1u - t);
        let a = i32(reach) - window * i32(STRIDE_H);
        let inside = (u32(window) < OUT_H) & (a <= i32((KERNEL_H - 1u) * DILATION_H));
        let met = inside & ((DILATION_H == 1u) | (a % i32(DILATION_H) == 0));
        let i = u32(clamp(window, 0, i32(OUT_H) - 1));
        let base = (plane * OUT_H + i) * OUT_W;
        if (WRITTEN_OUT) {
            var values: array<f32, SPAN>;
            var indices: array<u32, SPAN>;
            // slot: columns
            // unroll
            for (var q = 0u; q < LOADS; q++) {
                let column = i32(left / STRIDE_W) + FIRST - SHIFT + i32(q * G_LANES);
                let within = met & (u32(column) < OUT_W);
                let at = (base + u32(clamp(column, 0, i32(OUT_W - G_LANES)))) / G_LANES;
                let v = select(G(), gy[at], within);
                let k = load_index(at);
                // unroll
                for (var j = 0u; j < G_LANES; j++) {
                    if (i32(q * G_LANES + j) >= SHIFT && i32(q * G_LANES + j) < SHIFT + i32(SPAN)) {
                        values[i32(q * G_LANES + j) - SHIFT] = g_lane(v, j);
                        indices[i32(q * G_LANES + j) - SHIFT] = i_lane(k, j);
                    }
                }
            }
            // unroll
            for (var p = 0u; p < TILE_W; p++) {
                let here = row * IN_W + left + p;
                // unroll
                for (var s = 0u; s < SPAN; s++) {
                    const REACH = i32(p + PADDING_W) - (FIRST + i32(s)) * i32(STRIDE_W);
                    if (REACH >= 0 && REACH <= i32((KERNEL_W - 1u) * DILATION_W) && REACH % i32(DILATION_W) == 0) {
                        sums[p] += select(0.0, values[s], !MAXIMUM | (indices[s] == here));
                    }
                }
            }
            // end
        } else {
            let along = left + PADDING_W;
            let end = min(along / STRIDE_W + 1u, OUT_W);
            for (var j = first_window(along); j < end; j++) {
                let within = met & ((DILATION_W == 1u) | ((along - j * STRIDE_W) % DILATION_W == 0u));
                let chosen = !MAXIMUM | (i_lane(load_index((base + j) / G_LANES), 0u) == row * IN_W + left);
                sums[0] += select(0.0, g_lane(gy[(base + j) / G_LANES], 0u), within & chosen);
            }
        }
    }
    let at = per_channel(plane % CHANNELS);
    // unroll
    for (var q = 0u; q < TILE_W / Y_LANES; q++) {
        if (left + q * Y_LANES < IN_W) {
            var lanes: array<f32, Y_LANES>;
            // unroll
            for (var j = 0u; j < Y_LANES; j++) {
                lanes[j] = sums[q * Y_LANES + j] * select(SHARE, 1.0, MAXIMUM);
            }
            let to = (plane * IN_H + row) * IN_W + left + q * Y_LANES;
            gx[to / Y_LANES] = epilogue(y_pack(lanes), to, at);
        }
    }
}
