//! What someone meant who wrote a name that there is not.

use crate::order::{arranged, ascending};

/// The candidate that is nearest to `name`, where one is near: at most a third of the name's letters added, left out, exchanged or
/// swapped with their neighbours. Of several, the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let most = (name.len() / 3).max(1);
    // Nobody's slip of the keyboard, and nothing to spend time on.
    if name.len() > 64 {
        return None;
    }
    let near = candidates.into_iter().filter_map(|candidate| {
        let letters: Vec<char> = candidate.chars().collect();
        let distance = distance(&name, &letters);
        (distance <= most).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The `count` candidates nearest to `name`, however far they are, the nearest first; of those that are equally near, in their order.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let name: Vec<char> = name.chars().take(64).flat_map(char::to_lowercase).collect();
    let names: Vec<&str> = candidates.into_iter().collect();
    let far = |candidate: &&str| distance(&name, &candidate.chars().collect::<Vec<_>>()) as u64;
    let order = ascending(names.iter().map(far));
    let mut names = arranged(names, &order);
    names.truncate(count);
    names
}

/// ` (did you mean …?)`, to be put behind a name that there is not; nothing where no candidate is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

/// A deserialiser's sentence about an unknown field or variant, with the nearest of those that it lists; any other as it is.
pub fn with_nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown "), quoted.next()) {
        (true, Some(name)) => {
            let hint = did_you_mean(name, quoted);
            let found = format!("`{name}`");
            message.replacen(&found, &format!("{found}{hint}"), 1)
        }
        _ => message.to_string(),
    }
}

/// The number of letters that are added, left out, exchanged, or swapped with their neighbours (the optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let exchanged = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let least = exchanged.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["conv2d", "kernel_size", "relu", "relu6", "out_channels"];

    #[test]
    fn slips_are_understood_and_other_names_are_not() {
        for (written, meant) in [
            ("cnov2d", Some("conv2d")),
            ("Conv2D", Some("conv2d")),
            ("kernelsize", Some("kernel_size")),
            ("reul", Some("relu")),
            ("relu5", Some("relu")),
            ("out_channel", Some("out_channels")),
            ("bias", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, NAMES), meant, "{written}");
        }
        assert_eq!(nearest(&"relu".repeat(1000), NAMES), None);
    }

    #[test]
    fn of_names_that_are_far_the_closest_are_found() {
        assert_eq!(closest("momentm", ["lr", "momentum", "nesterov"], 1), ["momentum"]);
        let names = ["fc.bias", "conv1.weight", "conv1.bias"];
        assert_eq!(closest("conv1.wieght", names, 2), ["conv1.weight", "conv1.bias"]);
        assert_eq!(closest("kernel", NAMES, 1), ["relu"]);
    }

    #[test]
    fn a_deserialisers_sentence_gets_a_hint() {
        let message = "unknown field `strid`, expected one of `kernel_size`, `stride`";
        assert_eq!(
            with_nearest(message),
            "unknown field `strid` (did you mean `stride`?), expected one of `kernel_size`, `stride`"
        );
        for other in ["missing field `stride`", "unknown field `xyz`, expected `stride`", "unknown"] {
            assert_eq!(with_nearest(other), other);
        }
    }
}
