//! Pointwise functions, each three times: its definition in double precision, its single-precision form in Rust and the same in
//! WGSL. Built-in exponentials differ between adapters by many units in the last place, so all of these rest on one polynomial.
//!
//! | function | largest error, where results are normal numbers |
//! | --- | --- |
//! | [`exp`] | 2e-7 of the result |
//! | [`sigmoid`], [`tanh`], [`softplus`] | 4e-7 of the result |
//! | [`silu`], [`gelu`] | 4e-7 of `x` |
//! | [`silu_slope`], [`gelu_slope`] | 1e-6 |
//!
//! They hold for the Rust forms; WGSL's division may add 2.5 units in the last place to each. NaN stays NaN.

/// The single-precision forms: one expression each, without branches, so that loops over them become vector code.
macro_rules! f32_functions {
    ($($(#[$doc:meta])* fn $name:ident($x:ident) $body:block)*) => {
        $($(#[$doc])* #[inline(always)] pub fn $name($x: f32) -> f32 $body)*
    };
}

f32_functions! {
    /// `eˣ`, with `x` held within −87 … 88, so that no result overflows or is 0. Argument reduction and polynomial after
    /// Cephes (Moshier, expf.c).
    fn exp(x) {
        let x = if x > 88.0 { 88.0 } else { x };
        let x = if x < -87.0 { -87.0 } else { x };
        // Added to this, a number is rounded to an integer that stands in the lowest bits.
        const ROUND: f32 = 12_582_912.0;
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let k = shifted - ROUND;
        let r = x - k * 0.693_359_4 + k * 2.121_944_4e-4;
        let mut p = 1.987_569_1e-4 * r + 1.398_2e-3;
        p = p * r + 8.333_452e-3;
        p = p * r + 4.166_579_6e-2;
        p = p * r + 1.666_666_5e-1;
        p = p * r + 0.5;
        let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
        (p * r * r + r + 1.0) * power
    }

    /// `1 / (1 + e⁻ˣ)`
    fn sigmoid(x) {
        1.0 / (1.0 + exp(-x))
    }

    /// The hyperbolic tangent: a polynomial where `|x| < 0.625` (Cephes, tanhf.c), else `1 − 2 / (e²ˣ + 1)`.
    fn tanh(x) {
        let z = x * x;
        let mut p = -5.704_988_7e-3 * z + 2.063_908_8e-2;
        p = p * z - 5.373_971_6e-2;
        p = p * z + 1.333_144_2e-1;
        p = p * z - 3.333_328e-1;
        let far = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
        if z < 0.390_625 { p * z * x + x } else { far }
    }

    /// `log(1 + eˣ)`, as `max(x, 0) + log(1 + u)` with `u = e^(−|x|)`; the logarithm by the series of `2 · artanh(u / (2 + u))`.
    fn softplus(x) {
        let u = exp(-x.abs());
        let s = u / (2.0 + u);
        let z = s * s;
        let mut p = 0.153_846_15 * z + 0.181_818_18;
        p = p * z + 0.222_222_22;
        p = p * z + 0.285_714_3;
        p = p * z + 0.4;
        p = p * z + 0.666_666_7;
        let above = if x < 0.0 { 0.0 } else { x };
        above + (p * z + 2.0) * s
    }

    /// `x / (1 + e⁻ˣ)`
    fn silu(x) {
        x * sigmoid(x)
    }

    /// The derivative of [`silu`]: `s + x · s · (1 − s)` with the sigmoid `s`.
    fn silu_slope(x) {
        let s = sigmoid(x);
        s + x * s * (1.0 - s)
    }

    /// `x · Φ(x)` with the normal distribution function `Φ(x) = (1 + erf(x / √2)) / 2`.
    fn gelu(x) {
        x * normal(x, bell(x))
    }

    /// The derivative of [`gelu`]: `Φ(x) + x · e^(−x²/2) / √(2π)`.
    fn gelu_slope(x) {
        let bell = bell(x);
        normal(x, bell) + 0.398_942_3 * x * bell
    }
}

#[inline(always)]
fn bell(x: f32) -> f32 {
    exp(-0.5 * x * x)
}

/// `Φ(x)` for `bell = e^(−x²/2)`: `Φ(−|x|) = bell · t · P(t)` with `t = 1 / (1 + 0.3 |x|)`. The polynomial is fitted to
/// `Φ(−a) · e^(a²/2)` over `a` in 0 … 14, with 1.5e-7 as the largest relative error.
#[inline(always)]
fn normal(x: f32, bell: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.3 * x.abs());
    let mut p = 0.035_674_766 * t - 0.157_203_05;
    p = p * t + 0.206_353_44;
    p = p * t - 0.053_683_586;
    p = p * t + 0.128_561_6;
    p = p * t + 0.099_913_5;
    p = p * t + 0.120_753_95;
    p = p * t + 0.119_629_3;
    let below = p * t * bell;
    if x < 0.0 { below } else { 1.0 - below }
}

/// The definitions, in double precision.
pub mod exact {
    /// See [`sigmoid`](super::sigmoid).
    pub fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// See [`softplus`](super::softplus).
    pub fn softplus(x: f64) -> f64 {
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    }

    /// See [`silu`](super::silu).
    pub fn silu(x: f64) -> f64 {
        x * sigmoid(x)
    }

    /// See [`silu_slope`](super::silu_slope).
    pub fn silu_slope(x: f64) -> f64 {
        let s = sigmoid(x);
        s + x * s * (1.0 - s)
    }

    /// See [`gelu`](super::gelu).
    pub fn gelu(x: f64) -> f64 {
        x * normal(x)
    }

    /// See [`gelu_slope`](super::gelu_slope).
    pub fn gelu_slope(x: f64) -> f64 {
        normal(x) + x * density(x)
    }

    fn density(x: f64) -> f64 {
        (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    /// `Φ(x) = 1/2 + φ(x) · (x + x³/3 + x⁵/(3·5) + …)` (Marsaglia, “Evaluating the normal distribution”, 2004), within 1e-15.
    fn normal(x: f64) -> f64 {
        if x.abs() > 9.0 {
            return if x < 0.0 { 0.0 } else { 1.0 };
        }
        let (mut term, mut sum, mut n) = (x, x, 1.0);
        while term.abs() > 1e-17 * sum.abs() {
            n += 2.0;
            term *= x * x / n;
            sum += term;
        }
        0.5 + sum * density(x)
    }
}

/// The functions in WGSL, for values of a type `Y` with the integers `Whole` beside it; each calls none but those before it.
const WGSL: &[(&str, &str)] = &[
    ("relu", "fn relu(x: Y) -> Y { return select(x, Y(0.0), x < Y(0.0)); }"),
    ("least", "fn least(a: Y, b: Y) -> Y { return select(a, b, b < a); }"),
    (
        "exponential",
        "fn exponential(value: Y) -> Y {
let x = select(select(value, Y(88.0), value > Y(88.0)), Y(-87.0), value < Y(-87.0));
let k = floor(x * 1.44269504 + 0.5);
let r = x - k * 0.693359375 + k * 2.12194440e-4;
var p = 1.9875691500e-4 * r + 1.3981999507e-3;
p = p * r + 8.3334519073e-3;
p = p * r + 4.1665795894e-2;
p = p * r + 1.6666665459e-1;
p = p * r + 0.5;
return (p * r * r + r + 1.0) * bitcast<Y>((Whole(k) + 127) * 8388608);
}",
    ),
    ("sigmoid", "fn sigmoid(x: Y) -> Y { return 1.0 / (1.0 + exponential(-x)); }"),
    (
        "hyperbolic_tangent",
        "fn hyperbolic_tangent(x: Y) -> Y {
let z = x * x;
var p = -5.70498872745e-3 * z + 2.06390887954e-2;
p = p * z - 5.37397155531e-2;
p = p * z + 1.33314422036e-1;
p = p * z - 3.33332819422e-1;
let far = 1.0 - 2.0 / (exponential(2.0 * x) + 1.0);
return select(far, p * z * x + x, z < Y(0.390625));
}",
    ),
    (
        "softplus",
        "fn softplus(x: Y) -> Y {
let u = exponential(-abs(x));
let s = u / (2.0 + u);
let z = s * s;
var p = 0.15384615 * z + 0.18181818;
p = p * z + 0.22222222;
p = p * z + 0.2857143;
p = p * z + 0.4;
p = p * z + 0.6666667;
return select(x, Y(0.0), x < Y(0.0)) + (p * z + 2.0) * s;
}",
    ),
    ("silu", "fn silu(x: Y) -> Y { return x * sigmoid(x); }"),
    ("silu_slope", "fn silu_slope(x: Y) -> Y { let s = sigmoid(x); return s + x * s * (1.0 - s); }"),
    ("bell", "fn bell(x: Y) -> Y { return exponential(-0.5 * x * x); }"),
    (
        "normal",
        "fn normal(x: Y, bell: Y) -> Y {
let t = 1.0 / (1.0 + 0.3 * abs(x));
var p = 0.035674766 * t - 0.15720305;
p = p * t + 0.20635344;
p = p * t - 0.053683586;
p = p * t + 0.1285616;
p = p * t + 0.0999135;
p = p * t + 0.12075395;
p = p * t + 0.1196293;
let below = p * t * bell;
return select(1.0 - below, below, x < Y(0.0));
}",
    ),
    // Philox 4×32-10, as in random.rs; products of words by halves, for WGSL has none of 64 bits.
    (
        "philox",
        "fn philox(counter: vec4u, key: vec2u) -> vec4u {
var c = counter;
var k = key;
for (var round = 0u; round < 10u; round++) {
let m = vec2u(0xd2511f53u, 0xcd9e8d57u);
let x = c.xz;
let low = (m & vec2u(0xffffu)) * (x & vec2u(0xffffu));
let cross = (m >> vec2u(16u)) * (x & vec2u(0xffffu)) + (low >> vec2u(16u));
let other = (m & vec2u(0xffffu)) * (x >> vec2u(16u)) + (cross & vec2u(0xffffu));
let high = (m >> vec2u(16u)) * (x >> vec2u(16u)) + (cross >> vec2u(16u)) + (other >> vec2u(16u));
let product = m * x;
c = vec4u(high.y ^ c.y ^ k.x, product.y, high.x ^ c.w ^ k.y, product.x);
k += vec2u(0x9e3779b9u, 0xbb67ae85u);
}
return c;
}",
    ),
    (
        "uniform_block",
        "fn uniform_block(i: u32, inner: u32, stream: u32) -> vec4f {
let counter = vec4u(i % inner / 4u, step.first_sample + i / inner, step.number, stream);
return vec4f(philox(counter, vec2u(step.seed_low, step.seed_high)) >> vec4u(8u)) * (1.0 / 16777216.0);
}",
    ),
    ("gelu", "fn gelu(x: Y) -> Y { return x * normal(x, bell(x)); }"),
    ("gelu_slope", "fn gelu_slope(x: Y) -> Y { let b = bell(x); return normal(x, b) + 0.3989423 * x * b; }"),
];

/// Random numbers for the vector of elements from `i`, by the number of lanes: one block of four where it holds all of them.
const UNIFORM: [(usize, &str); 3] = [
    (
        1,
        "fn uniform_at(i: u32, inner: u32, stream: u32) -> Y { return uniform_block(i, inner, stream)[i % inner % 4u]; }",
    ),
    (
        2,
        "fn uniform_at(i: u32, inner: u32, stream: u32) -> Y {
let first = uniform_block(i, inner, stream);
if (inner % 2u == 0u) { return select(first.xy, first.zw, i % inner % 4u == 2u); }
return Y(first[i % inner % 4u], uniform_block(i + 1u, inner, stream)[(i + 1u) % inner % 4u]);
}",
    ),
    (
        4,
        "fn uniform_at(i: u32, inner: u32, stream: u32) -> Y {
if (inner % 4u == 0u) { return uniform_block(i, inner, stream); }
var y: Y;
for (var k = 0u; k < 4u; k++) { y[k] = uniform_block(i + k, inner, stream)[(i + k) % inner % 4u]; }
return y;
}",
    ),
];

/// The WGSL of the functions that `text` calls, and of those that these call, for vectors of `lanes`.
pub(crate) fn called(text: &str, lanes: usize) -> String {
    let mut found = String::new();
    if text.contains("uniform_at(") {
        found.extend(UNIFORM.iter().filter(|(own, _)| *own == lanes).map(|(_, function)| *function));
    }
    for (name, function) in WGSL.iter().rev() {
        let call = |text: &str| text.match_indices(name).any(|(at, _)| is_call(text, at, name.len()));
        if call(text) || call(&found) {
            found = format!("{function}\n{found}");
        }
    }
    let whole = if lanes == 1 { "i32".to_string() } else { format!("vec{lanes}i") };
    if found.contains("Whole(") { format!("alias Whole = {whole};\n{found}") } else { found }
}

/// Whether what stands at `at` is a whole name with a bracket behind it.
fn is_call(text: &str, at: usize, len: usize) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text[at + len..].starts_with('(') && !text[..at].ends_with(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A single-precision form, its definition, and what its errors are measured by at `x`.
    type Case = (&'static str, fn(f32) -> f32, fn(f64) -> f64, fn(f64) -> f64, f64);

    const CASES: [Case; 8] = [
        ("exp", exp, f64::exp, f64::exp, 2e-7),
        ("sigmoid", sigmoid, exact::sigmoid, exact::sigmoid, 4e-7),
        ("tanh", tanh, f64::tanh, f64::tanh, 4e-7),
        ("softplus", softplus, exact::softplus, exact::softplus, 4e-7),
        ("silu", silu, exact::silu, |x| x, 4e-7),
        ("silu_slope", silu_slope, exact::silu_slope, |_| 1.0, 1e-6),
        ("gelu", gelu, exact::gelu, |x| x, 4e-7),
        ("gelu_slope", gelu_slope, exact::gelu_slope, |_| 1.0, 1e-6),
    ];

    #[test]
    fn errors_keep_within_their_bounds() {
        for (name, found, exact, size, bound) in CASES {
            let mut worst = (0.0, 0.0);
            // Over all magnitudes, and evenly over where the curves bend.
            let magnitudes =
                (0..6000).flat_map(|i| [1.0, -1.0].map(|s| s * 2.0_f32.powf(f32::from(i as i16) / 200.0 - 23.6)));
            for x in magnitudes.chain((-80_000..80_000).map(|i| i as f32 / 8000.0)).filter(|x| x.abs() <= 86.0) {
                let wide = f64::from(x);
                let error = (f64::from(found(x)) - exact(wide)).abs() / size(wide).abs().max(1e-30);
                if error > worst.0 {
                    worst = (error, wide);
                }
            }
            assert!(worst.0 <= bound, "{name} is off by {:.1e} at {}", worst.0, worst.1);
        }
    }

    #[test]
    fn nothing_overflows_and_nan_stays() {
        for (name, found, ..) in CASES {
            assert!(found(f32::NAN).is_nan(), "{name}");
            for x in [-1e30, -1000.0, -100.0, 100.0, 1000.0, 1e18] {
                assert!(found(x).is_finite(), "{name} of {x}");
            }
        }
        assert_eq!(
            [sigmoid(100.0), tanh(100.0), tanh(-100.0), silu(100.0), gelu(100.0)],
            [1.0, 1.0, -1.0, 100.0, 100.0]
        );
        assert!(gelu(-100.0).abs() < 1e-30 && silu(-100.0).abs() < 1e-30);
    }

    #[test]
    fn the_normal_distribution_is_what_tables_say() {
        // Abramowitz and Stegun, table 26.1.
        for (x, below) in [(0.0, 0.5), (1.0, 0.841344746068543), (-2.0, 0.022750131948179), (5.0, 0.999999713348428)] {
            assert!((exact::gelu(x) - x * below).abs() <= 5e-15 * x.abs(), "{x}: {}", exact::gelu(x));
        }
    }

    #[test]
    fn a_text_gets_the_functions_that_it_calls() {
        assert_eq!(called("(x + bias)", 1), "");
        assert_eq!(called("relu(x)", 1).matches("fn ").count(), 1);
        let text = called("gelu_slope(x)", 4);
        for name in ["exponential", "bell", "normal", "gelu_slope"] {
            assert_eq!(text.matches(&format!("fn {name}(")).count(), 1, "{name}");
        }
        assert!(!text.contains("fn gelu(") && text.starts_with("alias Whole = vec4i;"));
    }
}
