// Pooling. A thread computes TILE_W neighbouring outputs of one row of one channel.
#import shared/step
#import shared/thread
#import shared/window
#import shared/input_span

/// Whether the largest value is taken, with its index, instead of the mean.
override MAXIMUM: bool = true;
/// Channels.
override CHANNELS: u32 = 4;

// slot: y
alias Y = f32;
alias I = u32;
const Y_LANES: u32 = 1u;

fn y_pack(lanes: array<f32, Y_LANES>) -> Y {
    return lanes[0];
}

fn i_pack(lanes: array<u32, Y_LANES>) -> I {
    return lanes[0];
}
// end

@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
// slot: index
@group(0) @binding(3) var<storage, read_write> index: array<I>;

fn store_index(at: u32, value: I) {
    index[at] = value;
}
// end

const TILES_X: u32 = (OUT_W + TILE_W - 1u) / TILE_W;
const THREADS: u32 = CHANNELS * OUT_H * TILES_X;
const PARTS: u32 = KERNEL_W / TAPS;
const PADDED: bool = PADDING_H + PADDING_W > 0u;

fn is_nan(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
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
    let i = thread % OUT_H;
    let plane = thread / OUT_H;

    // The sum, or the largest value so far with its index; an index of IN_H · IN_W says that there is none yet.
    var value: array<f32, TILE_W>;
    var best: array<u32, TILE_W>;
    // unroll
    for (var p = 0u; p < TILE_W; p++) {
        best[p] = IN_H * IN_W;
    }
    for (var k = 0u; k < KERNEL_H * PARTS; k++) {
        let a = k / PARTS;
        let b0 = k % PARTS * TAPS;
        let row = i32(i * STRIDE_H + a * DILATION_H) - i32(PADDING_H);
        let inside = u32(row) < IN_H;
        let base = (plane * IN_H + u32(clamp(row, 0, i32(IN_H) - 1))) * IN_W;
        {
            let first = i32(left * STRIDE_W + b0 * DILATION_W) - i32(PADDING_W);
            let span = x_span(base, first, inside);
            // unroll
            for (var p = 0u; p < TILE_W; p++) {
                // unroll
                for (var b = 0u; b < TAPS; b++) {
                    let v = span[p * STRIDE_W + b * DILATION_W];
                    if (MAXIMUM) {
                        let column = first + i32(p * STRIDE_W + b * DILATION_W);
                        let there = !PADDED | (inside & (u32(column) < IN_W));
                        let larger = (best[p] == IN_H * IN_W) | (v > value[p]) | (is_nan(v) & !is_nan(value[p]));
                        best[p] = select(best[p], u32(row) * IN_W + u32(column), there & larger);
                        value[p] = select(value[p], v, there & larger);
                    } else {
                        value[p] += v;
                    }
                }
            }
        }
    }
    // unroll
    for (var q = 0u; q < TILE_W / Y_LANES; q++) {
        if (left + q * Y_LANES < OUT_W) {
            var values: array<f32, Y_LANES>;
            var indices: array<u32, Y_LANES>;
            // unroll
            for (var j = 0u; j < Y_LANES; j++) {
                values[j] = select(value[q * Y_LANES + j] * (1.0 / f32(KERNEL_H * KERNEL_W)), value[q * Y_LANES + j], MAXIMUM);
                indices[j] = best[q * Y_LANES + j];
            }
            let at = ((plane * OUT_H + i) * OUT_W + left) / Y_LANES + q;
            y[at] = y_pack(values);
            store_index(at, i_pack(indices));
        }
    }
}
