// Exponential and logarithm that agree between adapters: the built-in ones may be off by many units in the last place. Argument
// reduction and polynomials after Cephes (Moshier, expf.c and logf.c). NaN stays NaN.

fn exp_f32(value: f32) -> f32 {
    let x = select(select(value, 88.0, value > 88.0), -87.0, value < -87.0);
    let k = floor(x * 1.44269504 + 0.5);
    let r = x - k * 0.693359375 + k * 2.12194440e-4;
    var p = 1.9875691500e-4 * r + 1.3981999507e-3;
    p = p * r + 8.3334519073e-3;
    p = p * r + 4.1665795894e-2;
    p = p * r + 1.6666665459e-1;
    p = p * r + 5.0000001201e-1;
    return (p * r * r + r + 1.0) * bitcast<f32>(u32(i32(k) + 127) << 23u);
}

// For normal positive numbers.
fn log_f32(value: f32) -> f32 {
    let bits = bitcast<u32>(value);
    let m = bitcast<f32>((bits & 0x7fffffu) | 0x3f000000u);
    let low = m < 0.70710678;
    let e = f32(i32(bits >> 23u) - 126) - select(0.0, 1.0, low);
    let x = select(m, m + m, low) - 1.0;
    let z = x * x;
    var p = 7.0376836292e-2 * x - 1.1514610310e-1;
    p = p * x + 1.1676998740e-1;
    p = p * x - 1.2420140846e-1;
    p = p * x + 1.4249322787e-1;
    p = p * x - 1.6668057665e-1;
    p = p * x + 2.0000714765e-1;
    p = p * x - 2.4999993993e-1;
    p = p * x + 3.3333331174e-1;
    let rest = p * x * z - e * 2.12194440e-4 - 0.5 * z;
    return select(x + rest + e * 0.693359375, value, (bits & 0x7f800000u) == 0x7f800000u);
}
