// The batch out of the dataset. A thread decodes one word, four pixels, for all of the model's channels that it serves.
#import shared/step
#import shared/thread

/// Channels in the dataset: 1, or as many as the model wants.
override SOURCE_CHANNELS: u32 = 3;
/// Channels that the model wants.
override CHANNELS: u32 = 3;
/// Height · width.
override PLANE: u32 = 16;

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
@group(0) @binding(4) var<storage, read_write> x: array<X>;
@group(0) @binding(5) var<storage, read_write> y: array<u32>;

const LENGTH: u32 = SOURCE_CHANNELS * PLANE;
const WORDS: u32 = (LENGTH + 3u) / 4u;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    if (thread >= step.samples * WORDS) {
        return;
    }
    let n = thread / WORDS;
    let word = thread % WORDS;
    let sample = indices[step.first_index + n];
    if (word == 0u) {
        y[n] = labels[sample];
    }
    let bytes = vec4f((vec4u(pixels[sample * WORDS + word]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u)) / 255.0;
    // unroll
    for (var copy = 0u; copy < CHANNELS / SOURCE_CHANNELS; copy++) {
        // unroll
        for (var q = 0u; q < 4u / X_LANES; q++) {
            let at = word * 4u + q * X_LANES;
            if (at < LENGTH) {
                let c = copy + at / PLANE;
                let to = (n * CHANNELS + copy) * PLANE + at;
                x[to / X_LANES] = (x_of(bytes, q) - X(mean(c))) * X(inverse_std(c));
            }
        }
    }
}
