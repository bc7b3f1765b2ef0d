// Matrix product. A thread computes TILE_M rows × TILE_N columns in registers, STEP_K terms of the sums at a time.
#import shared/step
#import shared/thread
#import shared/epilogue

/// Whether `a` lies as `[k, m]`.
override TRANSPOSE_A: bool = false;
/// Whether `b` lies as `[n, k]`.
override TRANSPOSE_B: bool = false;
/// Rows that a thread computes.
override TILE_M: u32 = 4;
/// Columns that a thread computes.
override TILE_N: u32 = 4;
/// Terms of the sums that are loaded at a time; they divide k.
override STEP_K: u32 = 4;

// slot: extents
fn rows() -> u32 {
    return step.samples;
}

fn columns() -> u32 {
    return 16u;
}

fn terms() -> u32 {
    return 16u;
}
// end

// slot: a
alias A = f32;
const A_LANES: u32 = 1u;

fn a_lane(v: A, i: u32) -> f32 {
    return v;
}
// end

// slot: b
alias B = f32;
const B_LANES: u32 = 1u;

fn b_lane(v: B, i: u32) -> f32 {
    return v;
}
// end

@group(0) @binding(1) var<storage, read> a: array<A>;
@group(0) @binding(2) var<storage, read> b: array<B>;
@group(0) @binding(3) var<storage, read_write> c: array<Y>;

// Rows of the tile, STEP_K of their elements from `k0`, at `[row · STEP_K + term]`.
fn load_a(first: u32, k0: u32) -> array<f32, TILE_M * STEP_K> {
    var tile: array<f32, TILE_M * STEP_K>;
    if (TRANSPOSE_A) {
        // unroll
        for (var s = 0u; s < STEP_K; s++) {
            let base = (k0 + s) * rows();
            // unroll
            for (var q = 0u; q < (TILE_M + A_LANES - 1u) / A_LANES; q++) {
                let v = a[(base + min(first + q * A_LANES, rows() - A_LANES)) / A_LANES];
                // unroll
                for (var j = 0u; j < A_LANES; j++) {
                    tile[min(q * A_LANES + j, TILE_M - 1u) * STEP_K + s] = a_lane(v, j);
                }
            }
        }
    } else {
        // unroll
        for (var r = 0u; r < TILE_M; r++) {
            let base = min(first + r, rows() - 1u) * terms() + k0;
            // unroll
            for (var q = 0u; q < (STEP_K + A_LANES - 1u) / A_LANES; q++) {
                let v = a[base / A_LANES + q];
                // unroll
                for (var j = 0u; j < A_LANES; j++) {
                    tile[r * STEP_K + min(q * A_LANES + j, STEP_K - 1u)] = a_lane(v, j);
                }
            }
        }
    }
    return tile;
}

// STEP_K rows of `b` from `k0`, of each the tile's columns, at `[term · TILE_N + column]`.
fn load_b(first: u32, k0: u32) -> array<f32, STEP_K * TILE_N> {
    var tile: array<f32, STEP_K * TILE_N>;
    if (TRANSPOSE_B) {
        // unroll
        for (var p = 0u; p < TILE_N; p++) {
            let base = min(first + p, columns() - 1u) * terms() + k0;
            // unroll
            for (var q = 0u; q < (STEP_K + B_LANES - 1u) / B_LANES; q++) {
                let v = b[base / B_LANES + q];
                // unroll
                for (var j = 0u; j < B_LANES; j++) {
                    tile[min(q * B_LANES + j, STEP_K - 1u) * TILE_N + p] = b_lane(v, j);
                }
            }
        }
    } else {
        // unroll
        for (var s = 0u; s < STEP_K; s++) {
            let base = (k0 + s) * columns();
            // unroll
            for (var q = 0u; q < (TILE_N + B_LANES - 1u) / B_LANES; q++) {
                let v = b[(base + min(first + q * B_LANES, columns() - B_LANES)) / B_LANES];
                // unroll
                for (var j = 0u; j < B_LANES; j++) {
                    tile[s * TILE_N + min(q * B_LANES + j, TILE_N - 1u)] = b_lane(v, j);
                }
            }
        }
    }
    return tile;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let tiles = (columns() + TILE_N - 1u) / TILE_N;
    if (thread >= (rows() + TILE_M - 1u) / TILE_M * tiles) {
        return;
    }
    let top = thread / tiles * TILE_M;
    let left = thread % tiles * TILE_N;
    var sums: array<f32, TILE_M * TILE_N>;
    for (var k = 0u; k < terms(); k += STEP_K) {
        let at = load_a(top, k);
        let bt = load_b(left, k);
        // unroll
        for (var r = 0u; r < TILE_M; r++) {
            // unroll
            for (var p = 0u; p < TILE_N; p++) {
                // unroll
                for (var s = 0u; s < STEP_K; s++) {
                    sums[r * TILE_N + p] += at[r * STEP_K + s] * bt[s * TILE_N + p];
                }
            }
        }
    }
    // unroll
    for (var q = 0u; q < TILE_N / Y_LANES; q++) {
        let column = left + q * Y_LANES;
        if (column < columns()) {
            let here = per_channel(column);
            // unroll
            for (var r = 0u; r < TILE_M; r++) {
                if (top + r < rows()) {
                    var lanes: array<f32, Y_LANES>;
                    // unroll
                    for (var j = 0u; j < Y_LANES; j++) {
                        lanes[j] = sums[r * TILE_N + q * Y_LANES + j];
                    }
                    let i = (top + r) * columns() + column;
                    c[i / Y_LANES] = epilogue(y_pack(lanes), i, here);
                }
            }
        }
    }
}
