// Rows of logits, and what softmax needs of a row.
#import shared/exp_log

/// The number of classes.
override CLASSES: u32 = 10;

@group(0) @binding(1) var<storage, read> logits: array<f32>;

// It is subtracted before powers are taken, so that none overflows.
fn largest_logit(base: u32) -> f32 {
    var largest = logits[base];
    for (var c = 1u; c < CLASSES; c++) {
        largest = max(largest, logits[base + c]);
    }
    return largest;
}

fn sum_of_powers(base: u32, largest: f32) -> f32 {
    var sum = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
        sum += exp_f32(logits[base + c] - largest);
    }
    return sum;
}
