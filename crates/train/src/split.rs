//! Which training pictures are set aside to choose by.

use convoke_core::random::{Stream, StreamId};

/// The training pictures to learn from, and those to validate with: `fraction` of each class, by the seed, at least one of a class that has
/// two. Both in the data's order.
pub(crate) fn split(seed: u64, labels: &[u32], classes: usize, fraction: f64) -> [Vec<u32>; 2] {
    let mut aside = vec![false; labels.len()];
    for class in 0..classes as u32 {
        let own: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == class).collect();
        let wanted = (own.len() as f64 * fraction).round() as usize;
        let count = wanted.max(1).min(own.len().saturating_sub(1));
        let order = Stream::new(seed, StreamId::Validation, class, 0).permutation(own.len() as u32);
        order[..count].iter().for_each(|&i| aside[own[i as usize]] = true);
    }
    let of = |wanted: bool| (0..labels.len() as u32).filter(|&i| aside[i as usize] == wanted).collect();
    [of(false), of(true)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_gives_its_share() {
        let labels: Vec<u32> = (0..300).map(|i| if i < 200 { 0 } else { 1 + i % 2 }).collect();
        let [train, aside] = split(7, &labels, 4, 0.1);
        let of = |class: u32| aside.iter().filter(|&&i| labels[i as usize] == class).count();
        assert_eq!([of(0), of(1), of(2), of(3)], [20, 5, 5, 0]);
        let mut all = [train.clone(), aside.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..300).collect::<Vec<u32>>());
        assert_eq!(split(7, &labels, 4, 0.1), [train, aside.clone()]);
        assert_ne!(split(8, &labels, 4, 0.1)[1], aside);
    }

    #[test]
    fn a_class_keeps_something_to_learn_from() {
        assert_eq!(split(0, &[0, 1, 1], 2, 0.1)[0].len(), 2);
        assert_eq!(split(0, &[0, 1, 1], 2, 0.9)[0].len(), 2);
    }
}
