//! Which of the names that there are comes nearest to one that there is not.

/// The `count` names nearest to `name`, the nearest first.
pub(crate) fn nearest<'a>(name: &str, names: &[&'a str], count: usize) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_by_key(|other| distance(name, other));
    names.truncate(count);
    names
}

/// The fewest characters to insert, delete or replace that make one text of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_needs_the_fewest_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("momentm", &["lr", "momentum", "nesterov"], 1), ["momentum"]);
        assert_eq!(nearest("conv1.wieght", &["fc.bias", "conv1.weight", "conv1.bias"], 2)[0], "conv1.weight");
    }
}
