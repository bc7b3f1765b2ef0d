//! Numbers from their digits, rounded as IEEE 754 has it. The standard library's reader does the same many times as fast, with ten kilobytes of powers of
//! five that no compression makes smaller: a page would load them to read a learning rate.

use std::cmp::Ordering;

/// The most digits that are looked at one by one: a number halfway between two others has less than 770.
const MOST_DIGITS: usize = 800;

/// The nearest `f64` to a number as text, or of two that are as near the even one: digits, with a sign, a fraction and an exponent of ten where it has
/// them; or `inf`, `infinity` or `nan`, in any letters. It reads what [`str::parse`] reads, to the same bits, except for the sign and content of NaN.
///
/// ```
/// assert_eq!(toml::float("-1.5e-3"), Some(-0.0015));
/// assert_eq!(toml::float("1,5"), None);
/// ```
pub fn float(text: &str) -> Option<f64> {
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let size = match text.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        digits => decimal(digits)?,
    };
    Some(if negative { -size } else { size })
}

/// A number without a sign.
fn decimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once('e') {
        None => (text, 0),
        Some((mantissa, exponent)) => (mantissa, power(exponent)?),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let exponent = exponent - fraction.len() as i64;
    let looked_at = &significant[..significant.len().min(MOST_DIGITS)];
    // Of what is behind counts only whether it is more than nothing.
    let behind = &significant[looked_at.len()..];
    let more = if behind.bytes().any(|byte| byte != b'0') { "1" } else { "0" };
    let exponent = exponent + behind.len() as i64;
    Some(if behind.is_empty() {
        nearest(looked_at, exponent)
    } else {
        nearest(&[looked_at, more].concat(), exponent - 1)
    })
}

/// An exponent; one that is beyond all bounds is far beyond any that counts.
fn power(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().map_or(1 << 40, |size| size.min(1 << 40));
    Some(if negative { -size } else { size })
}

/// The nearest to `digits · 10^exponent`. The digits have no zeros in front.
fn nearest(digits: &str, exponent: i64) -> f64 {
    let magnitude = digits.len() as i64 + exponent;
    if digits.is_empty() || magnitude < -330 {
        return 0.0;
    }
    if magnitude > 310 {
        return f64::INFINITY;
    }
    // Up to 2^53 and 10^22 both are exact, and so one operation rounds once (W. D. Clinger, 1990).
    if let Some(number) = digits.parse::<u64>().ok().filter(|&number| number <= 1 << 53)
        && exponent.abs() <= 22
    {
        let power = (0..exponent.abs()).fold(1.0, |power, _| power * 10.0);
        return if exponent < 0 { number as f64 / power } else { number as f64 * power };
    }
    let mut numerator = Natural::of(digits);
    let mut denominator = Natural(vec![1]);
    let scaled = if exponent < 0 { &mut denominator } else { &mut numerator };
    (0..exponent.abs()).for_each(|_| scaled.multiply_add(10, 0));
    quotient(numerator, denominator)
}

/// The nearest to a quotient: as many of its bits as count and one or two more, whether anything is behind them, and one rounding.
fn quotient(mut numerator: Natural, mut denominator: Natural) -> f64 {
    // The quotient times 2^shift has 55 or 56 bits; fewer where its last one is half of the least number there is.
    let shift = (55 - (numerator.bits() - denominator.bits())).min(1075);
    if shift < 0 {
        denominator.shift(-shift as usize)
    } else {
        numerator.shift(shift as usize)
    };
    let mut bits = 0_u64;
    for bit in (0..57).rev() {
        let mut part = denominator.clone();
        part.shift(bit);
        if numerator.compare(&part) != Ordering::Less {
            numerator.subtract(&part);
            bits |= 1 << bit;
        }
    }
    let behind = numerator.bits() > 0;
    let dropped = (64 - bits.leading_zeros()).saturating_sub(53).max(1);
    let (kept, rest, half) = (bits >> dropped, bits & ((1 << dropped) - 1), 1 << (dropped - 1));
    let up = rest > half || (rest == half && (behind || kept & 1 == 1));
    // Both products are exact, or the second is infinite.
    let exponent = i64::from(dropped) - shift;
    (kept + u64::from(up)) as f64 * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2)
}

/// 2 to a power from -1022 to 1023.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// A whole number of any size, in digits of 32 bits, the lowest first, with or without zeros at the end.
#[derive(Clone)]
struct Natural(Vec<u32>);

impl Natural {
    fn of(digits: &str) -> Self {
        let mut number = Self(Vec::new());
        digits.bytes().for_each(|digit| number.multiply_add(10, u32::from(digit - b'0')));
        number
    }

    fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(factor);
            *digit = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// How many bits it has.
    fn bits(&self) -> i64 {
        match self.0.iter().rposition(|&digit| digit != 0) {
            None => 0,
            Some(last) => 32 * (last as i64 + 1) - i64::from(self.0[last].leading_zeros()),
        }
    }

    /// Times 2 to the power of `bits`.
    fn shift(&mut self, bits: usize) {
        self.multiply_add(1 << (bits % 32), 0);
        self.0.splice(0..0, std::iter::repeat_n(0, bits / 32));
    }

    fn digit(&self, at: usize) -> u32 {
        self.0.get(at).copied().unwrap_or(0)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let length = self.0.len().max(other.0.len());
        (0..length)
            .rev()
            .map(|at| self.digit(at).cmp(&other.digit(at)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Takes away what is no larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for at in 0..self.0.len() {
            let (rest, first) = self.0[at].overflowing_sub(other.digit(at));
            let (rest, second) = rest.overflowing_sub(u32::from(borrow));
            self.0[at] = rest;
            borrow = first || second;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::float;

    /// Held to the standard library's reader.
    fn same(text: &str) {
        let (found, wanted) = (float(text), text.parse::<f64>().ok());
        assert!(
            found.map(f64::to_bits) == wanted.map(f64::to_bits)
                || found.zip(wanted).is_some_and(|(a, b)| a.is_nan() && b.is_nan()),
            "{text}: {found:?}, not {wanted:?}"
        );
    }

    #[test]
    fn borders_are_the_standard_library_s() {
        for text in [
            "",
            "+",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "1.",
            ".5",
            "+.5e1",
            "1..2",
            "1e5.0",
            " 1",
            "1 ",
            "0x1",
            "1_0",
            "--1",
            "٣",
            "inf",
            "-INF",
            "Infinity",
            "nan",
            "-nan",
            "infinit",
            "0",
            "-0",
            "0e99999999999999999999",
            "00012.500",
            "5e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "1e309",
            "1e-400",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "9007199254740992",
            "9007199254740993",
            "9007199254740994",
            "9007199254740995",
            "1e22",
            "1e23",
            "123456789012345678901234567890",
            "0.1",
            "0.30000000000000004",
            "8.5e-7",
            "4.35",
            "1e-23",
            "179769313486231580793e289",
        ] {
            same(text);
        }
        // Halfway between two numbers, and a little more and less, in all its digits.
        let half = format!("{:.1074}", f64::from_bits(1) / 1.0);
        for text in [
            half.clone(),
            half + "1",
            format!("9007199254740993.{}", "0".repeat(900)),
            format!("9007199254740993.{}1", "0".repeat(900)),
        ] {
            same(&text);
        }
        let halfway = format!("{}5", &format!("{:.1074}", f64::from_bits(0x0010_0000_0000_0001))[..770]);
        same(&halfway);
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were_written(bits: u64) {
            let number = f64::from_bits(bits);
            for text in [format!("{number}"), format!("{number:e}"), format!("{number:.3e}"), format!("{number:.17e}"), format!("{number:.40e}")] {
                same(&text);
            }
        }

        #[test]
        fn whatever_is_written_is_read_alike(text in "[+-]?[0-9]{0,30}(\\.[0-9]{0,30})?([eE][+-]?[0-9]{1,3})?") {
            same(&text);
        }
    }
}
