// A run's figures. One workgroup: each thread takes every WORKGROUP-th sample, the first adds up what they found, in order.
#import shared/step
#import shared/thread

/// The number of classes.
override CLASSES: u32 = 10;

@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> metrics: array<u32>;

// slot: tally
fn tally(n: u32, best: u32) {}
// end

var<workgroup> sums: array<f32, WORKGROUP>;
var<workgroup> hits: array<u32, WORKGROUP>;
var<workgroup> broken: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) local: u32) {
    var sum = 0.0;
    var hit = 0u;
    var bad = 0u;
    for (var n = local; n < step.samples; n += WORKGROUP) {
        let loss = losses[n];
        sum += loss;
        bad |= select(0u, 1u, (bitcast<u32>(loss) & 0x7f800000u) == 0x7f800000u);
        var best = 0u;
        var largest = logits[n * CLASSES];
        for (var c = 1u; c < CLASSES; c++) {
            let logit = logits[n * CLASSES + c];
            best = select(best, c, logit > largest);
            largest = max(largest, logit);
        }
        hit += select(0u, 1u, best == labels[n]);
        tally(n, best);
    }
    sums[local] = sum;
    hits[local] = hit;
    broken[local] = bad;
    workgroupBarrier();
    if (local == 0u) {
        for (var i = 1u; i < WORKGROUP; i++) {
            sum += sums[i];
            hit += hits[i];
            bad |= broken[i];
        }
        metrics[4u * step.slot] = bitcast<u32>(sum);
        metrics[4u * step.slot + 1u] = hit;
        metrics[4u * step.slot + 2u] = step.samples;
        metrics[4u * step.slot + 3u] = bad;
    }
}
