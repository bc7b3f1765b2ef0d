//! Orders: one sort for many kinds of items. Each kind that is sorted by itself brings some four kilobytes of code, which a page has to
//! load.

/// The positions of items, by their keys from the lowest up; where keys are equal, by position.
pub fn ascending(keys: impl IntoIterator<Item = u64>) -> Vec<usize> {
    let mut order: Vec<(u64, usize)> = keys.into_iter().zip(0..).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, position)| position).collect()
}

/// A key for numbers: larger numbers have lower keys, as [`f64::total_cmp`] has it.
pub fn largest_first(value: f64) -> u64 {
    let bits = value.to_bits();
    // Of negative numbers the larger has the lower bits, and all lie below the positive ones.
    if value.is_sign_negative() { bits } else { !bits & !(1 << 63) }
}

/// The items in an order of their positions.
///
/// # Panics
/// Where the order names other than each position once.
pub fn arranged<T>(items: Vec<T>, order: &[usize]) -> Vec<T> {
    assert_eq!(items.len(), order.len(), "an order names each position once");
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    order.iter().map(|&position| items[position].take().expect("an order names each position once")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_stay_in_their_order() {
        let order = ascending([3, 1, 2, 1]);
        assert_eq!(order, [1, 3, 2, 0]);
        assert_eq!(arranged(vec!['a', 'b', 'c', 'd'], &order), ['b', 'd', 'c', 'a']);
    }

    #[test]
    fn the_largest_number_comes_first() {
        let numbers = [0.0, -0.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, 1e-300, -1e-300, f64::NAN];
        let order = ascending(numbers.map(largest_first));
        let sorted = arranged(numbers.to_vec(), &order);
        let mut expected = numbers.to_vec();
        expected.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(
            sorted.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            expected.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        );
    }
}
