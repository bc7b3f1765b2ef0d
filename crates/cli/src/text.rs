//! Numbers for people.

use std::time::Duration;

use convoke::train::DeviceShare;

/// A number with its thousands apart: 12,345.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate, rounded: whole where it is large.
pub fn rate(per_second: f64) -> String {
    if per_second >= 100.0 { grouped(per_second.round() as u64) } else { format!("{per_second:.1}") }
}

/// A number with no more than four digits that count: 0.01, 0.00003333.
pub fn short(number: f64) -> String {
    format!("{number:.3e}").parse::<f64>().unwrap_or(number).to_string()
}

/// A share of 1 in per cent.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Bytes in the unit that suits them.
pub fn bytes(bytes: usize) -> String {
    let bytes = bytes as f64;
    let units = [(1024.0 * 1024.0 * 1024.0, "GiB"), (1024.0 * 1024.0, "MiB"), (1024.0, "KiB")];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes / size),
        None => format!("{bytes} B"),
    }
}

/// A number of operations in the unit that suits it.
pub fn flops(count: u64) -> String {
    let count = count as f64;
    let units = [(1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP"), (1e3, "kFLOP")];
    match units.iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{:.2} {unit}", count / size),
        None => format!("{count} FLOP"),
    }
}

/// A time.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds.round() as u64 {
        0..10 => format!("{seconds:.1} s"),
        whole @ 10..60 => format!("{whole} s"),
        whole @ 60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        whole => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Lengths of a box: 3×28×28.
pub fn sides(lengths: &[usize]) -> String {
    lengths.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// How batches are split from a step on.
pub fn shares(step: u64, shares: &[DeviceShare]) -> String {
    let sum: f64 = shares.iter().map(|share| share.weight).sum();
    let share = |share: &DeviceShare| match share.weight / sum {
        0.0 => format!("{} takes no part: it would cost more than it does", share.device),
        part => format!("{} {}", percent(part), share.device),
    };
    let shares: Vec<String> = shares.iter().map(share).collect();
    format!("from step {} on, of each batch: {}", grouped(step), shares.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.04, 99.94, 5321.4].map(rate), ["0.0", "99.9", "5,321"]);
        assert_eq!([0.01, 1e-5 / 3.0, 12.0].map(short), ["0.01", "0.000003333", "12"]);
        assert_eq!([12, 2048, 5 << 20, 3 << 30].map(bytes), ["12 B", "2.0 KiB", "5.0 MiB", "3.0 GiB"]);
        assert_eq!([12, 7_990_000].map(flops), ["12 FLOP", "7.99 MFLOP"]);
        let times = [0.31, 9.96, 59.4, 125.0, 7325.0].map(|s| time(Duration::from_secs_f64(s)));
        assert_eq!(times, ["0.3 s", "10 s", "59 s", "2 min 5 s", "2 h 2 min"]);
        assert_eq!((percent(0.8675), sides(&[3, 28, 28])), ("86.8 %".into(), "3×28×28".into()));
    }
}
