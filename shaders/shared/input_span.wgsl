// The input columns that a tile of outputs of one row sees, for KERNEL_W or fewer taps at a time.

/// Output columns that a thread computes.
override TILE_W: u32 = 4;
/// Columns of the window that are written out at a time; they divide the window's.
override TAPS: u32 = 3;

// slot: x
alias X = f32;
const X_LANES: u32 = 1u;

fn x_lane(v: X, i: u32) -> f32 {
    return v;
}
// end

const SPAN: u32 = (TILE_W - 1u) * STRIDE_W + (TAPS - 1u) * DILATION_W + 1u;
// A tile's first column lies this far behind a whole number of lanes.
const SHIFT: u32 = (X_LANES - PADDING_W % X_LANES) % X_LANES;
const LOADS: u32 = (SHIFT + SPAN + X_LANES - 1u) / X_LANES;

// The vector number `q` of the columns from `first` of the row at `base`, 0 outside of the input. `base` and `first + SHIFT` are
// multiples of the lanes.
fn x_vector(base: u32, first: i32, inside: bool, q: u32) -> X {
    let column = first - i32(SHIFT) + i32(q * X_LANES);
    let within = inside & (u32(column) < IN_W);
    let at = (base + u32(clamp(column, 0, i32(IN_W - X_LANES)))) / X_LANES;
    return select(X(), x[at], within);
}

// All columns from `first` that the tile sees.
fn x_span(base: u32, first: i32, inside: bool) -> array<f32, SPAN> {
    var span: array<f32, SPAN>;
    // unroll
    for (var q = 0u; q < LOADS; q++) {
        let v = x_vector(base, first, inside, q);
        // unroll
        for (var j = 0u; j < X_LANES; j++) {
            if (q * X_LANES + j >= SHIFT && q * X_LANES + j < SHIFT + SPAN) {
                span[q * X_LANES + j - SHIFT] = x_lane(v, j);
            }
        }
    }
    return span;
}
